"""What logins cost, and whom they keep waiting. Needs a running suite (`make up`).

    python bench/logins.py [rounds]

First: the p99 of `GET /documents` while eight clients sign in without a pause, beside the p99 when
nobody does, in turn. Then: how long a login takes whose name exists and whose name does not.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from statistics import median, quantiles

import aiohttp
from native.stack import Stack

URL = os.environ.get("QUIRE_URL") or f"http://127.0.0.1:{os.environ.get('QUIRE_PORT', '8000')}"
API = f"{URL}/api/v1"
ROUND_SECONDS = 5
REQUESTS_PER_SECOND = 40
LOGIN_CLIENTS = 8
GUESSES = 120
TRIES_PER_NAME = 4  # the fifth is the last that does not wait
PASSWORD = "Correct-horse-battery-9"


async def main(rounds: int) -> None:
    async with aiohttp.ClientSession() as http:
        names = [await register(http) for _ in range(LOGIN_CLIENTS)]
        token = (await sign_in(http, names[0]))["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        await reads(http, headers)  # warm-up
        quiet, busy, logins = [], [], 0
        for _ in range(rounds):
            quiet.append(await reads(http, headers))
            async with signing_in(http, names) as count:
                busy.append(await reads(http, headers))
                logins += count[0]
        await sign_in(http, names[0])
        report_reads(quiet, busy, logins / (rounds * ROUND_SECONDS))
        await compare_guesses(http)


async def reads(http: aiohttp.ClientSession, headers: dict[str, str]) -> list[float]:
    """Ask at a steady rate, whether or not earlier answers are in; return how long each took."""

    async def read(due: float) -> float:
        async with http.get(f"{API}/documents", headers=headers) as response:
            response.raise_for_status()
            await response.read()
        return time.perf_counter() - due

    started, tasks = time.perf_counter(), []
    for number in range(ROUND_SECONDS * REQUESTS_PER_SECOND):
        due = started + number / REQUESTS_PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(read(due)))
    return list(await asyncio.gather(*tasks))


@asynccontextmanager
async def signing_in(http: aiohttp.ClientSession, names: list[str]) -> AsyncIterator[list[int]]:
    count = [0]

    async def again_and_again(name: str) -> None:
        while True:
            await sign_in(http, name)
            count[0] += 1

    tasks = [asyncio.create_task(again_and_again(name)) for name in names]
    yield count
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def register(http: aiohttp.ClientSession) -> str:
    name = f"bench-{secrets.token_hex(6)}"
    body = {
        "email": f"{name}@example.org",
        "username": name,
        "password": PASSWORD,
        "password_confirm": PASSWORD,
    }
    async with http.post(f"{API}/auth/register", json=body) as response:
        response.raise_for_status()
    return name


async def sign_in(http: aiohttp.ClientSession, name: str) -> dict[str, str]:
    body = {"username": name, "password": PASSWORD}
    async with http.post(f"{API}/auth/login", json=body) as response:
        response.raise_for_status()
        answer: dict[str, str] = await response.json()
        return answer


async def compare_guesses(http: aiohttp.ClientSession) -> None:
    """Guess at names that exist and at names that do not, in turn, each from its own address."""
    login = f"{Stack('dev').url('auth-api')}/api/v1/auth/login"
    known = [await register(http) for _ in range(GUESSES // TRIES_PER_NAME)]
    kinds = {
        "known name": known,
        "unknown name": [f"nobody-{secrets.token_hex(6)}" for _ in known],
        "unknown address": [f"{secrets.token_hex(6)}@example.org" for _ in known],
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    streams = {kind: cycle(names) for kind, names in kinds.items()}
    for _ in range(GUESSES):
        for kind, names in streams.items():
            address = {
                "X-Forwarded-For": f"2001:db8:{secrets.randbits(16):x}:{secrets.randbits(16):x}::1"
            }
            body = {"username": next(names), "password": "Wrong-horse-battery-9"}
            started = time.perf_counter()
            async with http.post(login, json=body, headers=address) as response:
                await response.read()
                assert response.status == 401, await response.text()
            times[kind].append(time.perf_counter() - started)
    medians = {kind: median(taken) for kind, taken in times.items()}
    base = medians["known name"]
    print(f"\nA refused login, {GUESSES} of each kind in turn:")
    for kind, value in medians.items():
        print(f"  {kind:16} median {value * 1000:6.1f} ms   {value / base - 1:+.1%}")
    print(json.dumps({"refused_login_ms": {k: round(v * 1000, 2) for k, v in medians.items()}}))


def report_reads(quiet: list[list[float]], busy: list[list[float]], logins: float) -> None:
    def p(times: list[list[float]], percent: int) -> float:
        return median(quantiles(each, n=100)[percent - 1] for each in times) * 1000

    print(f"GET /documents, {REQUESTS_PER_SECOND}/s, medians of {len(quiet)} rounds in turn:")
    for label, times in (("nobody signs in", quiet), (f"{logins:.1f} logins/s", busy)):
        print(f"  {label:16} p50 {p(times, 50):6.1f} ms   p99 {p(times, 99):6.1f} ms")
    ratio = p(busy, 99) / p(quiet, 99)
    print(f"  ratio of the p99: {ratio:.2f}")
    print(json.dumps({"p99_ratio": round(ratio, 3), "logins_per_second": round(logins, 1)}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
