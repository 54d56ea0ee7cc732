"""Who guesses passwords is slowed down, and nobody is locked out by it."""

import asyncio
import ipaddress
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.audit.models import Action, AuditEntry
from auth.device import Device
from auth.sessions.throttle import ACCOUNT, ADDRESS, _digest, _key
from auth.settings import ApiSettings
from common.database import Sessions
from common.redis import open_redis
from common.testing import serving
from pydantic import SecretStr

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

WRONG = "Wrong-Horse-7"
INVALID, TOO_MANY = (401, "invalid-credentials"), (429, "too-many-attempts")


async def login(
    client: httpx.AsyncClient, username: str, password: str, address: str = ""
) -> httpx.Response:
    headers = {"X-Forwarded-For": address} if address else {}
    body = {"username": username, "password": password}
    return await client.post("/api/v1/auth/login", json=body, headers=headers)


@pytest.fixture(scope="module")
async def ripen(settings: ApiSettings) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Let an account have had as many failures as after an hour: the next one costs a minute."""
    async with aclosing(open_redis(settings)) as redis:

        async def ripen(name: str) -> None:
            await redis.hset(_key(ACCOUNT, _digest(name.casefold())), "count", "20")

        yield ripen


async def failures(sessions: Sessions, person: Any) -> int:
    """Return how many wrong passwords were really checked."""
    query = sa.select(sa.func.count()).where(
        AuditEntry.action == Action.LOGIN_FAILED.value, AuditEntry.user_id == person.user["id"]
    )
    async with sessions() as session:
        return await session.scalar(query) or 0


async def test_after_five_wrong_passwords_even_the_right_one_waits(
    person: Any, problem: ReadProblem
) -> None:
    name = person.user["username"]
    answers = [await login(person.client, name, WRONG) for _ in range(5)]
    assert {problem(answer) for answer in answers} == {INVALID}

    refused = await login(person.client, name.upper(), person.password)
    assert problem(refused) == TOO_MANY
    assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] == 1


async def test_a_name_that_does_not_exist_is_treated_the_same(
    person: Any, problem: ReadProblem
) -> None:
    shown = []
    for name in (person.user["username"], f"n{uuid4().hex}", f"{uuid4().hex}@example.com"):
        answers = [await login(person.client, name, WRONG) for _ in range(6)]
        assert [problem(answer) for answer in answers] == [INVALID] * 5 + [TOO_MANY]
        shown.append([{**answer.json(), "request_id": ""} for answer in answers])

    assert shown[0] == shown[1] == shown[2]


async def test_of_50_guesses_at_once_five_are_checked(
    person: Any, problem: ReadProblem, sessions: Sessions
) -> None:
    name = person.user["username"]
    answers = await asyncio.gather(*(login(person.client, name, WRONG) for _ in range(50)))

    assert Counter(map(problem, answers)) == {INVALID: 5, TOO_MANY: 45}
    assert await failures(sessions, person) == 5


async def test_an_account_waits_for_every_address(
    person: Any, problem: ReadProblem, new_address: Any
) -> None:
    name = person.user["username"]
    for _ in range(5):
        await login(person.client, name, WRONG, new_address())

    refused = await login(person.client, name, person.password, new_address())
    assert problem(refused) == TOO_MANY


async def test_no_way_of_writing_a_name_has_attempts_of_its_own(
    register: Any, problem: ReadProblem
) -> None:
    """PostgreSQL makes "i" of a capital "I" with a dot, Python does not: so it is no "i"."""
    person = await register(username=f"ii{uuid4().hex[:8]}-Kk")
    name = person.user["username"]
    dotted = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
    refused = await login(person.client, name.replace("i", dotted), person.password)
    assert problem(refused) == INVALID

    for _ in range(5):
        await login(person.client, name, WRONG)
    for written in (name.upper(), name.replace("K", "\N{KELVIN SIGN}")):
        waits = await login(person.client, written, person.password)
        assert problem(waits) == TOO_MANY


async def test_no_stranger_locks_the_owner_out(
    person: Any, problem: ReadProblem, new_address: Any, ripen: Any
) -> None:
    name, home, stranger = person.user["username"], new_address(), new_address()
    assert (await login(person.client, name, person.password, home)).status_code == 200
    await ripen(name)
    assert problem(await login(person.client, name, WRONG, stranger)) == INVALID
    assert problem(await login(person.client, name, WRONG, stranger)) == TOO_MANY

    for _ in range(3):
        assert (await login(person.client, name, person.password, home)).status_code == 200
    assert problem(await login(person.client, name, person.password, stranger)) == TOO_MANY
    # What is tried where the owner has been counts there all the same.
    answers = [await login(person.client, name, WRONG, home) for _ in range(6)]
    assert [problem(answer) for answer in answers] == [INVALID] * 5 + [TOO_MANY]


async def test_hammering_makes_nobody_wait_longer(
    person: Any, problem: ReadProblem, sessions: Sessions, ripen: Any
) -> None:
    name = person.user["username"]
    await ripen(name)
    assert problem(await login(person.client, name, WRONG)) == INVALID
    refused = [await login(person.client, name, WRONG) for _ in range(20)]

    assert {problem(answer) for answer in refused} == {TOO_MANY}
    waits = [answer.json()["retry_after"] for answer in refused]
    assert waits[0] <= 60
    assert waits == sorted(waits, reverse=True)
    assert await failures(sessions, person) == 1


async def test_a_success_forgets_the_failures(person: Any, problem: ReadProblem) -> None:
    name = person.user["username"]
    for _ in range(2):
        for _ in range(4):
            assert problem(await login(person.client, name, WRONG)) == INVALID
        assert (await login(person.client, name, person.password)).status_code == 200


async def test_an_address_that_tries_many_accounts_waits(
    client: httpx.AsyncClient, problem: ReadProblem
) -> None:
    """Through the same /64 in many guises: that is what one customer of a provider gets."""
    network = ipaddress.IPv6Address(secrets.randbits(61) << 64 | 0x2001 << 112)
    answers = [
        await login(client, f"n{uuid4().hex}", WRONG, str(network + secrets.randbits(64)))
        for _ in range(ADDRESS.free)
    ]
    assert {problem(answer) for answer in answers} == {INVALID}

    refused = await login(client, f"n{uuid4().hex}", WRONG, str(network + secrets.randbits(64)))
    assert problem(refused) == TOO_MANY
    neighbour = str(network + 2**64)
    assert problem(await login(client, f"n{uuid4().hex}", WRONG, neighbour)) == INVALID


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_a_network_is_what_one_person_controls(address: str, network: str) -> None:
    assert Device(address, "").network == network


async def test_only_the_last_hop_says_where_a_request_comes_from(
    person: Any, problem: ReadProblem, new_address: Any
) -> None:
    name, behind = person.user["username"], new_address()
    await login(person.client, name, person.password, f"{new_address()}, {behind}")
    token = (await person.login())["access_token"]
    _, session = (await person.call("GET", "/sessions", token)).json()

    assert session["address"] == behind


async def test_without_redis_nobody_gets_in_uncounted(
    settings: ApiSettings,
    person: Any,
    problem: ReadProblem,
    sessions: Sessions,
    unused_tcp_port: int,
) -> None:
    away = SecretStr(f"redis://127.0.0.1:{unused_tcp_port}/0")
    async with serving(create_api(settings.model_copy(update={"redis_url": away}))) as url:
        for password in (person.password, WRONG):
            body = {"username": person.user["username"], "password": password}
            answer = await person.client.post(f"{url}/api/v1/auth/login", json=body)
            assert problem(answer) == (503, "service-unavailable")
            assert int(answer.headers["retry-after"]) > 0

    assert await failures(sessions, person) == 0
