"""The keys that tokens are verified with: fetched from the issuer, and asked for again with care.

Whoever sends tokens chooses the key's id in them, so an unknown id must not make us ask each time.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import structlog
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from common.errors import Unauthorized, Unavailable

logger = structlog.get_logger(__name__)

ALGORITHM = "ES256"
_REFETCH_SECONDS = 60
_MAX_AGE_SECONDS = 120
_FAILURE_SECONDS = 2

FetchKeys = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Gets the issuer's public keys (JSON Web Keys); raises `Unavailable`."""


class IssuerKeys:
    """The issuer's keys by their id."""

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._failed_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: object) -> Key:
        """Return the key of that id; an unknown id asks the issuer at most once a minute.

        Known ones are asked for again now and then: a key may have been withdrawn. Raises
        `Unauthorized`, `Unavailable`.
        """
        if not isinstance(kid, str):
            raise Unauthorized("The token names no key.", invalid_token=True)
        if kid in self._keys and self._are_old() and not self._lock.locked():
            async with self._lock:
                with contextlib.suppress(Unavailable):  # what is known holds meanwhile
                    await self.refresh()
        if kid not in self._keys:
            async with self._lock:
                if time.monotonic() - self._failed_at < _FAILURE_SECONDS:
                    # Whoever waited for the lock need not wait for the same failure again.
                    raise _without_keys()
                stale = time.monotonic() - self._fetched_at > _REFETCH_SECONDS
                if kid not in self._keys and stale:
                    await self.refresh()
        if kid not in self._keys:
            raise Unauthorized("The token's key is unknown.", invalid_token=True)
        return self._keys[kid]

    async def refresh(self) -> None:
        """Fetch the keys; raises `Unavailable`."""
        try:
            # Building a key costs more than verifying with it, so it is done once for each kid.
            self._keys = {
                entry["kid"]: jwk.construct(dict(entry), ALGORITHM) for entry in await self._fetch()
            }
        except (JOSEError, KeyError, TypeError, ValueError) as error:
            self._failed_at = time.monotonic()
            logger.warning("the keys are not readable", error=repr(error))
            raise _without_keys() from error
        except Unavailable:
            self._failed_at = time.monotonic()
            raise
        self._fetched_at, self._failed_at = time.monotonic(), float("-inf")

    def _are_old(self) -> bool:
        asked_at = max(self._fetched_at, self._failed_at)
        return time.monotonic() - asked_at > _MAX_AGE_SECONDS


def published_at(http: aiohttp.ClientSession, jwks_url: str) -> FetchKeys:
    """Return what fetches the keys from where the issuer publishes them (RFC 7517)."""

    async def fetch() -> Sequence[Mapping[str, Any]]:
        try:
            async with http.get(jwks_url, timeout=aiohttp.ClientTimeout(total=5)) as response:
                response.raise_for_status()
                keys: Sequence[Mapping[str, Any]] = (await response.json())["keys"]
                return keys
        except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError) as error:
            logger.warning("keys cannot be fetched", url=jwks_url, error=repr(error))
            raise _without_keys() from error

    return fetch


def _without_keys() -> Unavailable:
    return Unavailable("The keys that tokens are checked with cannot be fetched.")
