"""Categories, suppliers and tags: each user's own, and what becomes of documents that hold them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

Keep = Callable[..., Awaitable[list[UUID]]]
Slug = Callable[[httpx.Response], str]
SignIn = Callable[..., httpx.AsyncClient]
Create = Callable[..., Awaitable[Any]]

NOUNS = {"categories": "category", "suppliers": "supplier", "tags": "tag"}
all_nouns = pytest.mark.parametrize("path", NOUNS)


@pytest.fixture
def create(client: httpx.AsyncClient) -> Create:
    async def create(path: str, name: str, **more: str) -> Any:
        answer = await client.post(f"/{path}", json={"name": name, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return create


def holding(path: str, entry: Any) -> dict[str, Any]:
    """What a document says that holds an entry."""
    if path == "tags":
        return {"tags": [entry["name"]]}
    return {f"{NOUNS[path]}_id": UUID(entry["id"])}


@all_nouns
async def test_a_life(client: httpx.AsyncClient, path: str) -> None:
    detail = "color" if path == "tags" else "description"
    answer = await client.post(f"/{path}", json={"name": "  Taxes "})
    entry = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/{path}/{entry['id']}"
    assert set(entry) == {"id", "name", detail, "document_count", "created_at"}
    assert (entry["name"], entry[detail], entry["document_count"]) == ("Taxes", "", 0)

    url = f"/{path}/{entry['id']}"
    assert (await client.get(url)).json() == entry
    changed = (await client.patch(url, json={detail: "#12abEF"})).json()
    assert changed == {**entry, detail: "#12abEF"}
    assert (await client.patch(url, json={})).json() == changed
    renamed = (await client.patch(url, json={"name": "TAXES"})).json()
    assert renamed == {**changed, "name": "TAXES"} == (await client.get(url)).json()
    assert (await client.delete(url)).status_code == 204
    assert (await client.get(url)).status_code == 404
    assert (await client.post(f"/{path}", json={"name": "taxes"})).status_code == 201


@all_nouns
async def test_lists_are_paged_and_sorted_in_any_case(
    client: httpx.AsyncClient, create: Create, path: str
) -> None:
    for name in ("b", "C", "a", "D", "e"):
        await create(path, name)
    pages = [
        (await client.get(f"/{path}", params={"page": n, "page_size": 2})).json() for n in (1, 2, 3)
    ]

    assert [[item["name"] for item in page["items"]] for page in pages] == [
        ["a", "b"],
        ["C", "D"],
        ["e"],
    ]
    assert {(page["total"], page["total_pages"]) for page in pages} == {(5, 3)}


@all_nouns
async def test_names_are_unique_in_any_case(
    client: httpx.AsyncClient, create: Create, slug: Slug, path: str
) -> None:
    await create(path, "Änne")
    other = await create(path, "Bert")

    for answer in (
        await client.post(f"/{path}", json={"name": "äNNE"}),
        await client.patch(f"/{path}/{other['id']}", json={"name": "ÄNNE"}),
    ):
        assert (answer.status_code, slug(answer)) == (409, f"{NOUNS[path]}-exists")
    assert (await client.get(f"/{path}/{other['id']}")).json() == other


@all_nouns
async def test_of_many_who_want_a_name_one_gets_it(client: httpx.AsyncClient, path: str) -> None:
    answers = await asyncio.gather(
        *(client.post(f"/{path}", json={"name": name}) for name in ["x", "X"] * 5)
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


@all_nouns
async def test_what_belongs_to_others_is_not_there(
    client: httpx.AsyncClient, create: Create, sign_in: SignIn, slug: Slug, path: str
) -> None:
    entry = await create(path, "Mine")
    other = sign_in(uuid4())
    url = f"/{path}/{entry['id']}"

    for answer in (
        await other.get(url),
        await other.patch(url, json={"name": "Theirs"}),
        await other.delete(url),
        await client.get(f"/{path}/{uuid4()}"),
    ):
        assert (answer.status_code, slug(answer)) == (404, f"{NOUNS[path]}-not-found")
    assert (await other.get(f"/{path}")).json()["items"] == []
    assert (await other.post(f"/{path}", json={"name": "mine"})).status_code == 201
    assert (await client.get(url)).json() == entry


@all_nouns
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/name"),
        ({"name": ""}, "/body/name"),
        ({"name": "  "}, "/body/name"),
        ({"name": "x" * 101}, "/body/name"),
        ({"name": "a\x00"}, "/body/name"),
        ({"name": "a\nb"}, "/body/name"),
        ({"name": "\ud800"}, "/body/name"),
        ({"name": None}, "/body/name"),
        ({"name": 1}, "/body/name"),
        ({"name": "x", "user_id": "y"}, "/body/user_id"),
        ({"name": "x", "document_count": 1}, "/body/document_count"),
    ],
)
async def test_what_is_no_entry(
    client: httpx.AsyncClient, slug: Slug, path: str, body: Any, pointer: str
) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = await client.post(f"/{path}", content=json.dumps(body), headers=json_type)

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_color_is_a_color(client: httpx.AsyncClient, create: Create) -> None:
    tag = await create("tags", "x", color="#00ff00")
    for color in ("green", "#12345", "#1234567", "#00ff00\n"):
        answer = await client.patch(f"/tags/{tag['id']}", json={"color": color})
        assert answer.status_code == 422, color
    assert (await client.patch(f"/tags/{tag['id']}", json={"color": ""})).json()["color"] == ""


@all_nouns
async def test_documents_in_sight_are_counted(
    client: httpx.AsyncClient, create: Create, keep: Keep, path: str
) -> None:
    entry, unused = await create(path, "a"), await create(path, "b")
    held = holding(path, entry)
    gone, *_ = await keep(held, held, held, {})
    if path == "tags":
        await keep(held, owner_id=uuid4())
    await client.delete(f"/documents/{gone}")

    assert (await client.get(f"/{path}/{entry['id']}")).json()["document_count"] == 2
    assert (await client.patch(f"/{path}/{entry['id']}", json={})).json()["document_count"] == 2
    counts = [item["document_count"] for item in (await client.get(f"/{path}")).json()["items"]]
    assert counts == [2, 0]
    assert unused["document_count"] == 0


@all_nouns
async def test_what_is_deleted_is_taken_from_documents(
    client: httpx.AsyncClient, create: Create, keep: Keep, path: str
) -> None:
    entry, other = await create(path, "a"), await create(path, "b")
    first, second = await keep(holding(path, entry), holding(path, other))
    before = (await client.get(f"/documents/{second}")).json()

    assert (await client.delete(f"/{path}/{entry['id']}")).status_code == 204

    shown = (await client.get(f"/documents/{first}")).json()
    field = "tags" if path == "tags" else f"{NOUNS[path]}_id"
    assert shown[field] == ([] if path == "tags" else None)
    assert (await client.get(f"/documents/{second}")).json() == before
