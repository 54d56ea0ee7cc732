"""Whoever is signed out is out: at every service and on every socket, within five seconds."""

import asyncio

import pytest
from client import Client, NewUser, Socket
from native.stack import Stack
from websockets.exceptions import ConnectionClosed

SECONDS = 5


async def closed(socket: Socket) -> int | None:
    """Return the code with which a socket is closed."""
    async with asyncio.timeout(SECONDS):
        try:
            while True:
                await socket.receive()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


async def test_a_logout_bites_everywhere_and_nowhere_else(new_user: NewUser) -> None:
    user, other = await new_user(), await new_user()
    elsewhere = await user.sign_in_again()
    async with user.socket() as socket, elsewhere.socket() as second, other.socket() as third:
        assert (await user.http.post("/auth/logout")).status_code == 204
        assert await closed(socket) == 4401
        await user.until_signed_out(within=SECONDS)
        for alive in (second, third):
            await alive.connection.send('{"type": "ping"}')
            assert (await alive.receive())["type"] == "pong"
    assert (await elsewhere.http.get("/documents")).status_code == 200


async def test_logout_all_ends_every_session(user: Client) -> None:
    elsewhere = await user.sign_in_again()
    async with elsewhere.socket() as socket:
        assert (await user.http.post("/auth/logout-all")).status_code == 204
        assert await closed(socket) == 4401
    for client in (user, elsewhere):
        await client.until_signed_out(within=SECONDS)


async def test_a_deactivated_user_is_out_until_activated(user: Client, admin: Client) -> None:
    path = f"/admin/users/{user.user['id']}"
    async with user.socket() as socket:
        assert (await admin.http.post(f"{path}/deactivate")).json()["is_active"] is False
        assert await closed(socket) == 4401
    await user.until_signed_out(within=SECONDS)
    assert (await user.login()).status_code == 403

    assert (await admin.http.post(f"{path}/activate")).json()["is_active"] is True
    assert (await user.login()).status_code == 200


@pytest.mark.parametrize("victim", ["redis", "auth-api"])
async def test_a_logout_survives_what_it_needs(user: Client, stack: Stack, victim: str) -> None:
    """Killed right after the answer, with the denial perhaps not announced yet."""
    assert (await user.http.post("/auth/logout")).status_code == 204
    await asyncio.to_thread(stack.kill, victim)
    await asyncio.to_thread(stack.start, victim)
    await asyncio.to_thread(stack.wait_ready, victim)

    await user.until_signed_out(within=SECONDS)
