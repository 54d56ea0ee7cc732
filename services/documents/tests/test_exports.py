"""What was read of a document, to be saved: who gets it, when, and under which name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.storage import Storage
from common.testing import TokenIssuer, eventually, serving
from documents.app import create_api
from documents.settings import ApiSettings

LetRead = Callable[..., Awaitable[list[str]]]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]

FORMATS = ["txt", "md", "json", "hocr", "csv", "xlsx"]
ALL = [f"export?format={name}" for name in FORMATS] + ["tables"]
TABLE = {"bbox": [0, 20, 90, 60], "headers": ["Item", "Net"], "rows": [["Tea", "-12.50"], ["Rum"]]}


def page(number: int, text: str = "One\ntwo", **fields: Any) -> dict[str, Any]:
    words = [
        {"text": word, "bbox": [10 * x, 12 * y, 10 * x + 9, 12 * y + 10], "confidence": 0.5}
        for y, line in enumerate(text.split("\n"))
        for x, word in enumerate(line.split())
    ]
    fixed = {"number": number, "width": 100.0, "height": 200.0, "source": "ocr"}
    read = {"backend": "tesseract", "language": "eng", "confidence": 0.5}
    return {**fixed, **read, "text": text, "words": words, **fields}


@pytest.fixture
async def path(document: dict[str, Any], let_read: LetRead) -> str:
    """Read pages 1 and 3; 2 fails, of 4 another version wrote the result, 5 is still to come."""
    table = page(3, "Three", tables=[TABLE])
    await let_read(document, page(1), None, table, {"text": "of another version"}, total=5)
    return f"/documents/{document['id']}"


async def test_text_has_a_form_feed_between_pages_and_names_those_that_are_missing(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(f"{path}/export?format=txt")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.split("\f") == [
        "One\ntwo\n",
        "[Page 2 was not read: Too slow]\n",
        "Three\n",
        "[Page 4 was not read: What was read is lost]\n",
        "[Page 5 was not read: Not read yet]\n",
    ]


async def test_json_has_the_document_and_every_page_with_its_words(
    client: httpx.AsyncClient, path: str
) -> None:
    shown = (await client.get(path)).json()
    told = (await client.get(f"{path}/export?format=json")).json()

    assert told["document"] == shown
    upright = {"rotation": 0, "skew": 0}
    assert told["pages"] == [
        {**page(1, tables=[]), **upright},
        {**page(3, "Three", tables=[TABLE]), **upright},
    ]
    assert told["missing_pages"] == [
        {"number": 2, "reason": "Too slow"},
        {"number": 4, "reason": "What was read is lost"},
        {"number": 5, "reason": "Not read yet"},
    ]


async def test_tables_have_their_page_and_rows_of_one_length(
    client: httpx.AsyncClient, path: str
) -> None:
    told = (await client.get(f"{path}/tables")).json()

    assert told["tables"] == [
        {
            "page": 3,
            "table_index": 0,
            "bbox": TABLE["bbox"],
            "headers": ["Item", "Net"],
            "rows": [["Tea", "-12.50"], ["Rum", ""]],
            "total_rows": 2,
        }
    ]
    assert (told["tables_count"], told["document_id"]) == (1, path.removeprefix("/documents/"))
    assert [missing["number"] for missing in told["missing_pages"]] == [2, 4, 5]


async def test_an_export_is_saved_under_the_name_of_the_file_and_shown_by_no_browser(
    upload: Upload, client: httpx.AsyncClient, let_read: LetRead, new_file: Callable[[], bytes]
) -> None:
    document = (await upload(new_file(), name='a"b\r\nX: y ü.tar.pdf')).json()
    await let_read(document, page(1))

    for name in FORMATS:
        answer = await client.get(f"/documents/{document['id']}/export?format={name}")
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith('attachment; filename="a')
        assert disposition.endswith(f"%C3%BC.tar.{name}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "x" not in answer.headers


@pytest.mark.parametrize("export", ALL)
async def test_a_known_export_is_not_sent_again_until_more_has_been_read(
    client: httpx.AsyncClient, path: str, document: dict[str, Any], let_read: LetRead, export: str
) -> None:
    first = await client.get(f"{path}/{export}")
    known = {"If-None-Match": first.headers["etag"]}

    same = await client.get(f"{path}/{export}", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    await let_read(document, page(1), page(2))
    other = await client.get(f"{path}/{export}", headers=known)
    assert (other.status_code, other.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_the_formats_of_an_export_have_different_tags(
    client: httpx.AsyncClient, path: str
) -> None:
    answers = [await client.get(f"{path}/{export}") for export in ALL]
    assert len({answer.headers["etag"] for answer in answers}) == len(ALL)


@pytest.mark.parametrize("export", ALL)
async def test_head_tells_the_same_without_the_body(
    client: httpx.AsyncClient, path: str, export: str
) -> None:
    whole, head = await client.get(f"{path}/{export}"), await client.head(f"{path}/{export}")

    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("export", ALL)
async def test_when_nothing_was_read_that_is_said(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    let_read: LetRead,
    slug: Slug,
    export: str,
) -> None:
    for results in ((), (None, None)):
        await let_read(document, *results, total=2)
        answer = await client.get(f"/documents/{document['id']}/{export}")
        assert (answer.status_code, slug(answer)) == (409, "nothing-read-yet")


@pytest.mark.parametrize("export", ALL)
async def test_a_blank_document_has_been_read(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead, export: str
) -> None:
    await let_read(document, page(1, "", source="blank"))

    assert (await client.get(f"/documents/{document['id']}/{export}")).status_code == 200


@pytest.mark.parametrize("export", ALL)
async def test_strangers_and_the_trash_get_nothing(
    client: httpx.AsyncClient,
    path: str,
    sign_in: Callable[..., httpx.AsyncClient],
    slug: Slug,
    export: str,
) -> None:
    theirs = await sign_in(uuid4()).get(f"{path}/{export}")
    await client.delete(path)
    deleted = await client.get(f"{path}/{export}")

    for answer in (theirs, deleted):
        assert (answer.status_code, slug(answer)) == (404, "document-not-found")


@pytest.mark.parametrize("query", ["", "?format=", "?format=pdf", "?format=TXT"])
async def test_another_format_is_refused(
    client: httpx.AsyncClient, path: str, slug: Slug, query: str
) -> None:
    answer = await client.get(f"{path}/export{query}")
    assert (answer.status_code, slug(answer)) == (422, "invalid-input")


async def test_a_result_that_is_gone_is_a_missing_page(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead, storage: Storage
) -> None:
    keys = await let_read(document, page(1), page(2))
    await storage.delete(keys[0])

    answer = await client.get(f"/documents/{document['id']}/export?format=txt")
    assert answer.text.startswith("[Page 1 was not read: What was read is lost]\n\fOne")


async def test_many_pages_keep_their_order(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead
) -> None:
    await let_read(document, *(page(number, f"page {number}") for number in range(1, 31)))

    answer = await client.get(f"/documents/{document['id']}/export?format=txt")
    assert answer.text == "\f".join(f"page {number}\n" for number in range(1, 31))


async def test_a_storage_that_is_down_is_told_before_anything_else(
    settings: ApiSettings, issuer: TokenIssuer, document: dict[str, Any], path: str, slug: Slug
) -> None:
    down = settings.model_copy(update={"s3_endpoint": httpx.URL("http://127.0.0.1:9")})
    headers = issuer.headers(UUID(document["user_id"]))
    async with serving(create_api(down)) as url, httpx.AsyncClient(timeout=60) as http:
        answers = await asyncio.gather(
            *(http.get(f"{url}/api/v1{path}/{export}", headers=headers) for export in ALL)
        )

    for answer in answers:
        assert (answer.status_code, slug(answer)) == (503, "service-unavailable")


async def test_while_the_storage_is_slow_nobody_waits_for_the_database(
    settings: ApiSettings, issuer: TokenIssuer, document: dict[str, Any], path: str
) -> None:
    """More exports wait for pages than there are connections to the database."""
    guests: list[asyncio.StreamWriter] = []

    async def welcome(_: asyncio.StreamReader, guest: asyncio.StreamWriter) -> None:
        guests.append(guest)

    async def waiting() -> bool:
        return len(guests) >= 10

    headers = issuer.headers(UUID(document["user_id"]))
    storage = await asyncio.start_server(welcome, "127.0.0.1", 0)
    url = httpx.URL(f"http://127.0.0.1:{storage.sockets[0].getsockname()[1]}")
    slow = settings.model_copy(update={"s3_endpoint": url})
    async with serving(create_api(slow)) as api, httpx.AsyncClient(timeout=60) as http:
        export = f"{api}/api/v1{path}/export?format=txt"
        exports = asyncio.gather(*(http.get(export, headers=headers) for _ in range(30)))
        try:
            await eventually(waiting)
            shown = await http.get(f"{api}/api/v1{path}", headers=headers, timeout=5)
        finally:
            storage.close()
            for guest in guests:
                guest.transport.abort()
            answers = await exports

    assert shown.status_code == 200
    assert {answer.status_code for answer in answers} == {503}
