"""Setting the second factor up."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pyotp

ReadProblem = Callable[[httpx.Response], tuple[int, str]]


async def set_up(person: Any, token: str) -> dict[str, str]:
    body = {"password": person.password}
    answer = await person.call("POST", "/mfa/totp", token, json=body)
    assert answer.status_code == 200, answer.text
    setup: dict[str, str] = answer.json()
    return setup


async def confirm(person: Any, token: str, code: str) -> httpx.Response:
    body = {"code": code}
    answer: httpx.Response = await person.call("POST", "/mfa/totp/confirm", token, json=body)
    return answer


async def test_it_is_set_up_with_the_password_and_confirmed_with_a_code(
    person: Any, problem: ReadProblem
) -> None:
    token = (await person.login())["access_token"]
    nothing = await confirm(person, token, "123456")
    assert problem(nothing) == (409, "mfa-not-set-up")
    wrong = await person.call("POST", "/mfa/totp", token, json={"password": "Wrong-Horse-7"})
    assert problem(wrong) == (403, "wrong-password")

    first, second = await set_up(person, token), await set_up(person, token)
    uri = pyotp.parse_uri(second["otpauth_uri"])
    assert (uri.secret, uri.issuer, uri.name) == (second["secret"], "Quire", person.user["email"])
    assert second["qr_svg"].startswith("<svg ")
    assert "<script" not in second["qr_svg"]
    assert (await person.login())["user"] == person.user  # not before it is confirmed

    replaced = await confirm(person, token, pyotp.TOTP(first["secret"]).now())
    assert problem(replaced) == (422, "code-refused")
    code = pyotp.TOTP(second["secret"]).now()
    confirmed = await confirm(person, token, f"{code[:3]} {code[3:]}")
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert confirmed.headers["cache-control"] == "no-store"

    renewed = {"password": person.password, "code": codes[0]}
    for path, body in (("", renewed), ("/confirm", {"code": code})):
        again = await person.call("POST", f"/mfa/totp{path}", token, json=body)
        assert problem(again) == (409, "mfa-already-on")


async def test_to_set_it_up_many_times_at_once_breaks_nothing(person: Any) -> None:
    token = (await person.login())["access_token"]
    setups = await asyncio.gather(*(set_up(person, token) for _ in range(5)))

    codes = [pyotp.TOTP(setup["secret"]).now() for setup in setups]
    confirmed = [(await confirm(person, token, code)).status_code for code in codes]
    assert confirmed.count(200) == 1
