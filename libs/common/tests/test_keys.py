"""Which keys a token may be signed with, and when the issuer is asked for them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from common import keys
from common.errors import Unauthorized, Unavailable
from common.security import TokenVerifier
from common.testing import TokenIssuer

USER = uuid4()


class Issuers:
    """What several issuers publish together, and how often they were asked."""

    def __init__(self, *issuers: TokenIssuer) -> None:
        self.current = list(issuers)
        self.asked = 0
        self.fails = False

    async def keys(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.fails:
            raise Unavailable
        return [issuer.jwks["keys"][0] for issuer in self.current]

    def verifier(self) -> TokenVerifier:
        return TokenVerifier(self.keys, issuer="quire-auth", audience="quire")


@pytest.fixture
def minutes_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_REFETCH_SECONDS", -1)
    monkeypatch.setattr(keys, "_FAILURE_SECONDS", -1)


async def test_keys_are_fetched_once_for_all_who_wait() -> None:
    issuer = TokenIssuer()
    issuers = Issuers(issuer)
    verifier = issuers.verifier()
    await asyncio.gather(*(verifier.verify(issuer.token(USER)) for _ in range(20)))

    assert issuers.asked == 1


async def test_an_unknown_key_asks_at_most_once_a_minute() -> None:
    known, unknown = TokenIssuer(), TokenIssuer()
    issuers = Issuers(known)
    verifier = issuers.verifier()
    for _ in range(20):
        with pytest.raises(Unauthorized):
            await verifier.verify(unknown.token(USER))

    assert (await verifier.verify(known.token(USER))).id == USER
    assert issuers.asked == 1


@pytest.mark.usefixtures("minutes_pass")
async def test_a_key_is_rotated_in_and_out() -> None:
    old, new = TokenIssuer(), TokenIssuer()
    issuers = Issuers(old)
    verifier = issuers.verifier()
    await verifier.verify(old.token(USER))

    issuers.current = [old, new]
    await verifier.verify(new.token(USER))
    await verifier.verify(old.token(USER))
    assert issuers.asked == 2, "whoever is known asks for nothing"

    issuers.current = [new]
    await verifier.refresh()
    await verifier.verify(new.token(USER))
    with pytest.raises(Unauthorized):
        await verifier.verify(old.token(USER))


@pytest.mark.usefixtures("minutes_pass")
async def test_known_keys_hold_while_the_issuer_is_away() -> None:
    known, unknown = TokenIssuer(), TokenIssuer()
    issuers = Issuers(known)
    verifier = issuers.verifier()
    await verifier.verify(known.token(USER))

    issuers.fails = True
    assert (await verifier.verify(known.token(USER))).id == USER
    with pytest.raises(Unavailable):
        await verifier.verify(unknown.token(USER))


async def test_an_issuer_that_is_away_is_not_asked_by_everybody() -> None:
    issuers = Issuers()
    issuers.fails = True
    verifier = issuers.verifier()
    token = TokenIssuer().token(USER)
    answers = await asyncio.gather(
        *(verifier.verify(token) for _ in range(20)), return_exceptions=True
    )

    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert issuers.asked == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"crv": None},
        {"x": "AA"},
        {"x": ""},
        {"x": None},
        {"y": "!"},
        {"kid": ["a", "list"]},
    ],
    ids=str,
)
async def test_keys_that_cannot_be_read_are_an_outage(change: dict[str, Any]) -> None:
    """Nobody is told that a token is bad because our own keys are."""
    issuer = TokenIssuer()
    issuer.jwks["keys"][0].update(change)

    with pytest.raises(Unavailable):
        await Issuers(issuer).verifier().verify(issuer.token(USER))


@pytest.mark.parametrize("missing", ["kid", "kty", "crv", "x", "y"])
async def test_keys_that_lack_something_are_an_outage(missing: str) -> None:
    issuer = TokenIssuer()
    del issuer.jwks["keys"][0][missing]

    with pytest.raises(Unavailable):
        await Issuers(issuer).verifier().verify(issuer.token(USER))


async def test_a_withdrawn_key_is_noticed_without_a_new_one_being_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "_MAX_AGE_SECONDS", -1)
    withdrawn, other = TokenIssuer(), TokenIssuer()
    issuers = Issuers(withdrawn)
    verifier = issuers.verifier()
    await verifier.verify(withdrawn.token(USER))

    issuers.fails = True
    await verifier.verify(withdrawn.token(USER))
    issuers.fails, issuers.current = False, [other]
    with pytest.raises(Unauthorized):
        await verifier.verify(withdrawn.token(USER))
