"""`Idempotency-Key`: whatever is sent twice, at once or after a crash, has one effect."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import aiohttp
import httpx
import pytest
import sqlalchemy as sa
from common.app import Running, build_app
from common.database import Session, Sessions
from common.errors import Problem
from common.idempotency import (
    KEPT,
    IdempotentRoute,
    body_was,
    forget,
    idempotency_keys,
    idempotent,
)
from common.keys import published_at
from common.security import CurrentUser, TokenVerifier, User, require
from common.testing import TokenIssuer, serving
from contracts import Permission
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

Writer = Annotated[User, Depends(require(Permission.DOCUMENTS_WRITE))]
Client = Callable[..., httpx.AsyncClient]
MINUTE = timedelta(minutes=1)

shop = sa.MetaData()
orders = sa.Table(
    "orders",
    shop,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("name", sa.Text, unique=True),
    sa.Column("note", sa.Text),
)
# What the server does to the connection of an order named so, as late as can be: in its commit.
CRASH = """
CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER crash AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.note = 'crash') EXECUTE FUNCTION crash()
"""


class NameTaken(Problem):
    """Somebody has this name already."""

    status, slug, title = 409, "name-taken", "This name is taken"


class Forgone(Problem):
    """What was written stays."""

    status, slug, commits = 410, "forgone", True


class Order(BaseModel):
    name: str | None = None
    note: str = ""


@dataclass
class Resources:
    sessions: Sessions
    tokens: TokenVerifier
    reading: asyncio.Event = field(default_factory=asyncio.Event)


router = APIRouter(route_class=IdempotentRoute)


async def place(session: Session, user_id: UUID, order: Order) -> UUID:
    order_id = uuid4()
    values = {"id": order_id, "user_id": user_id, **order.model_dump()}
    try:
        await session.execute(sa.insert(orders).values(values))
    except IntegrityError as error:
        raise NameTaken from error
    return order_id


@router.post("/purchases", status_code=201, dependencies=[Depends(idempotent)])
@router.post("/orders", status_code=201, dependencies=[Depends(idempotent)])
async def add(order: Order, user: Writer, session: Session, response: Response) -> dict[str, str]:
    order_id = await place(session, user.id, order)
    match order.note:
        case "bug":
            raise RuntimeError("half way")
        case "forgone":
            raise Forgone
    response.headers["Location"] = f"/orders/{order_id}"
    response.headers["ETag"] = f'"{order_id}"'
    response.set_cookie("session", "secret")
    return {"id": str(order_id), "näme": order.name or ""}


@router.post("/unkept", dependencies=[Depends(idempotent)])
async def answer_with_a_failure(user: CurrentUser, session: Session) -> Response:
    await place(session, user.id, Order())
    return Response(status_code=404)


@router.post(
    "/files",
    status_code=204,
    dependencies=[Depends(idempotent)],
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
async def stream(request: Request, user: CurrentUser, session: Session, name: str = "") -> None:
    """The first line is noise, as the boundary of a form is."""
    resources: Resources = request.app.state.resources
    body = b""
    async for chunk in request.stream():
        body += chunk
        resources.reading.set()
    content = body.partition(b"\n")[2]
    if content != b"untold":
        body_was(request, hashlib.sha256(content).digest())
    await place(session, user.id, Order(name=name or None))


@router.post("/keyless")
async def without(order: Order, user: CurrentUser, session: Session) -> None:
    await place(session, user.id, order)


misplaced = APIRouter()


@misplaced.post("/misplaced", dependencies=[Depends(idempotent)])
async def nobody_keeps_this() -> None: ...


@pytest.fixture(scope="module")
async def app(database: tuple[str, AsyncEngine, Sessions], issuer: TokenIssuer) -> FastAPI:
    _, engine, sessions = database
    async with engine.begin() as connection:
        await connection.run_sync(shop.create_all)
        for statement in CRASH.split("$$;"):
            await connection.execute(sa.text(statement + "$$" * (statement.count("$$") % 2)))

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with aiohttp.ClientSession() as http:
            keys = published_at(http, issuer.jwks_url)
            tokens = TokenVerifier(keys, issuer="quire-auth", audience="quire")
            yield Running(Resources(sessions, tokens))

    return build_app("shop", start, routers=[router, misplaced])


@pytest.fixture(scope="module")
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with serving(app) as url:
        yield url


@pytest.fixture
async def sign_in(url: str, issuer: TokenIssuer) -> AsyncIterator[Client]:
    clients: list[httpx.AsyncClient] = []

    def make(user_id: UUID, **claims: Any) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {issuer.token(user_id, **claims)}"}
        clients.append(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(sign_in: Client, user_id: UUID) -> httpx.AsyncClient:
    return sign_in(user_id)


@pytest.fixture
def placed(sessions: Sessions, user_id: UUID) -> Callable[[], Any]:
    """Return how many orders the user has placed, and how many keys are kept."""

    async def placed() -> tuple[int, int]:
        mine = sa.select(sa.func.count()).select_from(orders).where(orders.c.user_id == user_id)
        keys = sa.select(sa.func.count()).select_from(idempotency_keys)
        async with sessions() as session:
            return await session.scalar(mine) or 0, await session.scalar(keys) or 0

    return placed


def key(value: str = "k") -> dict[str, str]:
    return {"Idempotency-Key": value}


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:quire:problem:")


def shown(answer: httpx.Response) -> tuple[Any, ...]:
    """What a repetition has in common with the first answer."""
    names = ("content-type", "content-length", "location", "etag")
    return answer.status_code, answer.content, *(answer.headers.get(name) for name in names)


async def test_a_repetition_is_answered_byte_for_byte_and_has_no_effect(
    client: httpx.AsyncClient, placed: Any
) -> None:
    first = await client.post("/orders?a=1", json={"note": "x"}, headers=key())
    again = await client.post("/orders?a=1", json={"note": "x"}, headers=key('"k"'))

    assert first.status_code == 201
    assert first.headers["location"] == f"/orders/{first.json()['id']}"
    assert shown(again) == shown(first)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert "set-cookie" in first.headers
    assert "set-cookie" not in again.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await placed() == (1, 1)


async def test_a_request_that_fails_because_it_has_succeeded_before_is_answered_as_then(
    client: httpx.AsyncClient, placed: Any
) -> None:
    body = {"name": uuid4().hex}
    first = await client.post("/orders", json=body, headers=key())

    assert slug(await client.post("/orders", json=body)) == (409, "name-taken")
    assert slug(await client.post("/orders", json=body, headers=key("l"))) == (409, "name-taken")
    assert shown(await client.post("/orders", json=body, headers=key())) == shown(first)
    assert await placed() == (1, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/orders", {"note": "y"}), ("/orders?a=2", {"note": "x"}), ("/purchases", {"note": "x"})],
)
async def test_a_key_is_for_one_request(
    client: httpx.AsyncClient, placed: Any, path: str, body: dict[str, str]
) -> None:
    await client.post("/orders", json={"note": "x"}, headers=key())
    other = await client.post(path, json=body, headers=key())

    assert slug(other) == (422, "idempotency-key-reused")
    assert await placed() == (1, 1)


async def test_another_request_that_fails_is_told_of_the_key_too(
    client: httpx.AsyncClient, placed: Any
) -> None:
    name = uuid4().hex
    await client.post("/orders", json={"name": name}, headers=key())
    other = await client.post("/orders", json={"name": name, "note": "y"}, headers=key())

    assert slug(other) == (422, "idempotency-key-reused")
    assert await placed() == (1, 1)


async def test_everybody_has_their_own_keys(
    client: httpx.AsyncClient, sign_in: Client, placed: Any, url: str
) -> None:
    mine = await client.post("/orders", json={}, headers=key())
    theirs = await sign_in(uuid4()).post("/orders", json={}, headers=key())
    async with httpx.AsyncClient(base_url=url) as stranger:
        refused = await stranger.post("/orders", json={}, headers=key())

    assert (mine.status_code, theirs.status_code, refused.status_code) == (201, 201, 401)
    assert theirs.json()["id"] != mine.json()["id"]
    assert await placed() == (1, 2)


async def test_nobody_is_shown_the_answer_to_somebody_else(
    client: httpx.AsyncClient, sign_in: Client
) -> None:
    body = {"name": uuid4().hex}
    await client.post("/orders", json=body, headers=key())
    theirs = await sign_in(uuid4()).post("/orders", json=body, headers=key())

    assert slug(theirs) == (409, "name-taken")


async def test_who_may_not_do_it_any_more_is_not_shown_the_answer(
    client: httpx.AsyncClient, sign_in: Client, user_id: UUID
) -> None:
    await client.post("/orders", json={}, headers=key())
    lesser = sign_in(user_id, permissions=[])

    refused = await lesser.post("/orders", json={}, headers=key())
    assert slug(refused) == (403, "insufficient-permission")


@pytest.mark.parametrize("note", ["bug", "invalid"])
async def test_what_failed_may_be_tried_again(
    client: httpx.AsyncClient, placed: Any, note: str
) -> None:
    body: dict[str, Any] = {"note": 1} if note == "invalid" else {"note": note}
    failed = await client.post("/orders", json=body, headers=key())
    assert failed.status_code == (422 if note == "invalid" else 500)
    assert (await client.post("/unkept", headers=key())).status_code == 404
    assert await placed() == (1, 0)  # the one that has answered, not raised, was committed

    assert (await client.post("/orders", json={}, headers=key())).status_code == 201
    assert await placed() == (2, 1)


async def test_a_failure_that_commits_is_not_undone_by_a_key(
    client: httpx.AsyncClient, placed: Any
) -> None:
    for _ in range(2):
        failed = await client.post("/orders", json={"note": "forgone"}, headers=key())
        assert failed.status_code == 410

    assert await placed() == (2, 0)


async def test_a_crash_between_effect_and_commit_leaves_no_key(
    client: httpx.AsyncClient, sessions: Sessions, placed: Any
) -> None:
    failed = await client.post("/orders", json={"note": "crash"}, headers=key())
    assert slug(failed) == (503, "service-unavailable")
    assert await placed() == (0, 0)

    async with sessions.begin() as session:
        await session.execute(sa.text("ALTER TABLE orders DISABLE TRIGGER crash"))
    again = await client.post("/orders", json={"note": "crash"}, headers=key())
    async with sessions.begin() as session:
        await session.execute(sa.text("ALTER TABLE orders ENABLE TRIGGER crash"))
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)
    assert await placed() == (1, 1)


@pytest.mark.parametrize("named", [True, False])
async def test_of_twenty_at_once_one_has_an_effect_and_all_the_same_answer(
    client: httpx.AsyncClient, placed: Any, named: bool
) -> None:
    """With a name the others fail for it, as long as the first is in sight; without, at the key."""
    body = {"name": uuid4().hex} if named else {}
    answers = await asyncio.gather(
        *(client.post("/orders", json=body, headers=key()) for _ in range(20))
    )

    assert len({shown(answer) for answer in answers}) == 1
    assert answers[0].status_code == 201
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await placed() == (1, 1)


async def test_of_different_requests_at_once_one_has_the_key(
    client: httpx.AsyncClient, placed: Any
) -> None:
    answers = await asyncio.gather(
        *(client.post("/orders", json={"note": str(n)}, headers=key()) for n in range(10))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 9}
    assert await placed() == (1, 1)


async def test_a_streamed_body_is_known_by_what_was_told_of_it(
    client: httpx.AsyncClient, placed: Any
) -> None:
    first = await client.post("/files", content=b"one\ndata", headers=key())
    again = await client.post("/files", content=b"two\ndata", headers=key())
    other = await client.post("/files", content=b"one\nmore", headers=key())
    untold = await client.post("/files", content=b"one\nuntold", headers=key("l"))

    assert (first.status_code, "idempotency-replayed" in first.headers) == (204, False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")
    assert slug(other) == (422, "idempotency-key-reused")
    assert slug(untold) == (500, "internal-error")
    assert await placed() == (1, 1)


async def test_nobody_waits_while_a_body_arrives(
    client: httpx.AsyncClient, app: FastAPI, placed: Any
) -> None:
    app.state.resources.reading.clear()
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"one\nda"
        await go_on.wait()
        yield b"ta"

    slow = asyncio.create_task(client.post("/files", content=slowly(), headers=key()))
    await asyncio.wait_for(app.state.resources.reading.wait(), 15)
    quick = await client.post("/files", content=b"two\ndata", headers=key())
    go_on.set()

    assert (quick.status_code, "idempotency-replayed" in quick.headers) == (204, False)
    assert ((await slow).status_code, (await slow).headers["idempotency-replayed"]) == (204, "true")
    assert await placed() == (1, 1)


async def test_after_a_day_a_key_is_new(
    client: httpx.AsyncClient, sessions: Sessions, placed: Any
) -> None:
    name = uuid4().hex
    first = await client.post("/orders", json={}, headers=key())
    await client.post("/orders", json={"name": name}, headers=key("named"))

    async def grow_old(age: timedelta) -> None:
        async with sessions.begin() as session:
            old = sa.func.now() - age
            await session.execute(sa.update(idempotency_keys).values(created_at=old))

    await grow_old(KEPT - MINUTE)
    again = await client.post("/orders", json={}, headers=key())
    await grow_old(KEPT)
    later = await client.post("/orders", json={"note": "another"}, headers=key())
    repeated = await client.post("/orders", json={"note": "another"}, headers=key())
    taken = await client.post("/orders", json={"name": name}, headers=key("named"))

    assert again.json() == first.json() != later.json() == repeated.json()
    assert slug(taken) == (409, "name-taken")
    assert await placed() == (3, 2)


async def test_old_keys_are_forgotten(sessions: Sessions, user_id: UUID) -> None:
    async with sessions.begin() as session:
        for name, age in (("young", KEPT - MINUTE), ("old", KEPT + MINUTE)):
            values = {"fingerprint": b"", "status": 201, "headers": {}, "body": b""}
            row = {**values, "user_id": user_id, "key": name, "created_at": sa.func.now() - age}
            await session.execute(sa.insert(idempotency_keys).values(row))
        await forget(session)
        assert (await session.scalars(sa.select(idempotency_keys.c.key))).all() == ["young"]


async def test_without_a_key_everything_is_done_again(
    client: httpx.AsyncClient, placed: Any
) -> None:
    await client.post("/orders", json={})
    await client.post("/orders", json={})
    for _ in range(2):
        await client.post("/keyless", json={}, headers=key())

    assert await placed() == (4, 0)


async def test_a_key_that_nobody_would_keep_is_a_bug_that_shows(client: httpx.AsyncClient) -> None:
    assert slug(await client.post("/misplaced")) == (500, "internal-error")


async def test_a_key_that_cannot_be_read_has_no_effect(
    client: httpx.AsyncClient, placed: Any
) -> None:
    name = b"Idempotency-Key"
    for sent in ([b""], [b"a b"], ["ä".encode()], [b"k", b"l"]):
        headers = [(name, value) for value in sent]
        refused = await client.post("/orders", json={}, headers=headers)
        assert slug(refused) == (400, "invalid-idempotency-key")

    assert await placed() == (0, 0)
