"""How much somebody has stored."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx
from common.testing import TokenIssuer

Keep = Callable[..., Awaitable[list[UUID]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]

NOTHING = dict.fromkeys(("pending", "processing", "completed", "partial", "failed", "cancelled"), 0)


async def test_documents_are_counted_by_status_and_by_type(
    client: httpx.AsyncClient, keep: Keep
) -> None:
    await keep(
        {"file_size": 3 << 20, "document_type": "invoice"},
        {"file_size": 1 << 19, "document_type": "invoice", "status": "completed"},
        {"file_size": 5 << 30, "status": "completed"},
    )
    trashed, *_ = await keep({"file_size": 7 << 20})
    await client.delete(f"/documents/{trashed}")
    await keep({"file_size": 7 << 20}, owner_id=uuid4())

    assert (await client.get("/documents/stats")).json() == {
        "document_count": 3,
        "total_storage_mb": 5123.5,
        "by_status": {**NOTHING, "pending": 1, "completed": 2},
        "by_type": {"invoice": 2, "": 1},
    }


async def test_whoever_has_nothing_has_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/documents/stats")).json() == {
        "document_count": 0,
        "total_storage_mb": 0,
        "by_status": NOTHING,
        "by_type": {},
    }


async def test_others_are_counted_for_those_who_may_see_users(
    client: httpx.AsyncClient,
    user_id: UUID,
    keep: Keep,
    issuer: TokenIssuer,
    slug: Slug,
) -> None:
    await keep({}, {})
    path = f"/documents/stats?user_id={user_id}"
    rights = ["documents:read", "users:read"]
    client_of_admin = {"Authorization": f"Bearer {issuer.token(uuid4(), permissions=rights)}"}

    assert (await client.get(path)).json()["document_count"] == 2
    theirs = await client.get(path, headers=client_of_admin)
    assert theirs.json()["document_count"] == 2
    refused = await client.get(path, headers=issuer.headers(uuid4()))
    assert (refused.status_code, slug(refused)) == (403, "insufficient-permission")
    assert refused.headers["www-authenticate"].endswith('scope="users:read"')
    assert (await client.get("/documents/stats?user_id=x")).status_code == 422
