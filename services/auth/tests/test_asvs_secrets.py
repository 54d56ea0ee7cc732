"""What docs/security/asvs.md says of secrets that are made by chance: nobody can guess the next.

Whoever can make chance repeat itself would get the same secrets again, unless they come from the
operating system, where nobody can.
"""

import random
import re
import time
from typing import Any

import pyotp

_256_BITS = r"[\w-]{43}"
_CODE = "[2-9a-hjkmnp-tv-z]{4}"
SHAPES = {
    "refresh token": _256_BITS,
    "mailed link": _256_BITS,
    "API key": f"quire_{_256_BITS}",
    "authenticator": "[A-Z2-7]{32}",
    "recovery code": "-".join([_CODE] * 6),
}


async def secrets_of(person: Any, mailed: Any) -> dict[str, str]:
    signed_in = await person.login()
    token = signed_in["access_token"]
    (link,) = await mailed("user.registered", person.user["email"])
    key = {"name": "scanner", "scopes": ["documents:read"]}
    api_key = (await person.call("POST", "/api-keys", token, json=key)).json()["key"]
    password = {"password": person.password}
    authenticator = (await person.call("POST", "/mfa/totp", token, json=password)).json()["secret"]
    code = {"code": pyotp.TOTP(authenticator).at(int(time.time()))}
    confirmed = (await person.call("POST", "/mfa/totp/confirm", token, json=code)).json()
    return {
        "refresh token": signed_in["refresh_token"],
        "mailed link": link,
        "API key": api_key,
        "authenticator": authenticator,
        "recovery code": confirmed["recovery_codes"][0],
    }


async def test_no_secret_repeats_itself_when_chance_does(register: Any, mailed: Any) -> None:
    people = [await register() for _ in range(3)]
    state = random.getstate()
    seen = []
    for person in people:
        random.setstate(state)
        seen.append(await secrets_of(person, mailed))

    for name, shape in SHAPES.items():
        secrets = {each[name] for each in seen}
        assert len(secrets) == 3
        assert all(re.fullmatch(shape, secret) for secret in secrets)
