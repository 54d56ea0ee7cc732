"""Among many documents of many users a list and a feed read an index, and only their part of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import documents
import pytest
import sqlalchemy as sa
from common.database import open_database, plain_url
from common.pagination import PageRequest
from common.testing import MakeDatabase
from documents.listing.cursor import Cursor
from documents.listing.filters import parse_filters
from documents.listing.parameters import FeedRequest, ListRequest
from documents.listing.repository import ListingRepository
from documents.listing.sorting import parse_sort
from documents.models import Document

USER = UUID(int=1)  # of 20, with 1,000 documents each

FILL = """
INSERT INTO documents (id, user_id, title, description, filename, mime_type, file_size, file_hash,
    object_key, document_type, tags, created_at, updated_at)
SELECT gen_random_uuid(), lpad(to_hex(n % 20 + 1), 32, '0')::uuid, 'Title ' || n, '', 'scan.pdf',
    'application/pdf', n, md5(n::text), n::text, (ARRAY['invoice', 'letter'])[n % 2 + 1],
    ARRAY['tag ' || n % 50], '2026-01-01'::timestamptz + n * interval '1 minute', now()
FROM generate_series(0, 19999) AS n;
INSERT INTO jobs
    (id, document_id, user_id, status, pages_total, pages_done, pages_failed, created_at)
SELECT gen_random_uuid(), id, user_id, 'completed', 1, 1, 0, created_at FROM documents;
ANALYZE;
"""

FILTERS: list[Any] = [
    {},
    {"file_size": {"gte": 1000}},
    {"tags": {"in": ["tag 1", "tag 2"]}},
    {"document_type": "invoice", "created_at": {"gte": "2026-01-05"}},
    {"status": {"in": ["failed", "pending"]}},
    {"or": [{"title": {"contains": "99"}}, {"page_count": {"gt": 5}}]},
    {"not": {"tags": {"contains": "tag 3"}}},
]


@pytest.fixture(scope="module")
async def many(make_database: MakeDatabase) -> str:
    url = await make_database(Path(documents.__file__).parent / "migrations")
    connection = await asyncpg.connect(plain_url(url))
    await connection.execute(FILL)
    await connection.close()
    return url


class Plans:
    """Lets a repository ask, and returns how PostgreSQL answers that."""

    def __init__(self, url: str, repository: ListingRepository) -> None:
        self.url = url
        self.repository = repository
        self.asked: list[tuple[str, Any]] = []

    def note(self, _: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        self.asked.append((statement, parameters))

    async def explain(self) -> list[str]:
        connection = await asyncpg.connect(plain_url(self.url))
        plans = []
        for statement, parameters in self.asked:
            rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING off) {statement}", *parameters)
            plans.append("\n".join(row[0] for row in rows))
        await connection.close()
        self.asked.clear()
        return plans


@pytest.fixture
async def plans(many: str) -> AsyncIterator[Plans]:
    async with open_database(many) as (engine, sessions), sessions() as session:
        plans = Plans(many, ListingRepository(session, USER))
        sa.event.listen(engine.sync_engine, "before_cursor_execute", plans.note)
        yield plans


@pytest.mark.parametrize("filters", FILTERS, ids=json.dumps)
@pytest.mark.parametrize("sort", ["-created_at", "title", "-file_size,status"])
async def test_a_list_reads_its_owners_part_of_an_index(
    plans: Plans, filters: Any, sort: str
) -> None:
    conditions = [Document.deleted_at.is_(None), parse_filters(json.dumps(filters))]
    request = ListRequest(conditions, parse_sort(sort), PageRequest(2, 20))
    await plans.repository.page(request)
    await plans.repository.count(request)

    for plan in await plans.explain():
        assert "Seq Scan on documents" not in plan, plan
        assert "on documents" in plan


@pytest.mark.parametrize("filters", FILTERS, ids=json.dumps)
async def test_a_feed_reads_an_index(plans: Plans, filters: Any) -> None:
    conditions = [Document.deleted_at.is_(None), parse_filters(json.dumps(filters))]
    await plans.repository.feed(FeedRequest(conditions, None, 20))

    [plan] = await plans.explain()
    assert "Seq Scan on documents" not in plan, plan


async def test_a_deep_piece_of_a_feed_begins_where_it_begins(plans: Plans) -> None:
    """What lies before is not even read: owner and place are conditions of the index."""
    conditions = [Document.deleted_at.is_(None)]
    first = await plans.repository.feed(FeedRequest(conditions, None, 20))
    everything = await plans.repository.feed(FeedRequest(conditions, None, 900))
    after = Cursor(everything[-1].created_at, everything[-1].id)
    deep = await plans.repository.feed(FeedRequest(conditions, after, 20))
    assert (len(first), len(deep)) == (21, 21)

    shallow_plan, _, deep_plan = await plans.explain()
    for plan in (shallow_plan, deep_plan):
        assert "Index Scan Backward using ix_documents_user_id_created_at" in plan, plan
        assert "Sort" not in plan, plan
        assert "(actual rows=21" in plan.replace(".00", ""), plan
    [condition] = [line for line in deep_plan.splitlines() if "ROW(created_at" in line]
    assert "Index Cond" in condition
    assert "user_id" in condition
    assert "Rows Removed" not in deep_plan


async def test_counting_leaves_out_jobs_that_nobody_asks_about(plans: Plans) -> None:
    await plans.repository.count(
        ListRequest([Document.deleted_at.is_(None)], [], PageRequest(1, 20))
    )

    [plan] = await plans.explain()
    assert "jobs" not in plan, plan
