"""A session ends, or rights shrink: the sockets that came of them are closed, and no others."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from common.denylist import Denial, announce
from common.security import ACCESS_TOKEN, STREAM_TICKET
from common.testing import TokenIssuer
from redis.asyncio import Redis


def path(issuer: TokenIssuer, way: str, user_id: UUID, **claims: Any) -> str:
    kind = STREAM_TICKET if way == "ticket" else ACCESS_TOKEN
    claims = {"exp": int(time.time()) + 60, **claims}
    return f"/ws?{way}={issuer.token(user_id, kind=kind, **claims)}"


@pytest.mark.parametrize("way", ["token", "ticket"])
async def test_a_session_that_ends_takes_its_sockets_along(
    issuer: TokenIssuer, listen: Any, redis: Redis, user_id: UUID, way: str
) -> None:
    ending, other = uuid4(), uuid4()
    async with (
        listen(path=path(issuer, way, user_id, sid=str(ending))) as one,
        listen(path=path(issuer, way, user_id, sid=str(ending))) as two,
        listen(path=path(issuer, way, user_id, sid=str(other))) as of_other_session,
        listen(path=path(issuer, way, uuid4(), sid=str(uuid4()))) as of_other_user,
    ):
        for socket in (one, two, of_other_session, of_other_user):
            await socket.established()
        await announce(redis, [Denial(user_id, session_id=ending)])
        assert await one.close_code(within=5) == 4401
        assert await two.close_code(within=5) == 4401
        await of_other_session.hears_nothing()
        await of_other_user.hears_nothing()


@pytest.mark.parametrize("way", ["token", "ticket"])
async def test_shrunken_rights_close_the_sockets_of_older_tokens(
    issuer: TokenIssuer, listen: Any, redis: Redis, user_id: UUID, way: str
) -> None:
    async with (
        listen(path=path(issuer, way, user_id, ver=3)) as old,
        listen(path=path(issuer, way, user_id, ver=4)) as new,
        listen(path=path(issuer, way, uuid4(), ver=3)) as of_other_user,
    ):
        for socket in (old, new, of_other_user):
            await socket.established()
        await announce(redis, [Denial(user_id, version=4)])
        assert await old.close_code(within=5) == 4401
        await new.hears_nothing()
        await of_other_user.hears_nothing()


@pytest.mark.parametrize("way", ["token", "ticket"])
async def test_no_socket_slips_through_while_its_session_ends(
    issuer: TokenIssuer, listen: Any, redis: Redis, user_id: UUID, way: str
) -> None:
    session_id = uuid4()

    async def open_and_wait() -> int | None:
        async with listen(path=path(issuer, way, user_id, sid=str(session_id))) as socket:
            code: int | None = await socket.close_code(within=5)
            return code

    opening = [asyncio.create_task(open_and_wait()) for _ in range(20)]
    await announce(redis, [Denial(user_id, session_id=session_id)])
    opening += [asyncio.create_task(open_and_wait()) for _ in range(20)]

    assert set(await asyncio.gather(*opening)) == {4401}
