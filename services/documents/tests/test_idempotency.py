"""What is created with an `Idempotency-Key` is created once, however often it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.idempotency import KEPT, idempotency_keys
from common.testing import eventually
from contracts import DocumentDeleted, Event

Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]

KEYED = {
    ("post", "/api/v1/categories"),
    ("post", "/api/v1/documents"),
    ("post", "/api/v1/documents/bulk"),
    ("post", "/api/v1/documents/upload/chunked/init"),
    ("post", "/api/v1/documents/upload/multiple"),
    ("post", "/api/v1/ocr/process"),
    ("post", "/api/v1/ocr/batch"),
    ("post", "/api/v1/suppliers"),
    ("post", "/api/v1/tags"),
}
"""The operations that take a key."""

KEY = {"Idempotency-Key": "8e03978e"}


@pytest.mark.parametrize("path", ["/categories", "/suppliers", "/tags"])
async def test_of_twenty_requests_with_one_key_one_creates(
    client: httpx.AsyncClient, sign_in: SignIn, slug: Slug, path: str
) -> None:
    answers = await asyncio.gather(
        *(client.post(path, json={"name": "Taxes"}, headers=KEY) for _ in range(20))
    )
    first, *_ = answers
    other = await client.post(path, json={"name": "Wages"}, headers=KEY)
    theirs = await sign_in(uuid4()).post(path, json={"name": "Taxes"}, headers=KEY)

    assert first.status_code == 201
    assert first.headers["location"] == f"/api/v1{path}/{first.json()['id']}"
    assert {(a.status_code, a.content, a.headers["location"]) for a in answers} == {
        (201, first.content, first.headers["location"])
    }
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
    assert (await client.get(path)).json()["total"] == 1


async def test_what_was_created_and_deleted_stays_deleted(client: httpx.AsyncClient) -> None:
    created = await client.post("/tags", json={"name": "Taxes"}, headers=KEY)
    await client.delete(f"/tags/{created.json()['id']}")
    again = await client.post("/tags", json={"name": "Taxes"}, headers=KEY)

    assert again.content == created.content
    assert (await client.get("/tags")).json()["total"] == 0


async def test_a_name_that_was_taken_can_be_tried_again(
    client: httpx.AsyncClient, slug: Slug
) -> None:
    tag = (await client.post("/tags", json={"name": "Taxes"})).json()
    assert slug(await client.post("/tags", json={"name": "TAXES"}, headers=KEY)) == "tag-exists"
    await client.delete(f"/tags/{tag['id']}")
    created = await client.post("/tags", json={"name": "TAXES"}, headers=KEY)

    assert (created.status_code, created.json()["name"]) == (201, "TAXES")


async def test_many_documents_are_changed_once(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded
) -> None:
    request = {"action": "delete", "ids": [document["id"], str(uuid4())]}
    first = await client.post("/documents/bulk", json=request, headers=KEY)
    again = await client.post("/documents/bulk", json=request, headers=KEY)
    new = await client.post("/documents/bulk", json=request)

    assert [result["ok"] for result in first.json()["results"]] == [True, False]
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert new.content != first.content
    assert len(await recorded(DocumentDeleted)) == 1


@pytest.fixture
async def an_old_and_a_new_key(client: httpx.AsyncClient, sessions: Sessions) -> None:
    for name in ("old", "new"):
        headers = {"Idempotency-Key": name}
        assert (await client.post("/tags", json={"name": name}, headers=headers)).is_success
    async with sessions.begin() as session:
        aged = sa.update(idempotency_keys).where(idempotency_keys.c.key == "old")
        await session.execute(aged.values(created_at=sa.func.now() - KEPT))


@pytest.mark.usefixtures("an_old_and_a_new_key", "worker")
async def test_the_worker_forgets_the_keys_of_the_day_before(sessions: Sessions) -> None:
    async def kept() -> list[str]:
        async with sessions() as session:
            return list(await session.scalars(sa.select(idempotency_keys.c.key)))

    async def only_the_new() -> bool:
        return await kept() == ["new"]

    await eventually(only_the_new)


async def test_openapi_names_the_header_where_it_counts_and_nowhere_else(api_url: str) -> None:
    async with httpx.AsyncClient() as anonymous:
        document = (await anonymous.get(api_url.replace("/api/v1", "/openapi.json"))).json()
    keyed = {
        (method, path): operation["responses"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }

    assert keyed.keys() == KEYED
    for responses in keyed.values():
        assert "`invalid-idempotency-key`" in responses["400"]["description"]
        assert "`idempotency-key-reused`" in responses["422"]["description"]
        assert "`invalid-input`" in responses["422"]["description"]
