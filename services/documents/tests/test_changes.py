"""What its owner says about a document, and says again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from contracts import DocumentUpdated, Event, OcrStarted
from documents.catalogue.models import Category, Supplier, Tag
from documents.models import Document

Deliver = Callable[..., Awaitable[None]]
NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def path(document: dict[str, Any]) -> str:
    return f"/documents/{document['id']}"


async def keep(sessions: Sessions, user_id: UUID) -> tuple[UUID, UUID]:
    """Give a user a category and a supplier."""
    category, supplier = (kind(user_id=user_id, name=uuid4().hex) for kind in (Category, Supplier))
    async with transaction(sessions) as session:
        session.add_all([category, supplier])
    return category.id, supplier.id


async def version(sessions: Sessions, document_id: str) -> int:
    async with sessions() as session:
        document = await session.get_one(Document, UUID(document_id))
        return document.version


async def test_every_field_can_be_changed_and_emptied(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions, recorded: Recorded
) -> None:
    path = f"/documents/{document['id']}"
    category_id, supplier_id = await keep(sessions, UUID(document["user_id"]))
    said = {
        "title": "Rechnung 7",
        "description": "für März",
        "document_type": "invoice",
        "category_id": str(category_id),
        "supplier_id": str(supplier_id),
        "tags": [" tax ", "2026", "TAX", "März"],
        "metadata": {"total": 12.5, "lines": [{"n": 1}], "paid": None},
        "language": "de+en",
    }
    changed = await client.patch(path, json=said)

    assert changed.status_code == 200
    shown = {**document, **said, "tags": ["tax", "2026", "März"]}
    assert changed.json() == {**shown, "updated_at": changed.json()["updated_at"]}
    assert (await client.get(path)).json() == changed.json()
    assert changed.json()["updated_at"] > document["updated_at"]

    emptied = await client.patch(path, json=dict.fromkeys(said.keys() - {"title"}))
    empty = {"description": "", "tags": [], "metadata": {}}
    expected = {name: empty.get(name) for name in said} | {"title": "Rechnung 7"}
    assert {name: emptied.json()[name] for name in said} == expected
    assert [set(event["changed"]) for event in await recorded(DocumentUpdated)] == [
        set(said),
        set(said) - {"title"},
    ]
    assert await version(sessions, document["id"]) == 3


async def test_what_stays_as_it_was_is_no_change(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    path: str,
    sessions: Sessions,
    recorded: Recorded,
) -> None:
    for body in ({}, {"title": document["title"]}, {"tags": None}):
        assert (await client.patch(path, json=body)).json() == document

    assert await recorded(DocumentUpdated) == []
    assert await version(sessions, document["id"]) == 1


async def test_a_list_takes_the_place_of_the_whole_list(
    client: httpx.AsyncClient, path: str
) -> None:
    await client.patch(path, json={"tags": ["a", "b"], "metadata": {"a": 1, "b": {"c": 2}}})
    shown = (await client.patch(path, json={"tags": ["c"], "metadata": {"b": {"d": 3}}})).json()

    assert (shown["tags"], shown["metadata"]) == (["c"], {"b": {"d": 3}})


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", ""),
        ("title", "x" * 501),
        ("title", "a\0b"),
        ("title", "\ud800"),
        ("description", "x" * 10_001),
        ("document_type", "  "),
        ("category_id", "no-id"),
        ("category_id", str(UUID(int=1))),
        ("supplier_id", str(UUID(int=2))),
        ("tags", "tax"),
        ("tags", [""]),
        ("tags", ["x" * 101]),
        ("tags", ["a\nb"]),
        ("tags", [str(n) for n in range(51)]),
        ("metadata", []),
        ("metadata", {"a": "\0"}),
        ("metadata", {"\0": "a"}),
        ("metadata", {"a": ["\ud800"]}),
        ("metadata", {"a": float("nan")}),
        ("metadata", {"a": [float("inf")]}),
        ("metadata", {"a": "x" * (64 << 10)}),
        ("metadata", nested(11)),
        ("language", "Deutsch"),
        ("file_size", 1),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_cannot_be_is_refused_by_name(
    client: httpx.AsyncClient, path: str, slug: Slug, field: str, value: object
) -> None:
    body = json.dumps({field: value})
    refused = await client.patch(path, content=body, headers={"Content-Type": "application/json"})

    assert (refused.status_code, slug(refused)) == (422, "invalid-input")
    assert all(e["pointer"].startswith(f"/body/{field}") for e in refused.json()["errors"])


async def test_the_limits_themselves_are_within(client: httpx.AsyncClient, path: str) -> None:
    largest = {"a": "x" * ((64 << 10) - len('{"a": ""}'))}
    for metadata in (largest, nested(10), {"bb": [1.5, 10**300], "a": "\\u0000"}):
        changed = await client.patch(path, json={"metadata": metadata})
        assert (changed.status_code, changed.json()["metadata"]) == (200, metadata)
        assert (await client.get(path)).headers["etag"] == changed.headers["etag"]


async def test_what_belongs_to_others_cannot_be_pointed_to(
    client: httpx.AsyncClient, path: str, sessions: Sessions, slug: Slug
) -> None:
    category_id, supplier_id = await keep(sessions, uuid4())

    for field, theirs in (("category_id", category_id), ("supplier_id", supplier_id)):
        refused = await client.patch(path, json={field: str(theirs)})
        unknown = await client.patch(path, json={field: str(uuid4())})
        assert slug(refused) == slug(unknown) == "invalid-input"
        assert refused.json()["errors"] == unknown.json()["errors"]


async def test_tags_are_remembered_once_in_any_spelling(
    client: httpx.AsyncClient, path: str, user_id: UUID, sessions: Sessions
) -> None:
    for tags in (["Tax", "new"], ["TAX", "newer"]):
        shown = await client.patch(path, json={"tags": tags})

    assert shown.json()["tags"] == ["Tax", "newer"]
    async with sessions() as session:
        known = await session.scalars(sa.select(Tag.name).where(Tag.user_id == user_id))
    assert set(known) == {"Tax", "new", "newer"}


async def test_an_upload_may_say_it_at_once(
    client: httpx.AsyncClient, new_file: NewFile, user_id: UUID, sessions: Sessions, slug: Slug
) -> None:
    category_id, _ = await keep(sessions, user_id)
    tags: dict[str, Any] = {"tags": ["a, b", "", "B", "c"]}
    files = {"file": ("scan.pdf", new_file())}
    data = {"document_type": "invoice", "category_id": str(category_id), **tags}
    shown = (await client.post("/documents", files=files, data=data)).json()

    assert (shown["document_type"], shown["category_id"]) == ("invoice", str(category_id))
    assert shown["tags"] == ["a", "b", "c"]
    files = {"file": ("scan.pdf", new_file())}
    refused = await client.post("/documents", files=files, data={"category_id": str(uuid4())})
    assert (refused.status_code, slug(refused)) == (422, "invalid-input")
    assert refused.json()["errors"][0]["pointer"] == "/body/category_id"


async def test_the_etag_changes_with_all_that_is_shown(
    client: httpx.AsyncClient, document: dict[str, Any], path: str, deliver: Deliver
) -> None:
    etags = [(await client.get(path)).headers["etag"]]
    etags.append((await client.patch(path, json={"title": "other"})).headers["etag"])
    assert (await client.get(path)).headers["etag"] == etags[-1]
    await deliver(OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=3))
    etags.append((await client.get(path)).headers["etag"])
    assert (await client.head(path)).headers["etag"] == etags[-1]

    assert len(set(etags)) == 3
    assert not any(etag.startswith("W/") for etag in etags)


async def test_what_is_known_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    etag = (await client.get(path)).headers["etag"]

    for known in (etag, f"W/{etag}", "*", f'"x" , ,{etag}'):
        for method in ("GET", "HEAD"):
            response = await client.request(method, path, headers={"If-None-Match": known})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == etag
    for unknown in ('"x"', etag.strip('"'), f'{etag} "x"', ""):
        response = await client.get(path, headers={"If-None-Match": unknown})
        assert response.status_code == 200


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_only_the_expected_state_is_acted_upon(
    client: httpx.AsyncClient, path: str, slug: Slug, recorded: Recorded, method: str
) -> None:
    body: dict[str, Any] = {"json": {"title": "other"}} if method == "PATCH" else {}
    old = (await client.get(path)).headers["etag"]
    etag = (await client.patch(path, json={"title": "new"})).headers["etag"]

    for other in (old, '"x"', f"W/{etag}", "nonsense", f'{etag} "x"', ""):
        refused = await client.request(method, path, headers={"If-Match": other}, **body)
        assert (refused.status_code, slug(refused)) == (412, "precondition-failed")
    refused = await client.request(method, path, headers={"If-None-Match": "*"}, **body)
    assert refused.status_code == 412
    assert (await client.get(path)).json()["title"] == "new"
    assert len(await recorded(DocumentUpdated)) == 1

    done = await client.request(method, path, headers={"If-Match": f'"x", {etag}'}, **body)
    assert done.is_success


async def test_any_state_is_one_that_exists(
    client: httpx.AsyncClient, path: str, slug: Slug
) -> None:
    anything = {"If-Match": "*"}
    assert (await client.patch(path, json={"title": "x"}, headers=anything)).status_code == 200
    missing = await client.patch(f"/documents/{uuid4()}", json={}, headers=anything)
    assert (missing.status_code, slug(missing)) == (404, "document-not-found")


async def test_of_many_changes_to_one_state_one_wins(
    client: httpx.AsyncClient, path: str, recorded: Recorded
) -> None:
    etag = (await client.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(client.patch(path, json={"title": str(n)}, headers={"If-Match": etag}) for n in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await client.get(path)).json() == winner
    assert len(await recorded(DocumentUpdated)) == 1


async def test_a_change_and_a_deletion_of_one_state_exclude_each_other(
    client: httpx.AsyncClient, upload: Upload, new_file: NewFile
) -> None:
    for _ in range(5):
        path = f"/documents/{(await upload(new_file())).json()['id']}"
        expected = {"If-Match": (await client.get(path)).headers["etag"]}
        changed, deleted = await asyncio.gather(
            client.patch(path, json={"title": "x"}, headers=expected),
            client.delete(path, headers=expected),
        )
        outcome = (changed.status_code, deleted.status_code)
        assert outcome in {(200, 412), (404, 204)}


async def test_a_stranger_changes_nothing(
    client: httpx.AsyncClient, path: str, document: dict[str, Any], sign_in: SignIn, slug: Slug
) -> None:
    for method in ("PATCH", "DELETE"):
        body: dict[str, Any] = {"json": {"title": "mine"}} if method == "PATCH" else {}
        theirs = await sign_in(uuid4()).request(method, path, **body)
        assert (theirs.status_code, slug(theirs)) == (404, "document-not-found")
    assert (await client.get(path)).json() == document
