"""What a search costs beside reading a document by its key, in a database of its own.

    eval "$(python -m native env --profile dev)"; python bench/search.py [pages | full]

100,000 pages unless told otherwise; `full` are 3,000,000. Words are as frequent as in real texts
(Zipf), 300 to a page. Half of the pages belong to the user who asks, the rest to a hundred others.
Service and database share the machine's cores, and result objects are not there to be fetched.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import documents
import sqlalchemy as sa
from common import migrations
from common.database import Sessions, open_database, transaction
from common.pagination import PageRequest
from common.settings import StorageSettings
from common.storage import Storage
from documents.repository import DocumentRepository
from documents.search.service import SearchService
from yarl import URL

ROUNDS = 200
WORDS_PER_PAGE = 300
VOCABULARY = 200_000
PAGES_PER_DOCUMENT = 50
OTHERS = 100
BATCH = 50_000

# The r-th word comes with a probability of about 1/r: exp of something evenly distributed. The
# letters are mixed, so that words which are equally frequent do not begin alike.
WORD = "translate(to_hex(({} * 7919) % 1048573), '0123456789', 'ghijklmnop')"
PAGES = f"""
INSERT INTO search_texts (document_id, page, user_id, language, text, search)
SELECT document_id, page, user_id, 'de', words, to_tsvector('quire_german', words)
FROM (
    SELECT d.id AS document_id, d.user_id, n % $3 + 1 AS page, (
        SELECT string_agg({WORD.format("exp(random() * ln($4::float8))::bigint")}, ' ')
        FROM generate_series(1, $5 + n * 0)
    ) AS words
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
    JOIN documents AS d ON d.file_size = n / $3
) AS made
"""


async def main(pages: int) -> None:
    admin = os.environ["TEST_POSTGRES_URL"]
    name = f"bench_{uuid4().hex}"
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        url = str(URL(admin).with_scheme("postgresql+asyncpg").with_path(f"/{name}"))
        scripts = Path(documents.__file__).parent / "migrations"
        await asyncio.to_thread(migrations.upgrade, url, scripts)
        owner_id = await fill(url, pages)
        async with open_database(url) as (_, sessions):
            await compare(sessions, owner_id, pages)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def fill(url: str, pages: int) -> UUID:
    """Make documents and pages; return who owns half of them."""
    started = time.perf_counter()
    owner_id = uuid4()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("SET synchronous_commit = off")
    count = -(-pages // PAGES_PER_DOCUMENT)
    others = [uuid4() for _ in range(OTHERS)]
    owners = [owner_id if n % 2 else others[n // 2 % OTHERS] for n in range(count)]
    ids = [uuid4() for _ in range(count)]
    await connection.execute(
        """
        INSERT INTO documents (id, user_id, title, description, filename, mime_type, file_size,
            file_hash, object_key, language, created_at, updated_at)
        SELECT id, owner, 'Band ' || n, '', n || '.pdf', 'application/pdf', n - 1, n::text, '',
            'de', now(), now()
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS given(id, owner, n)
        """,
        ids,
        owners,
    )
    await connection.execute(
        """
        INSERT INTO jobs (id, document_id, status, pages_done, pages_failed, created_at)
        SELECT gen_random_uuid(), id, 'completed', 0, 0, now() FROM documents
        """
    )
    await connection.execute("CREATE INDEX ON documents (file_size); ANALYZE documents")
    # An index is faster made at the end, and the words for corrections all at once.
    known = f"SELECT DISTINCT $1::uuid, {WORD.format('n')} AS word FROM generate_series(1, $2) AS n"
    await connection.execute(
        f"INSERT INTO search_words SELECT *, word FROM ({known})", owner_id, VOCABULARY
    )
    await connection.execute("ALTER TABLE search_texts DISABLE TRIGGER USER")
    index = await connection.fetchval(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_search_texts_pages'"
    )
    await connection.execute("DROP INDEX ix_search_texts_pages")
    for first in range(0, pages, BATCH):
        last = min(first + BATCH, pages)
        await connection.execute(
            PAGES, first, last, PAGES_PER_DOCUMENT, float(VOCABULARY), WORDS_PER_PAGE
        )
    made = time.perf_counter()
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute(index)
    await connection.execute("VACUUM ANALYZE")
    (sizes,) = await connection.fetch(
        """
        SELECT pg_size_pretty(pg_table_size('search_texts')) AS texts,
            pg_size_pretty(pg_relation_size('ix_search_texts_pages')) AS index
        """
    )
    await connection.close()
    print(
        f"{pages:,} pages of {count:,} documents: {made - started:.0f} s, "
        f"index and vacuum {time.perf_counter() - made:.0f} s; "
        f"texts {sizes['texts']}, index {sizes['index']}"
    )
    return owner_id


async def choose(sessions: Sessions, owner_id: UUID, pages: int) -> dict[str, str]:
    """Return queries by what they are: rare words on a few pages of the user's, and so on."""
    async with sessions() as session:
        rows = await session.execute(
            sa.text(
                """
                SELECT word, ndoc FROM ts_stat(format(
                    'SELECT search FROM search_texts WHERE page > 0 AND user_id = %L
                    ORDER BY document_id LIMIT 20000', CAST(:owner AS text)))
                ORDER BY ndoc
                """
            ),
            {"owner": str(owner_id)},
        )
        seen = rows.all()
        sampled = min(pages // 2, 20_000)
        text = await session.scalar(
            sa.text("SELECT text FROM search_texts WHERE page > 0 AND user_id = :o LIMIT 1"),
            {"o": owner_id},
        )
    wanted = max(2.0, 10 * sampled / (pages / 2))
    rare = min(seen, key=lambda row: abs(row.ndoc - wanted)).word
    common = seen[-1]
    middle = min(seen, key=lambda row: abs(row.ndoc - sampled / 20)).word
    words = str(text).split()
    print(f"the common word is on {100 * common.ndoc / sampled:.0f} % of the pages")
    return {
        "rare word": rare,
        "word on 5 % of the pages": middle,
        "common word": common.word,
        "two common words": f"{common.word} {seen[-2].word}",
        "phrase of three words": f'"{" ".join(words[10:13])}"',
        "phrase of two common words": f'"{common.word} {seen[-2].word}"',
        "beginning of words": f"{rare[:3]}*",
        "nothing, then corrected": f"{rare[1]}{rare[0]}{rare[2:]}z",
    }


async def compare(sessions: Sessions, owner_id: UUID, pages: int) -> None:
    storage = Storage(
        StorageSettings.model_validate(
            {"s3_endpoint": "http://127.0.0.1:9", "s3_access_key": "-", "s3_secret_key": "-"}
        )
    )
    searching = SearchService(sessions, storage, seconds=30)
    async with sessions() as session:
        mine = sa.text("SELECT id FROM documents WHERE user_id = :o ORDER BY random() LIMIT 100")
        ids = list(await session.scalars(mine, {"o": owner_id}))

    async def read(number: int) -> None:
        async with transaction(sessions) as session:
            await DocumentRepository(session).get(ids[number % len(ids)], owner_id=owner_id)

    def search(query: str) -> Callable[[int], Awaitable[object]]:
        return lambda _: searching.search(owner_id, query, PageRequest(1, 20))

    queries = await choose(sessions, owner_id, pages)
    rivals: dict[str, Callable[[int], Awaitable[object]]] = {"document by its key": read}
    rivals |= {name: search(query) for name, query in queries.items()}
    totals = {
        name: (await searching.search(owner_id, query, PageRequest(1, 20))).total
        for name, query in queries.items()
    }
    waits: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(ROUNDS):
        for name, rival in rivals.items():
            started = time.perf_counter()
            await rival(number)
            waits[name].append((time.perf_counter() - started) * 1000)
    base = percentile(waits["document by its key"], 95)
    print(f"{ROUNDS} rounds in turn, {os.cpu_count()} cores shared by all")
    for name, seen in waits.items():
        p95 = percentile(seen, 95)
        print(
            f"{name:28} {totals.get(name, 1):5} hits   p50 {percentile(seen, 50):7.1f} ms"
            f"   p95 {p95:7.1f} ms   ratio of p95 {p95 / base:6.1f}"
        )


def percentile(values: list[float], per_cent: int) -> float:
    return sorted(values)[(len(values) - 1) * per_cent // 100]


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else "100000"
    asyncio.run(main(3_000_000 if given == "full" else int(given)))
