"""What each operator means, for each kind of field: the language of filters, by examples."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

Keep = Callable[..., Awaitable[list[UUID]]]

DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {
        "filename": "Invoice 2026.pdf",
        "language": "de",
        "file_size": 1000,
        "page_count": 3,
        "tags": ["paid", "2026"],
        "status": "completed",
        "custom": {"total": 12.5, "paid": True, "from": {"city": "Köln"}, "note": "100%"},
    },
    "b": {
        "filename": "invoice_2025.PDF",
        "language": "en",
        "file_size": 2000,
        "tags": ["2025"],
        "status": "queued",
        "custom": {"total": "12.5", "paid": False, "from": {"city": "KÖLN"}},
    },
    "c": {
        "filename": "100% Ümlaut\\' OR 1=1 --",
        "language": None,
        "file_size": 3000,
        "page_count": 1,
        "tags": [],
        "status": "failed",
        "custom": {"total": 100, "paid": None, "note": "1000"},
    },
    "d": {
        "filename": "letter.pdf",
        "language": "de",
        "file_size": 2**40,
        "page_count": 12,
        "tags": ["paid"],
        "status": "partial",
        "custom": {},
    },
}
TIMES = {
    "a": "2026-01-01T00:00:00+00:00",
    "b": "2025-06-01T12:00:00+00:00",
    "c": "2026-03-01T08:30:00.000001+00:00",
    "d": "2024-02-29T00:00:00+00:00",
}

MEANS: list[tuple[Any, str]] = [
    ({}, "abcd"),
    # Text: the whole is compared exactly, a part in any case; nothing is a wildcard.
    ({"filename": "letter.pdf"}, "d"),
    ({"filename": {"eq": "LETTER.pdf"}}, ""),
    ({"filename": {"ne": "letter.pdf"}}, "abc"),
    ({"filename": {"in": ["letter.pdf", "Invoice 2026.pdf", "?"]}}, "ad"),
    ({"filename": {"in": []}}, ""),
    ({"filename": {"not_in": ["letter.pdf"]}}, "abc"),
    ({"filename": {"not_in": []}}, "abcd"),
    ({"filename": {"contains": "INVOICE"}}, "ab"),
    ({"filename": {"contains": "ümlaut"}}, "c"),
    ({"filename": {"contains": ""}}, "abcd"),
    ({"filename": {"startswith": "inv"}}, "ab"),
    ({"filename": {"endswith": ".pdf"}}, "abd"),
    ({"filename": {"contains": "%"}}, "c"),
    ({"filename": {"contains": "_"}}, "b"),
    ({"filename": {"contains": "\\"}}, "c"),
    ({"filename": {"contains": "/"}}, ""),
    ({"filename": {"startswith": "100% Ü"}}, "c"),
    ({"filename": {"contains": "' OR 1=1 --"}}, "c"),
    ({"filename": "' OR 1=1 --"}, ""),
    ({"filename": {"is_null": True}}, ""),
    # What is unknown is unequal to everything.
    ({"language": "de"}, "ad"),
    ({"language": {"ne": "de"}}, "bc"),
    ({"language": {"not_in": ["de", "en"]}}, "c"),
    ({"language": {"is_null": True}}, "c"),
    ({"language": {"is_null": False}}, "abd"),
    ({"not": {"language": "de"}}, "bc"),
    ({"not": {"not": {"language": "de"}}}, "ad"),
    ({"not": {"language": {"ne": "de"}}}, "ad"),
    ({"not": {}}, ""),
    # Whole numbers.
    ({"file_size": 2000}, "b"),
    ({"file_size": {"ne": 2000}}, "acd"),
    ({"file_size": {"gt": 2000}}, "cd"),
    ({"file_size": {"gte": 2000}}, "bcd"),
    ({"file_size": {"lt": 2000}}, "a"),
    ({"file_size": {"lte": 2000}}, "ab"),
    ({"file_size": {"gt": 1000, "lt": 3000}}, "b"),
    ({"file_size": {"between": [1000, 2000]}}, "ab"),
    ({"file_size": {"between": [2000, 1000]}}, ""),
    ({"file_size": {"in": [1000, 3000]}}, "ac"),
    ({"file_size": {"not_in": [1000, 3000]}}, "bd"),
    ({"file_size": 2**63 - 1}, ""),
    ({"page_count": {"gte": 3}}, "ad"),
    ({"page_count": {"lt": 2**40}}, "acd"),
    ({"page_count": {"is_null": True}}, "b"),
    ({"not": {"page_count": {"gte": 3}}}, "bc"),
    # Moments: with an offset, without one, without a time.
    ({"created_at": "2026-01-01"}, "a"),
    ({"created_at": "2026-01-01T01:00:00+01:00"}, "a"),
    ({"created_at": {"gt": "2026-01-01"}}, "c"),
    ({"created_at": {"gte": "2026-01-01T00:00:00Z"}}, "ac"),
    ({"created_at": {"lt": "2025-06-01T12:00:00"}}, "d"),
    ({"created_at": {"between": ["2025-01-01", "2026-01-01"]}}, "ab"),
    ({"created_at": {"in": ["2024-02-29", "2026-03-01T08:30:00.000001"]}}, "cd"),
    ({"created_at": {"not_in": ["2024-02-29"]}}, "abc"),
    ({"deleted_at": {"is_null": True}}, "abcd"),
    # Ids.
    ({"id": "<a>"}, "a"),
    ({"id": {"ne": "<a>"}}, "bcd"),
    ({"id": {"in": ["<a>", "<b>"]}}, "ab"),
    ({"id": {"not_in": ["<a>", "<b>"]}}, "cd"),
    ({"category_id": "<a>"}, ""),
    ({"category_id": {"is_null": True}}, "abcd"),
    # The words that the API shows.
    ({"status": "pending"}, "b"),
    ({"status": {"ne": "pending"}}, "acd"),
    ({"status": {"in": ["failed", "partial", "processing"]}}, "cd"),
    ({"status": {"not_in": ["failed"]}}, "abd"),
    ({"status": {"is_null": False}}, "abcd"),
    # Sets of tags.
    ({"tags": {"in": ["paid", "2025"]}}, "abd"),
    ({"tags": {"in": []}}, ""),
    ({"tags": {"not_in": ["paid"]}}, "bc"),
    ({"tags": {"contains": "paid"}}, "ad"),
    ({"tags": {"contains": ["2026", "paid"]}}, "a"),
    ({"tags": {"contains": "pai"}}, ""),
    ({"tags": {"contains": []}}, "abcd"),
    ({"tags": {"eq": ["2026", "paid", "paid"]}}, "a"),
    ({"tags": ["paid"]}, "d"),
    ({"tags": "paid"}, "d"),
    ({"tags": []}, "c"),
    ({"tags": {"ne": ["paid"]}}, "abc"),
    ({"tags": {"contains": "{}"}}, ""),
    # Metadata: what has another type is unequal and in no order.
    ({"metadata.total": 12.5}, "a"),
    ({"metadata.total": "12.5"}, "b"),
    ({"metadata.total": {"ne": 12.5}}, "bcd"),
    ({"metadata.total": {"gt": 12}}, "ac"),
    ({"metadata.total": {"lte": 12.5}}, "a"),
    ({"metadata.total": {"between": [0, 1e300]}}, "ac"),
    ({"metadata.total": {"in": [100, "12.5"]}}, "bc"),
    ({"metadata.total": {"not_in": [100, "12.5"]}}, "ad"),
    ({"metadata.total": 10**400}, ""),
    ({"metadata.paid": True}, "a"),
    ({"metadata.paid": {"ne": True}}, "bcd"),
    ({"metadata.paid": 1}, ""),
    ({"metadata.paid": {"gte": 0}}, ""),
    ({"metadata.paid": {"is_null": True}}, "cd"),
    ({"metadata.paid": {"is_null": False}}, "ab"),
    ({"metadata.from.city": "Köln"}, "a"),
    ({"metadata.from.city": {"contains": "öl"}}, "ab"),
    ({"metadata.from": {"is_null": False}}, "ab"),
    ({"metadata.from": {"contains": "city"}}, ""),
    ({"metadata.note": {"endswith": "0%"}}, "a"),
    ({"metadata.note": {"startswith": "100"}}, "ac"),
    ({"metadata.') OR true --": "x"}, ""),
    ({"metadata.{a,b}": {"is_null": True}}, "abcd"),
    # Members of an object must all hold; groups nest.
    ({"language": "de", "file_size": 1000}, "a"),
    ({"or": [{"language": "en"}, {"file_size": {"gt": 3000}}]}, "bd"),
    ({"and": [{"language": "de"}, {"not": {"tags": {"contains": "2026"}}}]}, "d"),
    ({"language": "de", "or": [{"status": "partial"}, {"status": "pending"}]}, "d"),
    ({"or": [{"language": "de", "file_size": 1000}, {}]}, "abcd"),
    ({"and": [{"or": [{"and": [{"not": {"or": [{"language": "de"}]}}]}]}]}, "bc"),
]


async def test_meanings(client: httpx.AsyncClient, keep: Keep) -> None:
    ids = await keep(
        *(
            {**DOCUMENTS[name], "title": name, "created_at": datetime.fromisoformat(TIMES[name])}
            for name in DOCUMENTS
        )
    )
    for filters, names in MEANS:
        text = json.dumps(filters).replace("<a>", str(ids[0])).replace("<b>", str(ids[1]))
        answer = await client.get("/documents", params={"filters": text})

        assert answer.status_code == 200, (text, answer.text)
        found = answer.json()
        assert "".join(sorted(item["title"] for item in found["items"])) == names, text
        assert found["total"] == len(names)
