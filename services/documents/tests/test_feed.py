"""A feed is walked to its end: nothing twice, nothing left out, whatever comes or goes."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from documents.listing.cursor import Cursor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

Keep = Callable[..., Awaitable[list[UUID]]]
Slug = Callable[[httpx.Response], str]
SignIn = Callable[..., httpx.AsyncClient]

START = datetime(2026, 1, 1, tzinfo=UTC)
cursors = st.builds(Cursor, st.datetimes(timezones=st.just(UTC)), st.uuids())


async def piece(client: httpx.AsyncClient, cursor: str | None, **parameters: Any) -> Any:
    after = {"cursor": cursor} if cursor else {}
    answer = await client.get("/documents/feed", params={**parameters, **after})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["has_more"] is (body["next_cursor"] is not None)
    assert set(body) == {"items", "next_cursor", "has_more"}
    return body


async def walk(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    seen: list[str] = []
    cursor, more = None, True
    while more:
        body = await piece(client, cursor, **parameters)
        seen += [item["id"] for item in body["items"]]
        cursor, more = body["next_cursor"], body["has_more"]
    return seen


async def test_an_empty_feed_ends_at_once(client: httpx.AsyncClient) -> None:
    assert await piece(client, None) == {"items": [], "next_cursor": None, "has_more": False}


async def test_newest_first_and_an_end_without_an_empty_piece(
    keep: Keep, client: httpx.AsyncClient
) -> None:
    ids = [str(each) for each in await keep(*({} for _ in range(6)))]

    first = await piece(client, None, limit=3)
    second = await piece(client, first["next_cursor"], limit=3)

    assert [item["id"] for item in first["items"]] == ids[:3]
    assert [item["id"] for item in second["items"]] == ids[3:]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert await walk(client) == ids


async def test_it_goes_on_after_a_document_that_is_gone(
    keep: Keep, client: httpx.AsyncClient
) -> None:
    ids = [str(each) for each in await keep(*({} for _ in range(4)))]
    first = await piece(client, None, limit=2)
    for gone in ids[1:3]:
        assert (await client.delete(f"/documents/{gone}")).status_code == 204

    second = await piece(client, first["next_cursor"])

    assert [item["id"] for item in second["items"]] == ids[3:]


async def test_filters_are_those_of_the_list(keep: Keep, client: httpx.AsyncClient) -> None:
    ids = [str(i) for i in await keep(*({"title": "xy"[n % 2], "file_size": n} for n in range(9)))]
    filters = json.dumps({"file_size": {"gte": 4}})

    assert await walk(client, limit=2, search="x") == ids[::2]
    assert await walk(client, limit=1, search="x", filters=filters) == ids[4::2]
    assert await walk(client, deleted="true") == []


minutes = st.integers(0, 3).map(lambda n: {"created_at": START + timedelta(minutes=n)})


@given(
    before=st.lists(minutes, min_size=1, max_size=15),
    meanwhile=st.lists(st.lists(minutes, max_size=2), max_size=10),
    limit=st.integers(1, 4),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_nothing_twice_and_nothing_left_out(
    sign_in: SignIn, keep: Keep, before: list[Any], meanwhile: list[list[Any]], limit: int
) -> None:
    """Others come before, between and after, many of them at the same moment."""
    user_id = uuid4()
    client = sign_in(user_id)
    snapshot = await keep(*before, owner_id=user_id)
    seen: list[tuple[str, str]] = []
    cursor, more = None, True
    while more:
        body = await piece(client, cursor, limit=limit)
        seen += [(item["created_at"], item["id"]) for item in body["items"]]
        cursor, more = body["next_cursor"], body["has_more"]
        assert len(body["items"]) == limit or not more
        await keep(*(meanwhile.pop(0) if meanwhile else []), owner_id=user_id)

    assert len(set(seen)) == len(seen)
    assert {str(each) for each in snapshot} <= {document_id for _, document_id in seen}
    assert seen == sorted(seen, reverse=True)


@given(cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    assert Cursor.decode(cursor.encode()) == cursor
    assert cursor.encode().replace("-", "").replace("_", "").isalnum()


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


CURSOR = Cursor(START, UUID(int=7)).encode()
UTF_8 = st.characters(codec="utf-8")
damaged = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.builds(lambda n: CURSOR[:n], st.integers(0, len(CURSOR) - 1)),
    st.builds(lambda n, c: CURSOR[:n] + c + CURSOR[n:], st.integers(0, 99), UTF_8),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=9)),
        lambda inner: st.lists(inner, max_size=3),
    ).map(lambda value: encoded(json.dumps(value))),
)


@given(text=damaged)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(text=CURSOR + "=")
@example(text=CURSOR + "\n")
@example(text=encoded('["2026-01-01T00:00:00","00000000-0000-0000-0000-000000000007"]'))
@example(text=encoded('["2026-01-01T00:00:00+01:00","00000000-0000-0000-0000-000000000007"]'))
@example(text=encoded('["0001-01-01T00:00:00+14:00","00000000-0000-0000-0000-000000000007"]'))
@example(text=encoded('["2026-01-01T00:00:00+00:00", "00000000-0000-0000-0000-000000000007"]'))
@example(text=encoded('["2026-01-01T00:00:00+00:00","{00000000000000000000000000000007}"]'))
@example(text=encoded("[" * 20_000))
async def test_a_damaged_cursor_is_refused(
    client: httpx.AsyncClient, slug: Slug, text: str
) -> None:
    answer = await client.get("/documents/feed", params={"cursor": text})

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/query/cursor"]


@pytest.mark.parametrize(("year", "shown"), [(1, 0), (9999, 1)])
async def test_a_cursor_may_lie_outside_of_all_documents(
    keep: Keep, client: httpx.AsyncClient, year: int, shown: int
) -> None:
    await keep({})
    cursor = Cursor(datetime(year, 12, 31, tzinfo=UTC), UUID(int=0)).encode()

    assert len((await piece(client, cursor))["items"]) == shown
