"""`python -m auth` from a shell: the first administrator, new signing keys, and what goes wrong."""

import asyncio
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth import commands
from auth.__main__ import ROLES
from auth.keyring.keyring import Keyring
from auth.keyring.models import SigningKey
from auth.settings import AdminSettings, ApiSettings, KeySettings
from common import cli
from common.database import open_database
from cryptography.fernet import Fernet
from pydantic import SecretStr

Pipe = Callable[[str], None]

PASSWORD = "Correct-Horse-7"


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int | None
    output: str
    errors: str


async def run_command(*arguments: str, typed: str = "", **settings: str) -> Outcome:
    environment = {f"QUIRE_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "auth", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **environment},
    )
    output, errors = await process.communicate(typed.encode())
    return Outcome(process.returncode, output.decode(), errors.decode())


@pytest.fixture
def admin_settings(settings: ApiSettings) -> AdminSettings:
    return AdminSettings.model_validate(
        settings.model_dump(include=set(AdminSettings.model_fields))
    )


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say what comes over a pipe to a command that is called right here."""

    def pipe(typed: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{typed}\n"))

    return pipe


async def test_the_first_administrator_can_sign_in_and_is_verified(
    admin_settings: AdminSettings, client: httpx.AsyncClient
) -> None:
    name = f"boss-{uuid4().hex[:8]}"
    made = await run_command(
        *("create-admin", "--username", name, "--email", f"{name}@Example.COM"),
        typed=f"{PASSWORD}\nnothing more is read\n",
        database_url=admin_settings.database_url.get_secret_value(),
        argon2_memory_kib="64",
    )
    assert (made.code, made.errors) == (0, "")
    assert f"{name} is an administrator." in made.output
    assert PASSWORD not in made.output

    for login in (name, f"{name}@example.com"):
        body = {"username": login, "password": PASSWORD}
        signed_in = (await client.post("/api/v1/auth/login", json=body)).json()
        user = signed_in["user"]
        assert (user["email"], user["email_verified"]) == (f"{name}@example.com", True)
        assert user["roles"] == ["admin", "user"]
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    answer = await client.get(f"/api/v1/admin/audit?user_id={user['id']}", headers=headers)
    log = [(entry["action"], entry["actor_id"]) for entry in answer.json()["items"]]
    assert log[-2:] == [("role.granted", None), ("user.registered", None)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"typed": "secret"}, "Use at least 8 characters. Use an upper-case letter. Use a digit."),
        ({"typed": ""}, "Use at least 8 characters."),
        ({"typed": f"{PASSWORD} or so, boss"}, "Leave out the username."),
        ({"email": "nobody"}, "An email address must have an @-sign."),
        ({"username": "ada@example.com"}, "username: String should match pattern"),
        ({"username": "ab"}, "username: String should have at least 3 characters"),
    ],
    ids=str,
)
def test_who_cannot_be_made_administrator_is_told_in_a_sentence(
    admin_settings: AdminSettings, pipe: Pipe, changes: dict[str, str], sentence: str
) -> None:
    who = {"email": "boss@example.com", "username": "boss", "typed": PASSWORD, **changes}
    pipe(who.pop("typed"))
    with pytest.raises(SystemExit) as ended:
        commands.create_admin(admin_settings, **who)

    said = str(ended.value.code)
    assert said.startswith("No account was made: ")
    assert sentence in said
    assert "\n" not in said
    assert PASSWORD not in said


@pytest.mark.parametrize("taken", ["email", "username"])
async def test_a_name_that_is_taken_is_no_administrators(
    admin_settings: AdminSettings, pipe: Pipe, person: Any, taken: str
) -> None:
    pipe(PASSWORD)
    names = {"email": f"{uuid4().hex}@example.com", "username": f"p{uuid4().hex}"}
    names[taken] = person.user[taken].upper()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(commands.create_admin, admin_settings, **names)

    assert "No account was made: This " in str(ended.value.code)


async def test_keys_are_rotated_from_a_shell(own_settings: ApiSettings) -> None:
    settings = KeySettings.model_validate(
        own_settings.model_dump(include=set(KeySettings.model_fields))
    )
    url = settings.database_url.get_secret_value()
    async with open_database(url) as (_, sessions):
        await Keyring(sessions, settings.vault).open()
        await asyncio.to_thread(commands.rotate_keys, settings, compromised=False)
        async with sessions() as session:
            before = (await session.scalars(sa.select(SigningKey))).all()
        rotated = await run_command(
            *("rotate-keys", "--compromised"),
            database_url=url,
            key_encryption_key=settings.key_encryption_key.get_secret_value(),
        )
        async with sessions() as session:
            after = (await session.scalars(sa.select(SigningKey))).all()

    assert [key.retired_at for key in before] == [None, None]
    assert (rotated.code, rotated.errors) == (0, "")
    assert "The new key is published, and signs at once." in rotated.output
    (new,) = [key.kid for key in after if key.retired_at is None]
    assert new not in {key.kid for key in before}


async def test_no_key_is_made_that_the_processes_could_not_read(own_settings: ApiSettings) -> None:
    url = own_settings.database_url
    other = KeySettings(
        database_url=url, key_encryption_key=SecretStr(Fernet.generate_key().decode())
    )
    async with open_database(url.get_secret_value()) as (_, sessions):
        await Keyring(sessions, own_settings.vault).open()
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(commands.rotate_keys, other, compromised=False)
        await Keyring(sessions, own_settings.vault).open()

    assert "No key was made: QUIRE_KEY_ENCRYPTION_KEY is not the one" in str(ended.value.code)


def test_every_command_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["auth", "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main("auth", **ROLES)
    listed = dict(
        line.strip().split("  ", maxsplit=1)
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("    ")
    )

    assert ended.value.code == 0
    assert listed.keys() == {"api", "worker", "migrate", "create-admin", "rotate-keys"}
    assert all(text.strip().endswith(".") for text in listed.values())


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["rotate-keys"], "auth: setting QUIRE_KEY_ENCRYPTION_KEY: Field required"),
        (["create-admin", "--email", "a@example.com"], "are required: --username"),
        ([], "are required: api | worker | migrate | create-admin | rotate-keys"),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    missing: str,
) -> None:
    monkeypatch.setenv("QUIRE_DATABASE_URL", "postgresql+asyncpg://nobody")
    monkeypatch.delenv("QUIRE_KEY_ENCRYPTION_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["auth", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main("auth", **ROLES)

    assert ended.value.code == 2
    assert missing in capsys.readouterr().err
