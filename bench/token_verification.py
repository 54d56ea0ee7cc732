"""What it costs to verify an access token with the key at hand, beside python-jose alone.

    python bench/token_verification.py [rounds]

Each round measures every case with both, one right after the other, so that whatever else the
machine does meets both. Every round has tokens of its own, that nobody has seen before.
"""

import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from typing import Any
from uuid import uuid4

import uvloop
from common.keys import ALGORITHM
from common.security import TokenVerifier
from common.testing import TokenIssuer
from jose import jwk, jwt

CLIENTS = 200
REQUESTS = 20  # of each client within the seconds for which a verified token is remembered
TARGET = 60.0

Verify = Callable[[str], Awaitable[object]]


def cases(issuer: TokenIssuer) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
    """Return, for each case, the tokens seen before and those whose verification is measured."""
    tokens = [issuer.token(uuid4()) for _ in range(CLIENTS * 3)]
    first, second, third = (tokens[n * CLIENTS : (n + 1) * CLIENTS] for n in range(3))
    mix = second * REQUESTS
    random.shuffle(mix)
    return {
        "cold, every token for the first time": ((), first),
        f"mix, {CLIENTS} clients, {REQUESTS} requests each": ((), mix),
        "warm, every token seen before": (third, third * REQUESTS),
    }


async def measure(verify: Verify, seen: Sequence[str], tokens: Sequence[str]) -> float:
    """Return the average in microseconds."""
    for token in seen:
        await verify(token)
    started = time.perf_counter()
    for token in tokens:
        await verify(token)
    return (time.perf_counter() - started) / len(tokens) * 1e6


def ours(issuer: TokenIssuer) -> TokenVerifier:
    async def published() -> Sequence[Mapping[str, Any]]:
        return issuer.jwks["keys"]

    return TokenVerifier(published, issuer="quire-auth", audience="quire")


def bare(issuer: TokenIssuer) -> Verify:
    key = jwk.construct(issuer.jwks["keys"][0], ALGORITHM)

    async def verify(token: str) -> object:
        return jwt.decode(token, key, algorithms=[ALGORITHM], audience="quire", issuer="quire-auth")

    return verify


async def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    issuer = TokenIssuer()
    verifier, rival = ours(issuer), bare(issuer)
    await verifier.refresh()
    costs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for case, (seen, tokens) in cases(issuer).items():
            cost = await measure(verifier.verify, seen, tokens), await measure(rival, seen, tokens)
            costs.setdefault(case, []).append(cost)
    print(f"µs a token, medians of {rounds} rounds in turn; target on average: {TARGET:g}")
    for case, seen_costs in costs.items():
        mine, theirs = (median(column) for column in zip(*seen_costs, strict=True))
        best, worst = min(seen_costs)[0], max(seen_costs)[0]
        print(
            f"{case:38} TokenVerifier {mine:7.1f} ({best:.1f}–{worst:.1f})"
            f"   jose.jwt.decode {theirs:7.1f}   ratio {mine / theirs:6.3f}"
        )


if __name__ == "__main__":
    uvloop.run(main())
