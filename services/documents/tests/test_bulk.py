"""One thing is done with many documents, and each has its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from contracts import DocumentDeleted, DocumentUpdated, Event

NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]
Bulk = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def ids(upload: Upload, new_file: NewFile) -> list[str]:
    return [(await upload(new_file(), tags="a,b")).json()["id"] for _ in range(4)]


@pytest.fixture
def bulk(client: httpx.AsyncClient) -> Bulk:
    """Do something with many documents; return the outcomes, which are about exactly these."""

    async def bulk(action: str, ids: list[str], **options: object) -> list[dict[str, Any]]:
        body = {"action": action, "ids": ids, **options}
        response = await client.post("/documents/bulk", json=body)
        assert response.status_code == 200
        results: list[dict[str, Any]] = response.json()["results"]
        assert [result["id"] for result in results] == ids
        return results

    return bulk


async def shown(client: httpx.AsyncClient, ids: list[str]) -> list[dict[str, Any]]:
    return [(await client.get(f"/documents/{identity}")).json() for identity in ids]


async def test_many_are_tagged_and_untagged(
    client: httpx.AsyncClient, ids: list[str], bulk: Bulk, recorded: Recorded
) -> None:
    results = await bulk("tag", ids[:3], tags=["B", "new"])
    assert all(result == {"id": result["id"], "ok": True, "error": None} for result in results)
    tags = [document["tags"] for document in await shown(client, ids)]
    assert tags == [["a", "b", "new"]] * 3 + [["a", "b"]]

    await bulk("untag", ids, tags=["A", "new", "never"])
    assert [document["tags"] for document in await shown(client, ids)] == [["b"]] * 4
    await bulk("untag", ids, tags=["a"])
    changed = await recorded(DocumentUpdated)
    assert sorted(event["document_id"] for event in changed) == sorted([*ids[:3], *ids])
    assert all(event["changed"] == ["tags"] for event in changed)


async def test_many_get_a_type_and_lose_it(
    client: httpx.AsyncClient, ids: list[str], bulk: Bulk
) -> None:
    for kind in ("invoice", None):
        await bulk("set_type", ids, document_type=kind)
        assert [document["document_type"] for document in await shown(client, ids)] == [kind] * 4


async def test_many_are_deleted_and_restored(
    client: httpx.AsyncClient, ids: list[str], bulk: Bulk, recorded: Recorded
) -> None:
    await bulk("delete", ids)
    assert (await client.get("/documents")).json()["total"] == 0
    assert len(await recorded(DocumentDeleted)) == 4
    await bulk("restore", ids)
    assert (await client.get("/documents")).json()["total"] == 4


async def test_what_fails_fails_alone_and_by_its_name(
    client: httpx.AsyncClient,
    ids: list[str],
    bulk: Bulk,
    sign_in: SignIn,
    new_file: NewFile,
) -> None:
    files = {"file": ("scan.pdf", new_file())}
    foreign = (await sign_in(uuid4()).post("/documents", files=files)).json()["id"]
    await client.delete(f"/documents/{ids[1]}")
    many = [str(number) for number in range(50)]
    await client.patch(f"/documents/{ids[2]}", json={"tags": many})

    results = await bulk("tag", [foreign, *ids, str(uuid4())], tags=["new"])

    assert [result["ok"] for result in results] == [False, True, False, False, True, False]
    errors = {result["id"]: result["error"] for result in results}
    missing = errors[foreign]
    assert (missing["type"], missing["status"]) == ("urn:quire:problem:document-not-found", 404)
    assert missing["instance"] == f"/api/v1/documents/{foreign}"
    for identity in (ids[1], results[-1]["id"]):
        assert errors[identity] == {**missing, "instance": f"/api/v1/documents/{identity}"}
    assert errors[ids[2]]["type"] == "urn:quire:problem:too-many-tags"
    tags = [d["tags"] for d in await shown(client, [ids[0], ids[2], ids[3]])]
    assert tags == [["a", "b", "new"], many, ["a", "b", "new"]]


async def test_a_twin_in_the_trash_does_not_keep_the_others_there(
    client: httpx.AsyncClient, upload: Upload, new_file: NewFile, ids: list[str], bulk: Bulk
) -> None:
    data = new_file()
    old = (await upload(data)).json()["id"]
    await bulk("delete", [old, *ids])
    new = (await upload(data)).json()["id"]

    results = await bulk("restore", [ids[0], old, *ids[1:]])

    assert [result["ok"] for result in results] == [True, False, True, True, True]
    assert results[1]["error"]["type"] == "urn:quire:problem:duplicate-document"
    assert new in results[1]["error"]["detail"]


async def test_named_twice_it_is_done_once(
    client: httpx.AsyncClient, ids: list[str], recorded: Recorded
) -> None:
    body = {"action": "delete", "ids": [ids[0], ids[0].upper(), ids[0]]}
    results = (await client.post("/documents/bulk", json=body)).json()["results"]

    assert results == [{"id": ids[0], "ok": True, "error": None}]
    assert len(await recorded(DocumentDeleted)) == 1


async def test_in_any_order_at_once_nobody_waits_for_ever(
    client: httpx.AsyncClient, ids: list[str], bulk: Bulk
) -> None:
    turned = ids[::-1]
    await asyncio.gather(
        *(bulk("tag", order, tags=[f"t{n}"]) for n in range(3) for order in (ids, turned)),
        *(bulk("delete", order) for order in (ids, turned)),
        *(bulk("restore", order) for order in (ids, turned)),
    )

    await bulk("restore", ids)
    assert (await client.get("/documents")).json()["total"] == 4


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "tag"}, "/body/tags"),
        ({"action": "tag", "tags": []}, "/body/tags"),
        ({"action": "untag", "tags": [" "]}, "/body/tags/0"),
        ({"action": "delete", "tags": ["a"]}, "/body/tags"),
        ({"action": "set_type"}, "/body"),
        ({"action": "delete", "document_type": "x"}, "/body"),
        ({"action": "shred"}, "/body/action"),
        ({"action": "delete", "ids": []}, "/body/ids"),
        ({"action": "delete", "ids": [str(UUID(int=n)) for n in range(101)]}, "/body/ids"),
        ({"action": "delete", "ids": ["x"]}, "/body/ids/0"),
        ({"action": "delete", "permanent": True}, "/body/permanent"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, slug: Slug, body: dict[str, Any], pointer: str
) -> None:
    refused = await client.post("/documents/bulk", json={"ids": [str(uuid4())], **body})

    assert (refused.status_code, slug(refused)) == (422, "invalid-input")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_stranger_changes_nothing(
    client: httpx.AsyncClient, ids: list[str], sign_in: SignIn
) -> None:
    before = await shown(client, ids)
    for body in (
        {"action": "tag", "tags": ["mine"]},
        {"action": "set_type", "document_type": "mine"},
        {"action": "delete"},
        {"action": "restore"},
    ):
        response = await sign_in(uuid4()).post("/documents/bulk", json={"ids": ids, **body})
        assert not any(result["ok"] for result in response.json()["results"])
    assert await shown(client, ids) == before
