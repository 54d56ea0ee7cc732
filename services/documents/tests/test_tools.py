"""Files that are asked about and not stored; backends and languages. The workers are real."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pikepdf
import pytest
from common.database import Sessions
from common.faults import Fault, FaultProxy
from common.storage import Storage
from common.testing import TokenIssuer, eventually
from documents.settings import ApiSettings
from documents.sweeping import sweep
from documents.tools import service
from pydantic import SecretStr
from workers import CORPUS, api_client, is_busy, ocr_worker
from yarl import URL

Slug = Callable[[httpx.Response], str]

FORMS: list[tuple[str, dict[str, str]]] = [
    ("info", {}),
    ("tables", {}),
    ("search", {"search_term": "the"}),
    ("page", {"page": "2"}),
]


@pytest.fixture
def asking_settings(settings: ApiSettings, amqp_url: str) -> ApiSettings:
    """Return the settings of an api process whose workers are this test's alone."""
    return settings.model_copy(update={"amqp_url": SecretStr(amqp_url)})


@pytest.fixture
async def asking(
    asking_settings: ApiSettings, issuer: TokenIssuer, user_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(asking_settings, issuer.headers(user_id)) as client:
        yield client


@pytest.fixture
async def worker_process(asking_settings: ApiSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    async with ocr_worker(asking_settings) as process:
        yield process


async def ask(
    client: httpx.AsyncClient, tool: str, file: Path | bytes, **fields: str
) -> httpx.Response:
    data = file if isinstance(file, bytes) else file.read_bytes()
    return await client.post(f"/pdf/{tool}", files={"file": ("a.pdf", data)}, data=fields)


async def left_behind(storage: Storage) -> list[str]:
    return [each.key async for batch in storage.objects("tmp/") for each in batch]


async def test_everything_about_a_pdf(
    asking: httpx.AsyncClient, worker_process: asyncio.subprocess.Process, storage: Storage
) -> None:
    assert worker_process.returncode is None
    path = CORPUS / "digital" / "la-precinct-bulletin-2014-p1.pdf"

    info = (await ask(asking, "info", path)).json()
    tables = (await ask(asking, "tables", path)).json()
    found = (await ask(asking, "search", path, search_term="pReCiNcT")).json()
    page = (await ask(asking, "page", path, page="1")).json()

    assert info["file_size"] == path.stat().st_size
    assert (info["page_count"], info["has_text"], info["has_tables"]) == (1, True, True)
    assert (info["encrypted"], "metadata" in info) == (False, True)
    assert tables["tables_count"] == len(tables["tables"]) > 0
    table = tables["tables"][0]
    assert table["total_rows"] == len(table["rows"])
    assert (table["page"], table["table_index"], bool(table["headers"])) == (1, 0, True)
    assert found["total_matches"] == found["matches_by_page"][0]["matches"] > 0
    match = found["matches_by_page"][0]["context"][0]
    assert page["text"][match["position"] :].startswith(match["match"])
    assert match["match"].lower() == "precinct"
    assert (page["page"], page["width"], page["height"]) == (1, 792, 612)
    assert await left_behind(storage) == []
    assert (await asking.get("/documents")).json()["total"] == 0


def encrypted(password: str) -> bytes:
    out = BytesIO()
    with pikepdf.open(CORPUS / "digital" / "pdflatex-4-pages.pdf") as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user=password, owner="other"))
    return out.getvalue()


async def test_what_cannot_be_opened_is_refused_by_name(
    asking: httpx.AsyncClient,
    worker_process: asyncio.subprocess.Process,
    storage: Storage,
    slug: Slug,
) -> None:
    assert worker_process.returncode is None
    locked = encrypted("Öffne dich")
    cases: list[tuple[bytes | Path, dict[str, str], str]] = [
        (CORPUS / "broken" / "invalid.pdf", {}, "document-damaged"),
        (b"%PDF-1.7\n" + b"0" * 2000, {}, "document-damaged"),
        (locked, {}, "document-encrypted"),
        (locked, {"password": ""}, "document-encrypted"),
        (locked, {"password": "guess"}, "wrong-password"),
    ]
    for file, fields, name in cases:
        answer = await ask(asking, "info", file, **fields)
        assert (answer.status_code, slug(answer)) == (422, name)
        assert "guess" not in answer.text

    opened = await ask(asking, "info", locked, password="Öffne dich")
    assert opened.json()["encrypted"] is True
    beyond = await ask(asking, "page", CORPUS / "digital" / "pdflatex-4-pages.pdf", page="5")
    assert (beyond.status_code, slug(beyond)) == (422, "no-such-page")
    assert await left_behind(storage) == []


