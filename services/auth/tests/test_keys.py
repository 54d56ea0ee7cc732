"""The signing keys: one for all replicas, kept over restarts, locked in the database."""

import asyncio
import base64
import hashlib
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from auth.__main__ import MIGRATIONS
from auth.app import create_api
from auth.base import now
from auth.keyring.errors import SigningKeyLocked
from auth.keyring.keyring import Keyring, new_signing_key
from auth.keyring.models import SigningKey
from auth.settings import ApiSettings
from common.database import Sessions, open_database, transaction
from common.testing import MakeDatabase, serving
from cryptography.fernet import Fernet
from pydantic import SecretStr


async def open_keyring(sessions: Sessions, vault: Fernet) -> Keyring:
    keyring = Keyring(sessions, vault)
    await keyring.open()
    return keyring


async def published(settings: ApiSettings) -> list[dict[str, Any]]:
    """Return the keys that a replica publishes that is started now, and ends at once."""
    async with serving(create_api(settings)) as url, httpx.AsyncClient() as client:
        response = await client.get(f"{url}/.well-known/jwks.json")
        keys: list[dict[str, Any]] = response.json()["keys"]
        return keys


async def test_the_published_key_is_public_and_named_by_its_thumbprint(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/.well-known/jwks.json")
    (key,) = response.json()["keys"]

    assert response.headers["cache-control"] == "public, max-age=60"
    assert {name: key[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
    }
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'
    digest = hashlib.sha256(canonical.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_replicas_that_start_together_and_later_share_one_key(
    make_database: MakeDatabase, settings: ApiSettings
) -> None:
    url = SecretStr(await make_database(MIGRATIONS))
    replica = settings.model_copy(update={"database_url": url})
    together = await asyncio.gather(*(published(replica) for _ in range(4)))
    later = await published(replica)

    assert len(later) == 1
    assert all(keys == later for keys in together)


async def test_a_token_outlives_a_restart(
    client: httpx.AsyncClient, settings: ApiSettings, person: Any
) -> None:
    token = (await person.login())["access_token"]
    async with serving(create_api(settings)) as url, httpx.AsyncClient() as restarted:
        headers = {"Authorization": f"Bearer {token}"}
        me = await restarted.get(f"{url}/api/v1/auth/me", headers=headers)

    assert me.json() == person.user


async def test_the_private_key_is_not_in_the_database(sessions: Sessions, keyring: Keyring) -> None:
    async with sessions() as session:
        (row,) = (await session.scalars(sa.select(SigningKey))).all()

    assert row.encrypted_private_key.startswith(b"gAAAA")
    assert "d" not in row.public_jwk
    assert b"PRIVATE KEY" not in row.encrypted_private_key


async def test_with_another_encryption_key_the_process_does_not_start(
    sessions: Sessions, keyring: Keyring
) -> None:
    with pytest.raises(SigningKeyLocked):
        await open_keyring(sessions, Fernet(Fernet.generate_key()))


async def test_the_newest_key_signs_and_a_retired_one_is_not_published(
    make_database: MakeDatabase,
) -> None:
    vault = Fernet(Fernet.generate_key())
    async with open_database(await make_database(MIGRATIONS)) as (_, sessions):
        first = await open_keyring(sessions, vault)
        async with transaction(sessions) as session:
            session.add(second := new_signing_key(vault, active_from=now()))
        both = await open_keyring(sessions, vault)
        async with transaction(sessions) as session:
            await session.execute(
                sa.update(SigningKey)
                .where(SigningKey.kid != second.kid)
                .values(retired_at=sa.func.now())
            )
        left = await open_keyring(sessions, vault)

    assert [key["kid"] for key in both.public] == [second.kid, first.public[0]["kid"]]
    assert [key["kid"] for key in left.public] == [second.kid]
