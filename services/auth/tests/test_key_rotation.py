"""The signing keys are rotated, and nobody is logged out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.keyring import keyring
from auth.keyring.models import SigningKey
from auth.keyring.rotation import PUBLISHED_BEFORE, KeyRotation
from auth.settings import ApiSettings
from common import keys, security
from common.database import Sessions, open_database, transaction
from common.keys import published_at
from common.security import TokenVerifier
from common.testing import eventually, serving
from jose import jwt

JWKS = "/.well-known/jwks.json"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MAX_AGE = timedelta(days=90)


@pytest.fixture
async def sessions(
    own_settings: ApiSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sessions]:
    """The database of this module, without keys; whoever uses it looks often for new ones."""
    monkeypatch.setattr(keyring, "_RELOAD_SECONDS", 0.02)
    monkeypatch.setattr(security, "_CACHE_SECONDS", 0.1)
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
        async with transaction(sessions) as session:
            await session.execute(sa.delete(SigningKey))
        yield sessions


@pytest.fixture
async def url(own_settings: ApiSettings, sessions: Sessions) -> AsyncIterator[str]:
    assert sessions
    async with serving(create_api(own_settings)) as url:
        yield url


@pytest.fixture
def rotate(own_settings: ApiSettings, sessions: Sessions) -> Callable[..., Any]:
    """Do what `rotate-keys` does; return the new key's id."""

    async def rotate(*, compromised: bool = False) -> str:
        async with transaction(sessions) as session:
            rotation = KeyRotation(session, own_settings.vault)
            return (await rotation.rotate(compromised=compromised)).kid

    return rotate


