"""What can be asked about a file without storing it, and what can be recognised here."""

from typing import Any

import httpx
import pytest
from client import CORPUS, Client

BULLETIN = CORPUS / "digital" / "la-precinct-bulletin-2014-p1.pdf"


async def ask(user: Client, tool: str, data: bytes, **fields: str) -> httpx.Response:
    files = {"file": ("file.pdf", data)}
    return await user.http.post(f"/pdf/{tool}", files=files, data=fields)


async def told(user: Client, tool: str, **fields: str) -> dict[str, Any]:
    answer = (await ask(user, tool, BULLETIN.read_bytes(), **fields)).raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


async def test_a_pdf_is_looked_into_and_not_stored(user: Client) -> None:
    info = await told(user, "info")
    tables = await told(user, "tables")
    found = await told(user, "search", search_term="precinct")
    page = await told(user, "page", page="1")

    assert (info["page_count"], info["has_text"], info["has_tables"]) == (1, True, True)
    assert (info["file_size"], info["encrypted"]) == (BULLETIN.stat().st_size, False)
    assert tables["tables_count"] == len(tables["tables"]) > 0
    assert found["total_matches"] > 0
    match = found["matches_by_page"][0]["context"][0]
    assert page["text"][match["position"] :].startswith(match["match"])
    assert (await user.http.get("/documents")).json()["total"] == 0


@pytest.mark.parametrize(
    ("file", "status", "slug"),
    [
        ("scans/phototest.tif", 415, "unsupported-type"),
        ("broken/invalid.pdf", 422, "document-damaged"),
        ("broken/password-example.pdf", 422, "document-encrypted"),
    ],
)
async def test_what_cannot_be_looked_into_is_refused_by_name(
    user: Client, file: str, status: int, slug: str
) -> None:
    answer = await ask(user, "info", (CORPUS / file).read_bytes())

    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:quire:problem:{slug}"


async def test_what_can_be_recognised_here(user: Client) -> None:
    backends = (await user.http.get("/ocr/backends")).raise_for_status().json()
    languages = (await user.http.get("/ocr/languages")).raise_for_status().json()

    usable = {each["name"] for each in backends["backends"] if each["usable"]}
    assert backends["default"] in usable
    assert all(each["reason"] for each in backends["backends"] if not each["usable"])
    assert {"name": "eng", "iso_639_1": "en"} in languages["languages"]
