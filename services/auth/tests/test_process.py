"""`python -m auth` as it is run: its settings, and what it must never write down."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import asyncpg
import httpx
import pytest
from auth.settings import ApiSettings
from common.testing import MakeDatabase, eventually

SECRET = "Tell-Nobody-42"
WRONG = "Wrong-Secret-43"
TABLES = ("users", "sessions", "refresh_tokens", "signing_keys")


async def start(role: str, **settings: str) -> asyncio.subprocess.Process:
    environment = {f"QUIRE_{name.upper()}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "auth",
        role,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], **environment},
    )


async def rows(url: str) -> str:
    """Return everything that the database holds, as text."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        found = [await connection.fetch(f"SELECT t::text FROM {table} t") for table in TABLES]
        assert all(found)
        return "\n".join(row[0] for table in found for row in table)
    finally:
        await connection.close()


async def use(client: httpx.AsyncClient, registration: dict[str, Any]) -> list[str]:
    """Go through the life of an account, failures included; return the secrets it was given."""
    await client.post("/register", json={**registration, "is_active": True})
    await client.post("/register", json={**registration, "password_confirm": WRONG})
    for _ in range(2):
        await client.post("/register", json=registration)
    name = registration["username"]
    for password in (SECRET, WRONG, SECRET * 80):
        body = {"username": name, "password": password}
        await client.post("/login", json=body)
        await client.post("/login", data=body)
    signed_in = await client.post("/login", json={"username": name, "password": SECRET})
    first = signed_in.json()
    second = (await client.post("/refresh", json={"refresh_token": first["refresh_token"]})).json()
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await client.get("/me", headers=headers)).status_code == 200
    ticket = (await client.post("/ticket", headers=headers)).json()["ticket"]
    reused = await client.post("/refresh", json={"refresh_token": first["refresh_token"]})
    assert reused.status_code == 401
    # The session that the reuse has ended may be denied already, or not yet.
    assert (await client.post("/logout", headers=headers)).status_code in (204, 401)
    return [ticket] + [pair[kind] for pair in (first, second) for kind in pair if "_token" in kind]


async def test_secrets_are_written_nowhere(
    make_database: MakeDatabase, settings: ApiSettings, registration: Any, unused_tcp_port: int
) -> None:
    database_url = await make_database(None)
    migrated = await start("migrate", database_url=database_url)
    assert await migrated.wait() == 0
    encryption_key = settings.key_encryption_key.get_secret_value()
    base_url = f"http://127.0.0.1:{unused_tcp_port}"
    process = await start(
        "api",
        port=str(unused_tcp_port),
        log_level="DEBUG",
        database_url=database_url,
        redis_url=settings.redis_url.get_secret_value(),
        s3_endpoint=str(settings.s3_endpoint),
        s3_access_key=settings.s3_access_key,
        s3_secret_key=settings.s3_secret_key.get_secret_value(),
        key_encryption_key=encryption_key,
        link_sealing_key=settings.link_sealing_key.get_secret_value(),
        argon2_memory_kib="64",
    )
    async with httpx.AsyncClient(base_url=f"{base_url}/api/v1/auth", timeout=30) as client:

        async def ready() -> bool:
            try:
                return (await client.get(f"{base_url}/readyz")).status_code == 200
            except httpx.ConnectError:
                return False

        await eventually(ready)
        checks = (await client.get(f"{base_url}/readyz")).json()["checks"]
        given = await use(client, registration(password=SECRET))
    process.send_signal(signal.SIGTERM)
    output, _ = await process.communicate()
    log, kept = output.decode(), await rows(database_url)

    assert (process.returncode, checks) == (0, {"database": "ok", "redis": "ok"})
    for line in log.splitlines():
        json.loads(line)
    assert '"path": "/api/v1/auth/refresh"' in log
    assert '"event": "refresh token reused"' in log
    hidden = [SECRET, WRONG, encryption_key, "PRIVATE KEY", *given]
    for secret in hidden:
        assert secret not in log
        assert secret not in kept
        assert secret.encode().hex() not in kept


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"key_encryption_key": "not-a-fernet-key"}, "QUIRE_KEY_ENCRYPTION_KEY"),
        ({"key_encryption_key": "ключ", "session_seconds": "-77"}, "QUIRE_SESSION_SECONDS"),
    ],
    ids=str,
)
async def test_a_bad_setting_is_named_and_not_repeated(changes: dict[str, str], named: str) -> None:
    good = {"port": "1", "database_url": "postgresql+asyncpg://x", "jwks_url": "http://x"}
    process = await start("api", **{**good, "key_encryption_key": "A" * 43 + "=", **changes})
    output, _ = await process.communicate()

    assert process.returncode == 2
    assert f"setting {named}: " in output.decode()
    assert not any(value in output.decode() for value in changes.values())
