"""The migrations make the schema that the models describe, of whatever was there before."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from auth.__main__ import MIGRATIONS
from auth.app import create_api
from auth.base import Base, now
from auth.keyring.keyring import new_signing_key
from auth.opaque import digest
from auth.settings import ApiSettings
from common import migrations
from common.database import frame_metadata, naming, open_database
from common.testing import MakeDatabase, serving
from jose import jwt
from pydantic import SecretStr

FIRST = "20261121_000000"
REFRESH_TOKEN = "from-before-the-upgrade"
FILLING = """
INSERT INTO users (id, email, username, password_hash, is_active, created_at)
    VALUES (:user, 'Ada@example.com', 'Ada', 'x', true, now());
INSERT INTO sessions (id, user_id, created_at, expires_at)
    VALUES (:session, :user, now() - interval '1 day', now() + interval '1 day');
INSERT INTO refresh_tokens (digest, session_id, issued_at)
    VALUES (:digest, :session, now());
INSERT INTO signing_keys (kid, encrypted_private_key, public_jwk, created_at)
    VALUES (:kid, :private, CAST(:public AS jsonb), now() - interval '1 day')
"""


async def upgrade(url: str, revision: str = "head") -> None:
    await asyncio.to_thread(migrations.upgrade, url, MIGRATIONS, revision=revision)


async def downgrade(url: str, revision: str) -> None:
    def run(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with open_database(url) as (engine, _), engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()


async def differences(url: str) -> list[Any]:
    """Return how the schema differs from what the models describe."""
    together = sa.MetaData(naming_convention=naming)
    for source in (frame_metadata, Base.metadata):
        for table in source.tables.values():
            table.to_metadata(together)

    def compare(connection: sa.Connection) -> list[Any]:
        options = {"compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, together))

    async with open_database(url) as (engine, _), engine.connect() as connection:
        return await connection.run_sync(compare)


async def fill(url: str, settings: ApiSettings) -> tuple[UUID, str]:
    """Put somebody who is signed in into the first schema; return their id and the key's."""
    key = new_signing_key(settings.vault, active_from=now())
    values: dict[str, Any] = {
        "user": uuid4(),
        "session": uuid4(),
        "digest": digest(REFRESH_TOKEN),
        "kid": key.kid,
        "private": key.encrypted_private_key,
        "public": json.dumps(key.public_jwk),
    }
    async with open_database(url) as (engine, _), engine.begin() as connection:
        for statement in FILLING.split(";"):
            await connection.execute(sa.text(statement), values)
    return values["user"], key.kid


async def test_migrations_run_once_and_make_what_the_models_describe(
    make_database: MakeDatabase,
) -> None:
    url = await make_database(None)
    await asyncio.gather(*(upgrade(url) for _ in "123"))
    await upgrade(url)

    assert await differences(url) == []


async def test_who_was_signed_in_before_an_upgrade_still_is(
    make_database: MakeDatabase, settings: ApiSettings
) -> None:
    url = await make_database(None)
    await upgrade(url, FIRST)
    user_id, kid = await fill(url, settings)
    await upgrade(url)
    own = settings.model_copy(update={"database_url": SecretStr(url)})
    async with serving(create_api(own)) as base_url, httpx.AsyncClient(base_url=base_url) as client:
        keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
        body = {"refresh_token": REFRESH_TOKEN}
        pair = (await client.post("/api/v1/auth/refresh", json=body)).json()
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        me = (await client.get("/api/v1/auth/me", headers=headers)).json()
        sessions = (await client.get("/api/v1/auth/sessions", headers=headers)).json()

    assert [key["kid"] for key in keys] == [kid]
    assert jwt.get_unverified_header(pair["access_token"])["kid"] == kid
    assert (me["id"], me["email"], me["username"]) == (str(user_id), "Ada@example.com", "Ada")
    assert (me["roles"], me["language"]) == (["user"], "en")
    assert len(sessions) == 1


async def test_an_upgrade_can_be_taken_back_and_done_again(
    make_database: MakeDatabase, settings: ApiSettings
) -> None:
    url = await make_database(None)
    await upgrade(url, FIRST)
    user_id, kid = await fill(url, settings)
    for _ in range(2):
        await upgrade(url)
        assert await differences(url) == []
        await downgrade(url, FIRST)
    await upgrade(url)
    async with open_database(url) as (engine, _), engine.connect() as connection:
        holders = await connection.execute(sa.text("SELECT user_id, role FROM user_roles"))
        assert [tuple(row) for row in holders] == [(user_id, "user")]
        assert await connection.scalar(sa.text("SELECT kid FROM signing_keys")) == kid

    await downgrade(url, "base")
    async with open_database(url) as (engine, _), engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert tables == ["alembic_version"]
