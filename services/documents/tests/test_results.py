"""What has come out of a job: text, fields, and what its owner puts right."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.storage import Storage
from contracts import (
    DocumentUpdated,
    Event,
    OcrPageCompleted,
    OcrStarted,
    PageSource,
    result_key,
)

Deliver = Callable[..., Awaitable[None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]

UNDERSTANDING = {
    "document_type": "invoice",
    "document_type_confidence": 0.9,
    "language": "de",
    "language_confidence": 0.99,
    "fields": {
        name: {"value": value, "text": value, "page": 1, "bbox": [1, 2, 3, 4], "confidence": 0.8}
        for name, value in {"number": "R-17", "supplier_name": "Müller GmbH"}.items()
    },
    "vat_lines": [],
    "checks": {"iban_valid": "unknown"},
}


@pytest.fixture
def understood(
    document: dict[str, Any], deliver: Deliver, storage: Storage
) -> Callable[..., Awaitable[str]]:
    """Let the document be read and understood; return the path of its result."""

    async def understood() -> str:
        of: dict[str, Any] = {"document_id": document["id"], "job_id": document["job_id"]}
        key = result_key(UUID(document["job_id"]), 1)
        await storage.put(key, json.dumps({"text": "Rechnung"}).encode(), content_type="x/y")
        page: dict[str, Any] = {"page": 1, "chars": 8, "confidence": 0.9, "result_key": key}
        await deliver(OcrStarted(**of, pages=2))
        await deliver(OcrPageCompleted(**of, **page, source=PageSource.OCR))
        await deliver(OcrPageCompleted(**of, **{**page, "page": 2}, source=PageSource.OCR))
        return f"/ocr/results/{document['job_id']}"

    return understood


@pytest.mark.parametrize("understanding", [UNDERSTANDING])
async def test_what_was_understood_is_shown_and_put_right(
    client: httpx.AsyncClient, understood: Any
) -> None:
    path = await understood()
    result = (await client.get(path)).json()
    assert (result["status"], result["language"], result["confidence_score"]) == (
        "completed",
        "de",
        0.9,
    )
    assert result["extracted_text"] == "Rechnung\n\nRechnung"
    assert result["extracted_data"]["fields"]["number"]["bbox"] == [1, 2, 3, 4]

    await client.patch(path, json={"fields": {"number": "R-71", "supplier_name": None}})
    again = await client.patch(path, json={"document_type": "receipt", "fields": {"net": "1.00"}})
    data = again.json()["extracted_data"]
    assert data["document_type"] == "receipt"
    assert {name: each["value"] for name, each in data["fields"].items()} == {
        "number": "R-71",
        "net": "1.00",
    }
    assert data["fields"]["number"]["corrected"] is True
    assert (await client.get(path)).json() == again.json()


@pytest.mark.parametrize("understanding", [UNDERSTANDING])
async def test_type_and_supplier_are_filled_in(
    client: httpx.AsyncClient, document: dict[str, Any], understood: Any, recorded: Recorded
) -> None:
    supplier = (await client.post("/suppliers", json={"name": "Mueller GmbH"})).json()
    await understood()
    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["document_type"], shown["supplier_id"]) == ("invoice", supplier["id"])
    (updated,) = await recorded(DocumentUpdated)
    assert updated["changed"] == ["document_type", "supplier_id"]


@pytest.mark.parametrize("understanding", [UNDERSTANDING])
async def test_what_the_owner_has_said_stays(
    client: httpx.AsyncClient, document: dict[str, Any], understood: Any
) -> None:
    await client.patch(f"/documents/{document['id']}", json={"document_type": "letter"})
    await understood()
    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["document_type"], shown["supplier_id"]) == ("letter", None)


async def test_without_understanding_there_is_no_data(
    client: httpx.AsyncClient, understood: Any
) -> None:
    result = (await client.get(await understood())).json()
    assert (result["extracted_data"], result["language"]) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": {"Number": "1"}},
        {"fields": {"number": ""}},
        {"fields": {"number": 1}},
        {"unknown": 1},
        {"fields": {f"a{n}": "x" for n in range(101)}},
    ],
)
async def test_corrections_that_make_no_sense_are_refused(
    client: httpx.AsyncClient, document: dict[str, Any], wrong: dict[str, Any]
) -> None:
    answer = await client.patch(f"/ocr/results/{document['job_id']}", json=wrong)
    assert answer.status_code == 422


async def test_a_stranger_sees_no_result(
    sign_in: Callable[[UUID], httpx.AsyncClient], document: dict[str, Any]
) -> None:
    stranger = sign_in(uuid4())
    path = f"/ocr/results/{document['job_id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={})).status_code == 404
