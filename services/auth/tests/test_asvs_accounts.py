"""What docs/security/asvs.md says of accounts and passwords, where no other test shows it."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from auth.__main__ import MIGRATIONS
from auth.app import ROUTERS, create_api
from auth.passwords.errors import WeakPassword
from auth.passwords.policy import _COMMON, PasswordPolicy, require_strong
from auth.settings import ApiSettings
from auth.users.models import User
from common.database import Sessions, open_database, transaction
from common.testing import MakeDatabase
from fastapi.routing import APIRoute

PAGE = Path(__file__).parents[3] / "docs/security/asvs.md"


async def test_a_new_suite_has_no_account(make_database: MakeDatabase) -> None:
    async with (
        open_database(await make_database(MIGRATIONS)) as (_, sessions),
        sessions() as session,
    ):
        assert (await session.scalars(sa.select(User))).all() == []


async def test_a_password_does_not_grow_old(person: Any, sessions: Sessions) -> None:
    long_ago = sa.text("now() - interval '10 years'")
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(User)
            .where(User.id == UUID(person.user["id"]))
            .values(created_at=long_ago, last_login_at=long_ago)
        )

    assert (await person.login())["user"]["id"] == person.user["id"]


def errors_of(problem: WeakPassword) -> Any:
    return problem.members["errors"]


def test_more_than_3000_passwords_fail_for_nothing_but_being_common() -> None:
    common = [
        re.sub("[a-z]", lambda letter: letter[0].upper(), password, count=1)
        for password in _COMMON
        if len(password) >= 8
        and re.search("[0-9]", password)
        and re.search("[a-z].*[a-z]", password)
    ]
    assert len(common) > 3000
    for password in common:
        with pytest.raises(WeakPassword) as refusal:
            require_strong(password, username="nobody-at-all", policy=PasswordPolicy.CLASSIC)
        assert [error["type"] for error in errors_of(refusal.value)] == ["too-common"]


async def test_nobody_is_asked_for_a_hint_or_a_secret_question(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    fields = {name for schema in schemas.values() for name in schema.get("properties", {})}

    assert {"password", "current_password"} <= fields
    assert not any(re.search("hint|question|answer|birth|maiden|pet", name) for name in fields)


async def test_password_fields_hide_what_is_typed_and_welcome_password_managers(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/api/v1/auth/password/reset")).text
    script = (await client.get("/api/v1/auth/pages/page.js")).text
    fields = re.findall(r"<input[^>]*password[^>]*>", page)

    assert len(fields) == 2
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="new-password"' in field
    for handler in ("paste", "contextmenu", "keydown", "beforeinput"):
        assert handler not in page + script


def test_every_way_in_is_written_down(settings: ApiSettings) -> None:
    """What answers without an access token is in the page's list of the ways in, and no more."""
    paths: dict[str, dict[str, Any]] = create_api(settings).openapi()["paths"]
    described = {
        f"{method.upper()} {path}": "security" in operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    served = {
        f"{method} {route.path}"
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    section = PAGE.read_text().partition("### The ways in")[2].partition("\n### ")[0]

    assert described.keys() < served
    assert {name for name in served if not described.get(name)} == set(
        re.findall(r"`([A-Z]+ /[^`]*)`", section)
    )
