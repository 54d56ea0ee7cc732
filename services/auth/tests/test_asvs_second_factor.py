"""What docs/security/asvs.md says of the second factor: no way in goes around it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pyotp
import pytest

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

API = "/api/v1/auth"
LOGIN, TOKEN = f"{API}/login", f"{API}/token"
PASSWORD, NEW = "Correct-Horse-7", "Another-Horse-8"
STEP = 30


@dataclass(frozen=True)
class Owner:
    """Somebody with a second factor, who has used up the code of the present step."""

    person: Any
    totp: pyotp.TOTP
    recovery_codes: list[str]

    def next_code(self) -> str:
        return self.totp.at(int(time.time()) + STEP)

    async def login(self, password: str = PASSWORD) -> httpx.Response:
        body = {"username": self.person.user["username"], "password": password}
        answer: httpx.Response = await self.person.client.post(LOGIN, json=body)
        return answer

    async def verify(self, mfa_token: str, code: str) -> httpx.Response:
        body = {"mfa_token": mfa_token, "code": code}
        answer: httpx.Response = await self.person.client.post(f"{API}/mfa/verify", json=body)
        return answer


@pytest.fixture
async def owner(register: Any) -> Owner:
    person = await register(password=PASSWORD)
    token = (await person.login())["access_token"]
    body = {"password": PASSWORD}
    setup = (await person.call("POST", "/mfa/totp", token, json=body)).json()
    totp = pyotp.TOTP(setup["secret"])
    code = {"code": totp.now()}
    confirmed = (await person.call("POST", "/mfa/totp/confirm", token, json=code)).json()
    return Owner(person, totp, confirmed["recovery_codes"])


@pytest.mark.parametrize(
    ("path", "kind"),
    [(LOGIN, "json"), (LOGIN, "data"), (f"{LOGIN}?cookies=true", "json"), (TOKEN, "data")],
)
async def test_every_way_in_with_a_password_asks_for_the_second_factor(
    owner: Owner, path: str, kind: str
) -> None:
    person = owner.person
    body = {"username": person.user["username"], "password": person.password}
    sent: dict[str, Any] = {kind: {"grant_type": "password", **body} if kind == "data" else body}
    answer = await person.client.post(path, **sent)

    assert answer.status_code == (400 if path == TOKEN else 401)
    assert answer.json()["mfa_token"]
    assert answer.json().keys().isdisjoint({"access_token", "refresh_token", "csrf_token"})
    assert "set-cookie" not in answer.headers
    signed_in = await owner.verify(answer.json()["mfa_token"], owner.next_code())
    assert signed_in.json()["user"] == person.user


async def test_a_reset_of_the_password_does_not_go_around_the_second_factor(
    owner: Owner, mailed: Any, problem: ReadProblem
) -> None:
    person = owner.person
    address = {"email": person.user["email"]}
    await person.client.post(f"{API}/password/reset-request", json=address)
    (link,) = await mailed("user.password_reset_requested", person.user["email"])
    body = {"token": link, "password": NEW, "password_confirm": NEW}
    reset = await person.client.post(f"{API}/password/reset", json=body)

    assert (reset.status_code, reset.content) == (204, b"")
    assert "set-cookie" not in reset.headers
    assert problem(await owner.login(NEW)) == (401, "mfa-required")


async def test_who_lost_the_authenticator_needs_a_recovery_code_and_the_password(
    owner: Owner, problem: ReadProblem
) -> None:
    """And with both may set up another one, which asked for the password as well."""
    person = owner.person
    waiting = (await owner.login()).json()["mfa_token"]
    signed_in = await owner.verify(waiting, owner.recovery_codes[0])
    token = signed_in.json()["access_token"]
    for password, status in (("Wrong-Horse-9", 403), (person.password, 204)):
        body = {"password": password, "code": owner.recovery_codes[1]}
        answer = await person.call("DELETE", "/mfa/totp", token, json=body)
        assert answer.status_code == status

    # The codes of the authenticator that is gone are worth nothing any more.
    again = await owner.verify(waiting, owner.recovery_codes[2])
    assert problem(again) == (401, "invalid-code")