@pytest.fixture
def keep_fresh(own_settings: ApiSettings, sessions: Sessions) -> Callable[[], Any]:
    """Do what the worker does every hour."""

    async def keep_fresh() -> None:
        async with transaction(sessions) as session:
            await KeyRotation(session, own_settings.vault).keep_fresh(max_age=MAX_AGE)

    return keep_fresh


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minutes of a rotation pass in a moment here; so does the one between two fetches."""
    monkeypatch.setattr(keys, "_REFETCH_SECONDS", 0)


async def let_pass(sessions: Sessions, time: timedelta) -> None:
    """Make the keys as old as they will be then."""
    async with transaction(sessions) as session:
        older = {"active_from": SigningKey.active_from - time}
        await session.execute(sa.update(SigningKey).values(older))


async def stored(sessions: Sessions) -> dict[str, SigningKey]:
    async with sessions() as session:
        return {key.kid: key for key in await session.scalars(sa.select(SigningKey))}


async def publishes(client: httpx.AsyncClient, *kids: str) -> None:
    """Wait until exactly these keys are published."""

    async def published() -> bool:
        keys = (await client.get(JWKS)).json()["keys"]
        return {key["kid"] for key in keys} == set(kids)

    await eventually(published, within=5)


def signer_of(tokens: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(tokens["access_token"])["kid"])


async def signs(member: Any, kid: str) -> None:
    """Refresh until the tokens are signed with this key."""

    async def signed() -> bool:
        assert (await member.refresh()).status_code == 200
        return signer_of(member.tokens) == kid

    await eventually(signed, within=5)


async def test_a_new_key_is_published_then_signs_and_the_old_one_goes_an_hour_later(
    enroll: Any, client: httpx.AsyncClient, sessions: Sessions, rotate: Any, keep_fresh: Any
) -> None:
    member, holder = await enroll(), await enroll()
    old = signer_of(holder.tokens)
    new = await rotate()
    await publishes(client, new, old)
    await let_pass(sessions, PUBLISHED_BEFORE - MINUTE)
    await keep_fresh()
    await member.refresh()
    assert signer_of(member.tokens) == old, "it is too early"
    await let_pass(sessions, MINUTE)
    await signs(member, new)
    assert not await member.is_refused()

    await let_pass(sessions, HOUR - MINUTE)
    await keep_fresh()
    await publishes(client, new, old)
    assert not await holder.is_refused(), "the old key's tokens live for as long as they may"
    assert (await stored(sessions))[old].encrypted_private_key
    await let_pass(sessions, MINUTE)
    await keep_fresh()
    await publishes(client, new)
    gone = (await stored(sessions))[old]
    assert gone.retired_at is not None
    assert gone.encrypted_private_key == b""
    await signs(holder, new)
    assert not await holder.is_refused()


async def test_a_compromised_key_goes_at_once_and_sessions_go_on(
    enroll: Any, client: httpx.AsyncClient, sessions: Sessions, rotate: Any
) -> None:
    member = await enroll()
    assert not await member.is_refused()
    await rotate()  # one that waits may be in the same wrong hands
    new = await rotate(compromised=True)
    await publishes(client, new)

    await eventually(member.is_refused, within=10)
    await member.refresh()
    assert signer_of(member.tokens) == new
    assert not await member.is_refused(), "who gets a token can use it"
    keys = await stored(sessions)
    assert [kid for kid in keys if keys[kid].encrypted_private_key] == [new]


async def test_a_key_that_is_old_enough_is_rotated_once(
    enroll: Any, client: httpx.AsyncClient, sessions: Sessions, keep_fresh: Any
) -> None:
    member = await enroll()
    first = signer_of(member.tokens)
    await let_pass(sessions, MAX_AGE - MINUTE)
    await keep_fresh()
    assert {*await stored(sessions)} == {first}
    await let_pass(sessions, MINUTE)
    await asyncio.gather(*(keep_fresh() for _ in range(4)))
    (second,) = {*await stored(sessions)} - {first}
    await publishes(client, first, second)
    assert signer_of((await member.refresh()).json()) == first

    await let_pass(sessions, PUBLISHED_BEFORE)
    await signs(member, second)
    await let_pass(sessions, MAX_AGE)
    await asyncio.gather(*(keep_fresh() for _ in range(4)))
    (third,) = {*await stored(sessions)} - {first, second}
    await publishes(client, second, third)


@pytest.mark.usefixtures("impatient")
async def test_nobody_meets_a_token_that_they_cannot_verify(
    own_settings: ApiSettings, enroll: Any, sessions: Sessions, rotate: Any, keep_fresh: Any
) -> None:
    """One replica signs, another publishes, and everybody verifies, all the way through."""
    member, steps = await enroll(), 0
    signed_with: set[str] = set()

    async with (
        serving(create_api(own_settings)) as replica,
        httpx.AsyncClient(base_url=replica) as client,
        aiohttp.ClientSession() as http,
    ):
        fetch = published_at(http, f"{replica}{JWKS}")
        service = TokenVerifier(fetch, issuer="quire-auth", audience="quire")

        async def use_tokens() -> None:
            while True:
                nonlocal steps
                assert (await member.refresh()).status_code == 200
                token = member.tokens["access_token"]
                await service.verify(token)
                headers = {"Authorization": f"Bearer {token}"}
                assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200
                signed_with.add(signer_of(member.tokens))
                steps += 1

        async def goes_on() -> None:
            before = steps

            async def used() -> bool:
                assert not using.done(), using.result()
                return steps > before + 1

            await eventually(used)

        using = asyncio.create_task(use_tokens())
        for _ in range(2):
            await goes_on()
            await rotate()
            await goes_on()
            await publishes(client, *await published(sessions))
            await let_pass(sessions, PUBLISHED_BEFORE)
            await goes_on()
            await let_pass(sessions, HOUR)
            await keep_fresh()
            await publishes(client, *await published(sessions))
            await goes_on()
        using.cancel()

    assert len(signed_with) == 3


async def published(sessions: Sessions) -> list[str]:
    keys = await stored(sessions)
    return [kid for kid in keys if keys[kid].retired_at is None]