@pytest.mark.parametrize(
    ("tool", "file", "fields", "status", "name"),
    [
        ("info", CORPUS / "scans" / "phototest.tif", {}, 415, "unsupported-type"),
        ("info", b"<html>", {}, 415, "unsupported-type"),
        ("tables", b"", {}, 400, "empty-file"),
        ("info", b"%PDF-1.7" + b"0" * (20 << 20), {}, 413, "file-too-large"),
        ("search", b"%PDF-1.7", {}, 422, "invalid-input"),
        ("search", b"%PDF-1.7", {"search_term": " "}, 422, "invalid-input"),
        ("search", b"%PDF-1.7", {"search_term": "x" * 501}, 422, "invalid-input"),
        ("page", b"%PDF-1.7", {"page": "0"}, 422, "invalid-input"),
        ("page", b"%PDF-1.7", {"page": "two"}, 422, "invalid-input"),
        ("info", b"%PDF-1.7", {"title": "x"}, 422, "invalid-input"),
        ("info", b"%PDF-1.7", {}, 503, "nobody-to-ask"),
        ("tables", b"%PDF-1.7", {}, 503, "nobody-to-ask"),
        ("search", b"%PDF-1.7", {"search_term": "x"}, 503, "nobody-to-ask"),
        ("page", b"%PDF-1.7", {}, 503, "nobody-to-ask"),
    ],
)
async def test_nothing_is_left_of_what_is_refused(
    *,
    client: httpx.AsyncClient,
    storage: Storage,
    slug: Slug,
    tool: str,
    file: bytes | Path,
    fields: dict[str, str],
    status: int,
    name: str,
) -> None:
    """There is no worker here, and a file that could be asked about gets as far as that."""
    answer = await ask(client, tool, file, **fields)

    assert (answer.status_code, slug(answer)) == (status, name)
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0
    assert await left_behind(storage) == []


@pytest.mark.parametrize("tool", ["info", "tables", "search", "page"])
async def test_who_may_not_run_ocr_is_refused(
    api_url: str, issuer: TokenIssuer, slug: Slug, tool: str
) -> None:
    token = issuer.token(uuid4(), permissions=["documents:read", "documents:write"])
    async with httpx.AsyncClient(
        base_url=api_url, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        answer = await ask(client, tool, b"%PDF-1.7")
    assert (answer.status_code, slug(answer)) == (403, "insufficient-permission")
    assert 'scope="ocr:run"' in answer.headers["www-authenticate"]


async def test_a_broker_that_is_away_is_told_and_stops_nothing_else(
    *,
    asking_settings: ApiSettings,
    issuer: TokenIssuer,
    user_id: UUID,
    storage: Storage,
    slug: Slug,
    sessions: Sessions,
    new_file: Callable[[], bytes],
) -> None:
    assert sessions, "the tables are emptied first"
    broker = URL(asking_settings.amqp_url.get_secret_value())
    proxy = FaultProxy(broker.host or "", broker.port or 5672)
    async with proxy.serving():
        away = SecretStr(str(broker.with_port(proxy.port)))
        proxy.suffer(Fault(cut_request=0))
        async with (
            ocr_worker(asking_settings),
            api_client(
                asking_settings.model_copy(update={"amqp_url": away}), issuer.headers(user_id)
            ) as client,
        ):
            asked = await ask(client, "info", CORPUS / "digital" / "pdflatex-4-pages.pdf")
            offer = await client.get("/ocr/backends")
            uploaded = await client.post("/documents", files={"file": ("a.pdf", new_file())})
            ready = await client.get(str(client.base_url.join("/readyz")))
            proxy.heal()
            again = await ask(client, "info", CORPUS / "digital" / "pdflatex-4-pages.pdf")
            offered = await client.get("/ocr/backends")

    assert (asked.status_code, slug(asked)) == (503, "service-unavailable")
    assert (offer.status_code, slug(offer)) == (503, "service-unavailable")
    assert (uploaded.status_code, ready.status_code) == (201, 200)
    assert (again.status_code, again.json()["page_count"]) == (200, 4)
    assert offered.status_code == 200
    assert await left_behind(storage) == []


async def test_a_worker_that_is_killed_while_it_answers(
    asking: httpx.AsyncClient,
    asking_settings: ApiSettings,
    storage: Storage,
    slug: Slug,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "_SECONDS", 4.0)
    slow = CORPUS / "digital" / "GeoTopo-komprimiert.pdf"

    async with ocr_worker(asking_settings) as alone:
        asked = asyncio.create_task(ask(asking, "tables", slow))
        await eventually(lambda: is_busy(alone))
        alone.send_signal(signal.SIGKILL)
        lost = await asked
    nobody = await ask(asking, "info", slow)
    async with ocr_worker(asking_settings) as next_one:
        assert next_one.returncode is None
        again = await ask(asking, "info", CORPUS / "digital" / "pdflatex-4-pages.pdf")

    assert (lost.status_code, slug(lost)) == (504, "no-answer-in-time")
    assert (nobody.status_code, slug(nobody)) == (503, "nobody-to-ask")
    assert (again.status_code, again.json()["page_count"]) == (200, 4)
    assert await left_behind(storage) == []


async def test_what_a_crash_left_is_swept(sessions: Sessions, storage: Storage) -> None:
    key = f"tmp/{uuid4()}"
    await storage.put(key, b"%PDF-1.7", content_type="application/pdf")

    async with sessions() as session:
        await sweep(session, storage)
        assert await left_behind(storage) == [key]
        await sweep(session, storage, older_than=timedelta(seconds=-5))

    assert await left_behind(storage) == []


async def test_the_documentation_names_every_field(api_url: str) -> None:
    async with httpx.AsyncClient() as client:
        document: dict[str, Any] = (
            await client.get(api_url.replace("/api/v1", "/openapi.json"))
        ).json()

    for tool, fields in FORMS:
        operation = document["paths"][f"/api/v1/pdf/{tool}"]["post"]
        form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert {"file", "password", *fields} == set(form["properties"])
        assert {"file"} <= set(form["required"])
        assert {"403", "413", "415", "422", "503", "504"} <= set(operation["responses"])
