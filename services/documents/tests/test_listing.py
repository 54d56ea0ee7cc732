"""Lists: whose, which, in what order, and in which pages."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common.database import Sessions, transaction
from documents.catalogue.models import Category, Supplier

Keep = Callable[..., Awaitable[Any]]
Slug = Callable[[httpx.Response], str]
SignIn = Callable[..., httpx.AsyncClient]
Titles = Callable[..., Awaitable[str]]


@pytest.fixture
def titles(client: httpx.AsyncClient) -> Titles:
    """Return the titles that a list shows, in its order."""

    async def titles(**parameters: Any) -> str:
        answer = await client.get("/documents", params=parameters)
        assert answer.status_code == 200, answer.text
        return " ".join(item["title"] for item in answer.json()["items"])

    return titles


async def test_of_what_is_said_everything_must_fit(
    keep: Keep, titles: Titles, sessions: Sessions, user_id: Any
) -> None:
    category = Category(id=uuid4(), user_id=user_id, name="Taxes")
    supplier = Supplier(id=uuid4(), user_id=user_id, name="ACME")
    async with transaction(sessions) as session:
        session.add_all([category, supplier])
    await keep(
        {"title": "a", "status": "completed", "document_type": "invoice", "tags": ["x", "y"]},
        {"title": "b", "status": "queued", "category_id": category.id, "tags": ["x"]},
        {"title": "c", "status": "failed", "supplier_id": supplier.id, "description": "100% B"},
        {"title": "D", "status": "partial", "document_type": "Invoice", "filename": "b_.pdf"},
    )
    asked: list[tuple[dict[str, Any], str]] = [
        ({}, "a b c D"),
        ({"status": "pending"}, "b"),
        ({"status": "failed,partial"}, "c D"),
        ({"status": ["failed", "completed"]}, "a c"),
        ({"document_type": "invoice"}, "a"),
        ({"category_id": str(category.id)}, "b"),
        ({"supplier_id": str(supplier.id)}, "c"),
        ({"category_id": str(uuid4())}, ""),
        ({"tags": "x"}, "a b"),
        ({"tags": "x,y"}, "a"),
        ({"tags": ["y", "x"]}, "a"),
        ({"search": "B"}, "b c D"),
        ({"search": "%"}, "c"),
        ({"search": "b_"}, "D"),
        ({"search": "'; DROP TABLE documents; --"}, ""),
        ({"search": "b", "status": "pending"}, "b"),
        ({"tags": "x", "filters": '{"title":{"ne":"a"}}'}, "b"),
    ]
    for parameters, expected in asked:
        assert await titles(**parameters) == expected, parameters


async def test_after_and_before_are_two_halves(keep: Keep, titles: Titles) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    times = [noon.replace(hour=11, minute=59), noon, noon.replace(microsecond=1)]
    await keep(*({"title": str(n), "created_at": time} for n, time in enumerate(times)))

    assert await titles(created_after="2026-05-01T12:00:00Z") == "2 1"
    assert await titles(created_before="2026-05-01T14:00:00+02:00") == "0"
    assert await titles(created_after="2026-05-01", created_before="2026-05-02") == "2 1 0"
    assert await titles(created_after="2026-05-02") == ""


async def test_the_trash_is_a_list_of_its_own(
    keep: Keep, titles: Titles, client: httpx.AsyncClient
) -> None:
    first, _ = await keep({"title": "a"}, {"title": "b"})
    assert (await client.delete(f"/documents/{first}")).status_code == 204

    assert await titles() == "b"
    assert await titles(deleted="true") == "a"
    assert await titles(deleted="true", search="b") == ""
    assert await titles(deleted="true", filters='{"deleted_at":{"is_null":false}}') == "a"


async def test_orders(keep: Keep, titles: Titles) -> None:
    await keep(
        {"title": "b", "file_size": 5, "page_count": 2, "filename": "z", "status": "failed"},
        {"title": "A", "file_size": 7, "page_count": None, "filename": "Y", "status": "queued"},
        {"title": "c", "file_size": 5, "page_count": 10, "filename": "x", "status": "completed"},
    )
    for sort, expected in [
        ("-created_at", "b A c"),
        ("created_at", "c A b"),
        ("title", "A b c"),
        ("-title", "c b A"),
        ("file_size,title", "b c A"),
        ("file_size,-title", "c b A"),
        ("-file_size,created_at", "A c b"),
        ("page_count", "b c A"),
        ("-page_count", "c b A"),
        ("filename", "c A b"),
        ("status", "c b A"),
        ("document_type,title", "A b c"),
    ]:
        assert await titles(sort=sort) == expected, sort


async def test_pages_are_whole_although_all_are_alike(
    keep: Keep, client: httpx.AsyncClient
) -> None:
    same = datetime(2026, 1, 1, tzinfo=UTC)
    ids = await keep(*({"title": "same", "created_at": same} for _ in range(25)))
    for sort in ("-created_at", "title", "-file_size", "page_count,-status"):
        pages = [
            (
                await client.get("/documents", params={"sort": sort, "page": n, "page_size": 7})
            ).json()
            for n in range(1, 6)
        ]
        assert [len(page["items"]) for page in pages] == [7, 7, 7, 4, 0]
        seen = [item["id"] for page in pages for item in page["items"]]
        assert sorted(seen) == sorted(map(str, ids))
        assert {(p["total"], p["total_pages"], p["page_size"]) for p in pages} == {(25, 4, 7)}
        assert [p["has_next"] for p in pages] == [True, True, True, False, False]
        assert [p["has_prev"] for p in pages] == [False, True, True, True, True]


async def test_others_are_never_shown(
    keep: Keep, client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    other = uuid4()
    [mine] = await keep({"title": "mine", "tags": ["x"]})
    [theirs] = await keep({"title": "theirs", "tags": ["x"]}, owner_id=other)
    asked: list[dict[str, str]] = [
        {},
        {"tags": "x"},
        {"search": "e"},
        {"filters": f'{{"or":[{{}},{{"id":"{theirs}"}}]}}'},
        {"filters": '{"not":{"title":"nothing"}}'},
        {"filters": f'{{"id":{{"in":["{mine}","{theirs}"]}}}}'},
    ]
    for parameters in asked:
        for path in ("/documents", "/documents/feed"):
            for who, own in ((client, mine), (sign_in(other), theirs)):
                items = (await who.get(path, params=parameters)).json()["items"]
                assert [item["id"] for item in items] == [str(own)]


@pytest.mark.parametrize(
    ("path", "parameters", "pointer"),
    [
        ("", {"colour": "red"}, "/query/colour"),
        ("", {"Status": "failed"}, "/query/Status"),
        ("", {"cursor": "x"}, "/query/cursor"),
        ("", {"limit": "3"}, "/query/limit"),
        ("", {"page": "0"}, "/query/page"),
        ("", {"page": "x"}, "/query/page"),
        ("", {"page_size": "101"}, "/query/page_size"),
        ("", {"status": "queued"}, "/query/status/0"),
        ("", {"status": "failed,"}, "/query/status/1"),
        ("", {"category_id": "x"}, "/query/category_id"),
        ("", {"created_after": "now"}, "/query/created_after"),
        ("", {"created_before": "1700000000"}, "/query/created_before"),
        ("", {"deleted": "perhaps"}, "/query/deleted"),
        ("", {"search": "\x00"}, "/query/search"),
        ("", {"document_type": "\x00"}, "/query/document_type"),
        ("", {"tags": "a,\x00"}, "/query/tags/1"),
        ("", {"sort": "colour"}, "/query/sort"),
        ("", {"sort": ""}, "/query/sort"),
        ("", {"sort": "title,"}, "/query/sort"),
        ("", {"sort": "title;DROP TABLE documents"}, "/query/sort"),
        ("", {"sort": "--title"}, "/query/sort"),
        ("", {"sort": "title,-title"}, "/query/sort"),
        ("/feed", {"page": "1"}, "/query/page"),
        ("/feed", {"sort": "title"}, "/query/sort"),
        ("/feed", {"limit": "0"}, "/query/limit"),
        ("/feed", {"limit": "101"}, "/query/limit"),
        ("/feed", {"cursor": ""}, "/query/cursor"),
        ("/feed", {"colour": "red"}, "/query/colour"),
    ],
)
async def test_what_is_not_understood_is_refused(
    client: httpx.AsyncClient, slug: Slug, path: str, parameters: dict[str, str], pointer: str
) -> None:
    answer = await client.get(f"/documents{path}", params=parameters)

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_document_looks_the_same_in_a_list_and_alone(
    keep: Keep, client: httpx.AsyncClient
) -> None:
    [document_id] = await keep({"title": "a", "tags": ["x"], "custom": {"a": [1]}, "page_count": 3})
    alone = (await client.get(f"/documents/{document_id}")).json()

    assert (await client.get("/documents")).json()["items"] == [alone]
    assert (await client.get("/documents/feed")).json()["items"] == [alone]


async def test_openapi_names_every_parameter(api_url: str) -> None:
    async with httpx.AsyncClient() as client:
        document = (await client.get(api_url.replace("/api/v1", "/openapi.json"))).json()
    both = {"status", "document_type", "category_id", "supplier_id", "search", "tags", "deleted"}
    both |= {"created_after", "created_before", "filters"}
    for path, own in (("", {"sort", "page", "page_size"}), ("/feed", {"cursor", "limit"})):
        operation = document["paths"][f"/api/v1/documents{path}"]["get"]
        assert {parameter["name"] for parameter in operation["parameters"]} == both | own
