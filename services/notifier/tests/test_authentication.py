"""Who may open a socket, and for how long."""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from common.security import ACCESS_TOKEN, STREAM_TICKET
from common.testing import TokenIssuer, serving
from contracts import OWN, Permission
from notifier.app import create_api


def ticket(issuer: TokenIssuer, user_id: UUID) -> str:
    now = int(time.time())
    return issuer.token(user_id, kind=STREAM_TICKET, iat=now, exp=now + 30)


@pytest.mark.parametrize("path", ["/ws", "/ws/{user_id}"])
@pytest.mark.parametrize("way", ["ticket", "token", "header", "message"])
async def test_each_way_to_say_who_one_is(
    issuer: TokenIssuer, listen: Any, user_id: UUID, way: str, path: str
) -> None:
    path = path.format(user_id=user_id)
    if way == "ticket":
        path += f"?ticket={ticket(issuer, user_id)}"
    elif way == "token":
        path += f"?token={issuer.token(user_id)}"
    async with listen(user_id if way == "header" else None, path=path) as socket:
        if way == "message":
            await socket.say(type="auth", token=issuer.token(user_id))
        established = await socket.established()

    assert established["user_id"] == str(user_id)
    assert established["recovered"] is False
    assert established["epoch"]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(lambda issuer, user: "token=nonsense", id="nonsense"),
        pytest.param(lambda issuer, user: "ticket=nonsense", id="nonsense as ticket"),
        pytest.param(lambda issuer, user: f"token={issuer.token(user, exp=1)}", id="expired"),
        pytest.param(lambda issuer, user: f"token={issuer.token(user, aud='x')}", id="audience"),
        pytest.param(lambda issuer, user: f"ticket={issuer.token(user)}", id="token as ticket"),
        pytest.param(lambda issuer, user: f"token={ticket(issuer, user)}", id="ticket as token"),
    ],
)
async def test_a_bad_token_is_refused(
    issuer: TokenIssuer,
    listen: Any,
    user_id: UUID,
    query: Callable[[TokenIssuer, UUID], str],
) -> None:
    async with listen(path=f"/ws?{query(issuer, user_id)}") as socket:
        assert await socket.close_code() == 4401


async def test_a_ticket_opens_one_socket(issuer: TokenIssuer, listen: Any, user_id: UUID) -> None:
    path = f"/ws?ticket={ticket(issuer, user_id)}"
    async with listen(path=path) as first:
        await first.established()
        async with listen(path=path) as second:
            assert await second.close_code() == 4401
        await first.hears_nothing()


@pytest.mark.parametrize(
    "first",
    ['{"type":"auth"}', '{"type":"auth","token":"x"}', '{"type":"ping"}', "{", b"\x00", "[" * 9999],
)
async def test_a_first_message_that_proves_nothing_is_refused(
    listen: Any, first: str | bytes
) -> None:
    async with listen() as socket:
        await socket.connection.send(first)
        assert await socket.close_code() == 4401


async def test_a_silent_client_is_refused(api_settings: Any, listen: Any) -> None:
    async with (
        serving(create_api(api_settings(auth_seconds=0.1))) as url,
        listen(url=url) as socket,
    ):
        assert await socket.close_code() == 4401


@pytest.mark.parametrize("way", ["token", "ticket"])
async def test_who_may_not_listen_is_refused(
    issuer: TokenIssuer, listen: Any, user_id: UUID, way: str
) -> None:
    kind = STREAM_TICKET if way == "ticket" else ACCESS_TOKEN
    others = sorted(OWN - {Permission.EVENTS_READ})
    token = issuer.token(user_id, kind=kind, permissions=others)
    async with listen(path=f"/ws?{way}={token}") as socket:
        assert await socket.close_code() == 4403


@pytest.mark.parametrize("other", [str(UUID(int=1)), "1", "%2e%2e", "x" * 1000])
async def test_the_events_of_others_are_refused(listen: Any, user_id: UUID, other: str) -> None:
    async with listen(user_id, path=f"/ws/{other}") as socket:
        assert await socket.close_code() == 4403


async def test_a_socket_ends_with_its_token(
    issuer: TokenIssuer, listen: Any, user_id: UUID
) -> None:
    token = issuer.token(user_id, exp=int(time.time()) + 1)
    async with listen(path=f"/ws?token={token}") as socket:
        await socket.established()
        assert await socket.close_code() == 4401


async def test_a_socket_outlives_its_ticket_but_not_for_ever(
    api_settings: Any, issuer: TokenIssuer, listen: Any, user_id: UUID
) -> None:
    async with (
        serving(create_api(api_settings(ticket_socket_seconds=0.3))) as url,
        listen(url=url, path=f"/ws?ticket={ticket(issuer, user_id)}") as socket,
    ):
        await socket.established()
        assert await socket.close_code() == 4401


async def test_without_keys_or_redis_a_client_is_asked_to_come_again(
    api_settings: Any, issuer: TokenIssuer, listen: Any, user_id: UUID, unused_tcp_port: int
) -> None:
    nobody = f"127.0.0.1:{unused_tcp_port}"
    async with (
        serving(create_api(api_settings(jwks_url=f"http://{nobody}/jwks.json"))) as without_keys,
        listen(user_id, url=without_keys) as socket,
    ):
        assert await socket.close_code() == 1013
    async with (
        serving(create_api(api_settings(redis_url=f"redis://{nobody}"))) as without_redis,
        listen(url=without_redis, path=f"/ws?ticket={ticket(issuer, user_id)}") as socket,
    ):
        assert await socket.close_code() == 1013


async def test_no_log_line_holds_a_token(
    issuer: TokenIssuer,
    listen: Any,
    user_id: UUID,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = issuer.token(user_id)
    with caplog.at_level(logging.INFO, logger="uvicorn.error"):
        async with listen(path=f"/ws?token={token}") as socket:
            await socket.established()

    assert "/api/v1/ws" in caplog.text
    assert token not in caplog.text
