"""Somebody is always left who can administer the suite."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from auth.app import create_api
from auth.settings import ApiSettings
from common.database import Sessions, open_database, transaction
from common.testing import serving
from sqlalchemy import text

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

LAST = (409, "last-administrator")


@pytest.fixture
async def sessions(own_settings: ApiSettings) -> AsyncIterator[Sessions]:
    """The database of this module, where nobody is."""
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
        async with transaction(sessions) as session:
            await session.execute(text("DELETE FROM users"))
        yield sessions


@pytest.fixture(scope="module")
async def url(own_settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(own_settings)) as url:
        yield url


async def removals(admin: Any, who: Any) -> list[httpx.Response]:
    """Try everything that would leave the suite without this administrator."""
    path, password = f"/admin/users/{who.id}", {"password": who.person.password}
    attempts = [
        admin.ask("DELETE", f"{path}/roles/admin"),
        admin.ask("POST", f"{path}/deactivate"),
        admin.ask("DELETE", f"/users/{who.id}"),
    ]
    if admin is who:
        attempts.append(admin.ask("DELETE", "/auth/me", password))
    return [await attempt for attempt in attempts]


async def test_the_last_administrator_cannot_be_removed(enroll: Any, problem: ReadProblem) -> None:
    admin, _, _ = await enroll("admin"), await enroll("moderator"), await enroll()

    for refused in await removals(admin, admin):
        assert problem(refused) == LAST
    assert not await admin.is_refused()
    assert (await admin.refresh()).status_code == 200
    assert "admin" in admin.claims["roles"]


async def test_one_who_is_switched_off_does_not_count(enroll: Any, problem: ReadProblem) -> None:
    admin, second = await enroll("admin"), await enroll("admin")
    path = f"/admin/users/{second.id}"
    assert (await admin.ask("POST", f"{path}/deactivate")).status_code == 200

    for refused in await removals(admin, admin):
        assert problem(refused) == LAST
    assert (await admin.ask("DELETE", f"{path}/roles/admin")).status_code == 200
    assert (await admin.ask("POST", f"{path}/roles/admin")).status_code == 200
    assert (await admin.ask("POST", f"{path}/activate")).status_code == 200
    assert (await admin.ask("DELETE", f"/admin/users/{admin.id}/roles/admin")).status_code == 200


@pytest.mark.parametrize("way", range(4))
async def test_with_another_one_everything_goes(enroll: Any, way: int) -> None:
    admin, second = await enroll("admin"), await enroll("admin")
    path, password = f"/admin/users/{admin.id}", {"password": admin.person.password}
    ways: list[tuple[Any, ...]] = [
        (admin, "DELETE", f"{path}/roles/admin"),
        (admin, "POST", f"{path}/deactivate"),
        (second, "DELETE", f"/users/{admin.id}"),
        (admin, "DELETE", "/auth/me", password),
    ]
    by, *attempt = ways[way]

    assert (await by.ask(*attempt)).is_success
    assert (await second.ask("DELETE", f"/admin/users/{second.id}/roles/admin")).status_code == 409


async def test_of_two_who_remove_each_other_one_is_left(enroll: Any, sessions: Sessions) -> None:
    """By every pair of ways, at the same moment."""

    def ways(by: Any, who: Any) -> list[Any]:
        path, password = f"/admin/users/{who.id}", {"password": who.person.password}
        return [
            lambda: by.ask("DELETE", f"{path}/roles/admin"),
            lambda: by.ask("POST", f"{path}/deactivate"),
            lambda: by.ask("DELETE", f"/users/{who.id}"),
            lambda: who.ask("DELETE", "/auth/me", password),
        ]

    for first in range(4):
        for second in range(4):
            async with transaction(sessions) as session:
                await session.execute(text("DELETE FROM users"))
            one, two = await enroll("admin"), await enroll("admin")
            outcomes = await asyncio.gather(ways(one, two)[first](), ways(two, one)[second]())
            left = await administrators(sessions)

            assert len(left) == 1, (first, second)
            assert [each.status_code for each in outcomes if each.is_success] != []
            # The loser was told why not, or was no administrator any more when it was their turn.
            assert {each.status_code for each in outcomes if not each.is_success} <= {401, 403, 409}


async def administrators(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        active = "SELECT user_id::text FROM user_roles JOIN users ON id = user_id WHERE is_active"
        return list(await session.scalars(text(f"{active} AND role = 'admin'")))
