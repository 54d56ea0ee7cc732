"""The second factor: setting it up, signing in with it, and being rid of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from auth.mfa.models import Authenticator
from common.database import Sessions, transaction
from common.testing import eventually
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

API = "/api/v1/auth"
STEP = 30
INVALID_CODE, INVALID_TOKEN = (401, "invalid-code"), (401, "invalid-mfa-token")


@dataclass(frozen=True)
class Protected:
    """Somebody with a second factor, which was confirmed with the code of this step."""

    person: Any
    totp: pyotp.TOTP
    recovery_codes: list[str]

    async def begin(self, **query: str) -> httpx.Response:
        """Sign in with the password alone."""
        body = {"username": self.person.user["username"], "password": self.person.password}
        answer: httpx.Response = await self.person.client.post(
            f"{API}/login", json=body, params=query
        )
        return answer

    async def mfa_token(self) -> str:
        return str((await self.begin()).json()["mfa_token"])

    async def verify(self, code: str, mfa_token: str = "", **query: str) -> httpx.Response:
        body = {"mfa_token": mfa_token or await self.mfa_token(), "code": code}
        answer: httpx.Response = await self.person.client.post(
            f"{API}/mfa/verify", json=body, params=query
        )
        return answer

    def code(self, seconds: int = STEP) -> str:
        """Return the code of another moment; by default of the next step, as none was used yet."""
        return self.totp.at(int(time.time()) + seconds)


async def protect(person: Any) -> Protected:
    token = (await person.login())["access_token"]
    setup = await person.call("POST", "/mfa/totp", token, json={"password": person.password})
    totp = pyotp.TOTP(setup.json()["secret"])
    code = {"code": totp.now()}
    confirmed = await person.call("POST", "/mfa/totp/confirm", token, json=code)
    return Protected(person, totp, confirmed.json()["recovery_codes"])


@pytest.fixture
async def protected(person: Any) -> Protected:
    return await protect(person)


async def test_a_login_takes_the_password_and_a_code(
    protected: Protected, problem: ReadProblem
) -> None:
    asked = await protected.begin()
    assert problem(asked) == (401, "mfa-required")
    assert asked.headers["cache-control"] == "no-store"
    assert asked.json()["expires_in"] == 300
    assert "access_token" not in asked.json()

    signed_in = await protected.verify(protected.code(), asked.json()["mfa_token"])
    answer = signed_in.json()
    assert answer["user"] == protected.person.user
    me = await protected.person.call("GET", "/me", answer["access_token"])
    assert me.json() == protected.person.user
    assert (await protected.person.refresh(answer["refresh_token"])).status_code == 200


async def test_a_browser_gets_its_cookies_after_the_code(protected: Protected) -> None:
    asked = await protected.begin(cookies="true")
    assert "set-cookie" not in asked.headers
    signed_in = await protected.verify(protected.code(), asked.json()["mfa_token"], cookies="true")

    assert len(signed_in.headers.get_list("set-cookie")) == 3
    assert signed_in.json().keys() == {"csrf_token", "expires_in", "user"}


async def test_oauth_clients_are_asked_too(protected: Protected) -> None:
    person = protected.person
    form = {"username": person.user["username"], "password": person.password}
    asked = await person.client.post(f"{API}/token", data={"grant_type": "password", **form})
    body = asked.json()

    assert (asked.status_code, body["error"]) == (400, "mfa_required")
    assert asked.headers["cache-control"] == "no-store"
    assert (await protected.verify(protected.code(), body["mfa_token"])).status_code == 200


async def test_a_code_works_once(protected: Protected, problem: ReadProblem) -> None:
    setup_code, code = protected.totp.now(), protected.code()
    assert problem(await protected.verify(setup_code)) == INVALID_CODE
    assert (await protected.verify(code)).status_code == 200
    assert problem(await protected.verify(code)) == INVALID_CODE
    # Nor does any of before.
    assert problem(await protected.verify(setup_code)) == INVALID_CODE


async def test_a_clock_may_be_wrong_by_one_step(
    protected: Protected, sessions: Sessions, problem: ReadProblem
) -> None:
    async def early() -> bool:
        return time.time() % STEP < STEP - 3  # so that the step does not end meanwhile

    await eventually(early)
    for steps, accepted in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        async with transaction(sessions) as session:
            owner = UUID(protected.person.user["id"])
            (await session.get_one(Authenticator, owner)).last_step = 0
        answer = await protected.verify(protected.code(steps * STEP))
        assert answer.status_code == 200 if accepted else problem(answer) == INVALID_CODE


@pytest.mark.parametrize("kind", ["authenticator", "recovery"])
async def test_of_many_with_the_same_code_one_gets_in(protected: Protected, kind: str) -> None:
    token = await protected.mfa_token()
    code = protected.code() if kind == "authenticator" else protected.recovery_codes[0]
    answers = await asyncio.gather(*(protected.verify(code, token) for _ in range(20)))
    statuses = Counter(answer.status_code for answer in answers)

    assert statuses[200] == 1
    assert statuses.keys() <= {200, 401, 429}


async def test_who_guesses_codes_waits(
    protected: Protected, register: Any, problem: ReadProblem, new_address: Any
) -> None:
    token = await protected.mfa_token()
    answers = [await protected.verify("000 000", token) for _ in range(5)]
    assert {problem(answer) for answer in answers} == {INVALID_CODE}

    # It is the user that waits, so another address or another token does not help.
    protected.person.client.headers["X-Forwarded-For"] = new_address()
    waits = await protected.verify(protected.code(), token)
    assert problem(waits) == (429, "too-many-attempts")
    assert int(waits.headers["retry-after"]) > 0
    assert (await (await register()).login())["access_token"]


@pytest.mark.parametrize(
    "typed", [str, str.upper, lambda c: c.replace("-", ""), lambda c: c.replace("-", " ")]
)
async def test_a_recovery_code_works_once_however_it_is_typed(
    protected: Protected, problem: ReadProblem, typed: Callable[[str], str]
) -> None:
    code = protected.recovery_codes[3]
    assert (await protected.verify(typed(code))).status_code == 200
    assert problem(await protected.verify(code)) == INVALID_CODE
    assert (await protected.verify(protected.recovery_codes[4])).status_code == 200


async def test_a_recovery_code_is_of_no_use_to_another(
    protected: Protected, register: Any, problem: ReadProblem
) -> None:
    other = await protect(await register())

    assert problem(await protected.verify(other.recovery_codes[0])) == INVALID_CODE
    assert (await other.verify(other.recovery_codes[0])).status_code == 200


async def test_the_secrets_are_not_readable_in_the_database(
    protected: Protected, sessions: Sessions
) -> None:
    async with sessions() as session:
        for table in ("authenticators", "recovery_codes"):
            rows = (await session.scalars(sa.text(f"SELECT t::text FROM {table} t"))).all()
            kept = "\n".join(rows)
            assert protected.person.user["id"] in kept
            for secret in (protected.totp.secret, *protected.recovery_codes):
                for form in (secret, secret.replace("-", "")):
                    assert form not in kept
                    assert form.encode().hex() not in kept


async def test_the_first_step_gives_no_token_for_anything_else(
    protected: Protected, problem: ReadProblem
) -> None:
    mfa_token = await protected.mfa_token()
    for path in ("/me", "/sessions"):
        refused = await protected.person.call("GET", path, mfa_token)
        assert problem(refused) == (401, "unauthorized")
    signed_in = (await protected.verify(protected.code(), mfa_token)).json()
    ticket = await protected.person.call("POST", "/ticket", signed_in["access_token"])

    for other in (
        signed_in["access_token"],
        signed_in["refresh_token"],
        ticket.json()["ticket"],
        "a.b.c",
        mfa_token[:-4] + "AAAA",
    ):
        refused = await protected.verify(protected.recovery_codes[0], other)
        assert problem(refused) == INVALID_TOKEN


async def test_the_first_step_is_good_for_five_minutes(
    protected: Protected, keyring: Any, problem: ReadProblem
) -> None:
    claims = jwt.get_unverified_claims(await protected.mfa_token())
    assert claims["exp"] - claims["iat"] == 300
    expired = keyring.sign({**claims, "exp": int(time.time()) - 11}, kind="mfa+jwt")
    refused = await protected.verify(protected.recovery_codes[0], expired)

    assert problem(refused) == INVALID_TOKEN


async def test_to_switch_it_off_takes_the_password_and_a_code(
    protected: Protected, problem: ReadProblem, sessions: Sessions
) -> None:
    person = protected.person
    token = (await protected.verify(protected.code())).json()["access_token"]
    wrong = await person.call("DELETE", "/mfa/totp", token, json={"password": "Wrong-Horse-7"})
    assert problem(wrong) == (403, "wrong-password")
    assert problem(await protected.begin()) == (401, "mfa-required")
    right = {"password": person.password}
    codeless = await person.call("DELETE", "/mfa/totp", token, json=right)
    assert problem(codeless) == (403, "code-required")
    guessed = await person.call("DELETE", "/mfa/totp", token, json={**right, "code": "000000"})
    assert problem(guessed) == (403, "wrong-code")

    waiting = await protected.mfa_token()
    right["code"] = protected.recovery_codes[1]
    off = await person.call("DELETE", "/mfa/totp", token, json=right)
    assert (off.status_code, off.content) == (204, b"")
    assert (await person.login())["user"] == person.user
    code = await protected.verify(protected.recovery_codes[0], waiting)
    assert problem(code) == INVALID_CODE
    async with sessions() as session:
        query = sa.text("SELECT count(*) FROM recovery_codes WHERE user_id = :id")
        assert await session.scalar(query, {"id": UUID(person.user["id"])}) == 0
    again = await person.call("DELETE", "/mfa/totp", token, json=right)
    assert problem(again) == (409, "mfa-not-set-up")
