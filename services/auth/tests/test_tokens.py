"""Attacks on the tokens of auth, at auth itself: each ends in a 401."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from auth.keyring.keyring import Keyring
from common.testing import TokenIssuer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwk, jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]
Refused = Callable[[str], Awaitable[None]]


def encoded(part: bytes | dict[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
async def token(person: Any) -> str:
    return str((await person.login())["access_token"])


@pytest.fixture
def claims(token: str) -> dict[str, Any]:
    return jwt.get_unverified_claims(token)


@pytest.fixture
def refused(person: Any, problem: ReadProblem) -> Refused:
    async def refused(token: str) -> None:
        for method, path in (("GET", "/me"), ("POST", "/ticket")):
            response = await person.call(method, path, token)
            assert problem(response) == (401, "unauthorized")
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'

    return refused


async def test_the_attacks_start_from_a_good_token(
    person: Any, keyring: Keyring, token: str, claims: dict[str, Any]
) -> None:
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": keyring.public[0]["kid"]}
    assert claims.keys() == {
        "iss",
        "aud",
        "sub",
        "sid",
        "jti",
        "iat",
        "exp",
        "ver",
        "roles",
        "permissions",
    }
    assert (claims["iss"], claims["aud"]) == ("quire-auth", "quire")
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (person.user["id"], 900)
    for good in (token, keyring.sign(claims, kind="at+jwt")):
        assert (await person.call("GET", "/me", good)).json() == person.user


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES384", ""])
async def test_the_algorithm_is_pinned(refused: Refused, token: str, alg: str) -> None:
    _, payload, signature = token.split(".")
    header = encoded({**jwt.get_unverified_header(token), "alg": alg})
    for attempt in (f"{header}.{payload}.{signature}", f"{header}.{payload}."):
        await refused(attempt)


async def test_the_public_key_is_no_hmac_secret(
    refused: Refused, keyring: Keyring, token: str
) -> None:
    public: Any = jwk.construct(dict(keyring.public[0]), "ES256")
    der = public.prepared_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    header = encoded({**jwt.get_unverified_header(token), "alg": "HS256"})
    signed = f"{header}.{token.split('.')[1]}"
    for secret in (public.to_pem(), der, b""):
        await refused(f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}")


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)], ids=len)
async def test_a_made_up_signature_is_none(refused: Refused, token: str, signature: bytes) -> None:
    await refused(f"{token.rsplit('.', 1)[0]}.{encoded(signature)}")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "elsewhere"},
        {"aud": ["elsewhere"]},
        {"exp": 1},
        {"exp": -1},
        {"exp": "soon"},
        {"exp": None},
        {"iat": "x"},
        {"nbf": 99_999_999_999},
        {"sub": "not-a-uuid"},
        {"sub": None},
        {"sid": None},
    ],
    ids=str,
)
async def test_a_claim_that_is_wrong_is_refused_though_signed(
    refused: Refused, keyring: Keyring, claims: dict[str, Any], changes: dict[str, Any]
) -> None:
    await refused(keyring.sign({**claims, **changes}, kind="at+jwt"))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "jti", "iat", "exp"])
async def test_every_claim_is_required(
    refused: Refused, keyring: Keyring, claims: dict[str, Any], claim: str
) -> None:
    del claims[claim]
    await refused(keyring.sign(claims, kind="at+jwt"))


@pytest.mark.parametrize("age", [11, 3600])
async def test_an_expired_token_is_refused(
    refused: Refused, keyring: Keyring, claims: dict[str, Any], age: int
) -> None:
    await refused(keyring.sign({**claims, "exp": int(time.time()) - age}, kind="at+jwt"))


@pytest.mark.parametrize("kind", ["ticket+jwt", "JWT", "at+JWT", "application/at+jwt", ""])
async def test_a_token_of_another_kind_is_refused(
    refused: Refused, keyring: Keyring, claims: dict[str, Any], kind: str
) -> None:
    await refused(keyring.sign(claims, kind=kind))


async def test_a_ticket_is_no_access_token(person: Any, refused: Refused, token: str) -> None:
    await refused((await person.call("POST", "/ticket", token)).json()["ticket"])


async def test_a_refresh_token_is_no_access_token(person: Any, refused: Refused) -> None:
    await refused((await person.login())["refresh_token"])


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1 --", "http://127.0.0.1/", "", None])
async def test_keys_come_from_our_own_set_only(
    refused: Refused, issuer: TokenIssuer, claims: dict[str, Any], kid: str | None
) -> None:
    """The thief signs with a key of their own, and says where to find it."""
    own = {"jwk": issuer.jwks["keys"][0], "jku": issuer.jwks_url, "x5u": issuer.jwks_url}
    headers = {"typ": "at+jwt", "kid": kid, **own}
    await refused(jwt.encode(claims, issuer.private_key, "ES256", headers=headers))


async def test_our_key_id_is_not_our_signature(
    refused: Refused, issuer: TokenIssuer, keyring: Keyring, claims: dict[str, Any]
) -> None:
    headers = {"typ": "at+jwt", "kid": keyring.public[0]["kid"]}
    await refused(jwt.encode(claims, issuer.private_key, "ES256", headers=headers))


@pytest.mark.parametrize("token", [".", "..", "a.b.c", "x" * 9000], ids=len)
async def test_garbage_is_refused(refused: Refused, token: str) -> None:
    await refused(token)


async def test_who_is_gone_is_not_signed_in(
    refused: Refused, person: Any, problem: ReadProblem, keyring: Keyring, claims: dict[str, Any]
) -> None:
    stranger = keyring.sign({**claims, "sub": str(uuid4())}, kind="at+jwt")

    assert problem(await person.call("GET", "/me", stranger)) == (401, "unauthorized")
