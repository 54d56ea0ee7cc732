"""What the verifier lets through, and the attacks it does not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from common import security
from common.errors import Unauthorized, Unavailable
from common.keys import published_at
from common.security import STREAM_TICKET, TokenVerifier, User
from common.testing import TokenIssuer
from jose import jwt

USER = uuid4()


@pytest.fixture(scope="module")
async def verifier(issuer: TokenIssuer) -> AsyncIterator[TokenVerifier]:
    async with aiohttp.ClientSession() as http:
        keys = published_at(http, issuer.jwks_url)
        yield TokenVerifier(keys, issuer="quire-auth", audience="quire")


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(issuer: TokenIssuer, **header: object) -> str:
    """Return a valid token whose header, and so its signature, is no longer right."""
    _, payload, signature = issuer.token(USER).split(".")
    original = {"alg": "ES256", "typ": "at+jwt", "kid": issuer.kid}
    return ".".join((encoded({**original, **header}), payload, signature))


async def test_a_valid_token_says_who_is_asking(
    verifier: TokenVerifier, issuer: TokenIssuer
) -> None:
    user = await verifier.verify(issuer.token(USER))

    assert user.id == USER
    assert user.expires_at > time.time()


async def test_a_kind_is_not_another_kind(verifier: TokenVerifier, issuer: TokenIssuer) -> None:
    ticket = issuer.token(USER, kind=STREAM_TICKET)

    assert (await verifier.verify(ticket, kind=STREAM_TICKET)).id == USER
    for token, kind in ((ticket, "at+jwt"), (issuer.token(USER), STREAM_TICKET)):
        with pytest.raises(Unauthorized):
            await verifier.verify(token, kind=kind)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "elsewhere"},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": "x"},
        {"nbf": 99_999_999_999},
        {"sub": "not-a-uuid"},
        {"sub": None},
        {"sid": None},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(
    verifier: TokenVerifier, issuer: TokenIssuer, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(issuer.token(USER, **changes))


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti", "sub"])
async def test_every_claim_is_required(
    verifier: TokenVerifier, issuer: TokenIssuer, claim: str
) -> None:
    claims = jwt.get_unverified_claims(issuer.token(USER))
    del claims[claim]
    headers = {"typ": "at+jwt", "kid": issuer.kid}
    token = jwt.encode(claims, issuer.private_key, "ES256", headers=headers)

    with pytest.raises(Unauthorized):
        await verifier.verify(token)


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES384", "", None, 1])
async def test_the_algorithm_is_pinned(
    verifier: TokenVerifier, issuer: TokenIssuer, alg: object
) -> None:
    token = forged(issuer, alg=alg)
    for attempt in (token, token.rsplit(".", 1)[0] + "."):
        with pytest.raises(Unauthorized):
            await verifier.verify(attempt)


async def test_the_public_key_is_no_hmac_secret(
    verifier: TokenVerifier, issuer: TokenIssuer
) -> None:

    payload = issuer.token(USER).split(".")[1]
    signed = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': issuer.kid})}.{payload}"
    digest = hmac.digest(issuer.public_key.encode(), signed.encode(), hashlib.sha256)
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    with pytest.raises(Unauthorized):
        await verifier.verify(f"{signed}.{signature}")


async def test_a_zero_signature_is_no_signature(
    verifier: TokenVerifier, issuer: TokenIssuer
) -> None:
    """CVE-2022-21449: r = s = 0 satisfied careless verifiers."""
    signed, _ = issuer.token(USER).rsplit(".", 1)
    zero = base64.urlsafe_b64encode(bytes(64)).rstrip(b"=").decode()

    with pytest.raises(Unauthorized):
        await verifier.verify(f"{signed}.{zero}")


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1 --", "http://127.0.0.1/", "", None, 7])
async def test_keys_come_from_our_own_set_only(
    verifier: TokenVerifier, issuer: TokenIssuer, kid: object
) -> None:
    own_key = {"jwk": issuer.jwks["keys"][0], "jku": issuer.jwks_url, "x5u": issuer.jwks_url}

    with pytest.raises(Unauthorized):
        await verifier.verify(forged(issuer, kid=kid, **own_key))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 1_000_000, "é.é.é"])
async def test_garbage_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


async def test_without_keys_nobody_is_told_that_the_token_is_bad(issuer: TokenIssuer) -> None:
    async with aiohttp.ClientSession() as http:
        keys = published_at(http, "http://127.0.0.1:9/none")
        verifier = TokenVerifier(keys, issuer="quire-auth", audience="quire")
        with pytest.raises(Unavailable):
            await verifier.verify(issuer.token(USER))


class Denied:
    """Denies the tokens of some users."""

    def __init__(self) -> None:
        self.users: set[UUID] = set()

    def denies(self, token: User) -> bool:
        return token.id in self.users


def verifying(issuer: TokenIssuer, denylist: Denied | None = None) -> TokenVerifier:
    async def keys() -> list[dict[str, Any]]:
        return issuer.jwks["keys"]

    return TokenVerifier(keys, issuer="quire-auth", audience="quire", denylist=denylist)


async def test_a_token_that_is_denied_is_refused_even_if_it_was_just_verified(
    issuer: TokenIssuer,
) -> None:
    denied = Denied()
    verifier = verifying(issuer, denied)
    token = issuer.token(USER)
    await verifier.verify(token)
    denied.users.add(USER)

    with pytest.raises(Unauthorized):
        await verifier.verify(token)
    denied.users.clear()
    assert (await verifier.verify(token)).id == USER


async def test_a_token_that_runs_out_is_refused_even_if_it_was_just_verified(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = verifying(issuer)
    token = issuer.token(USER, exp=int(time.time()) + 30)
    await verifier.verify(token)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 45)

    with pytest.raises(Unauthorized, match="run out"):
        await verifier.verify(token)


async def test_what_was_verified_for_one_kind_is_not_for_another(issuer: TokenIssuer) -> None:
    verifier = verifying(issuer)
    ticket = issuer.token(USER, kind=STREAM_TICKET)
    await verifier.verify(ticket, kind=STREAM_TICKET)

    with pytest.raises(Unauthorized):
        await verifier.verify(ticket)


async def test_only_so_many_tokens_are_remembered(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "_CACHE_TOKENS", 10)
    verifier = verifying(issuer)
    for _ in range(30):
        await verifier.verify(issuer.token(USER))
        with pytest.raises(Unauthorized):
            await verifier.verify(issuer.token(USER, exp=1))

    assert len(verifier._verified) == 10
