"""What the workers can do, as one of them last said.

It is kept in the memory of the process: it is small, the same for everybody and wrong for a
minute at most, and asking anew takes milliseconds.
"""

import asyncio
import time

from common.asking import Asker
from common.errors import Problem
from contracts import OFFER_QUEUE, AskOffer, Offer, OfferedBackend

from documents.tools.errors import BackendUnavailable, LanguageUnavailable

_KEPT_SECONDS = 60.0
_ASKING_SECONDS = 10.0
_CHECKING_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
"""How long nobody is asked again, for a mere check, after there was no answer."""
_AUTO = "auto"


class Offers:
    """Asks a worker what it can do, once a minute at most."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._asking: asyncio.Task[Offer] | None = None
        self._known: Offer | None = None
        self._known_until = 0.0
        self._silent_until = 0.0

    async def get(self) -> Offer:
        """Return what the workers can do; raises what `Asker.ask` raises."""
        if self._known is not None and time.monotonic() < self._known_until:
            return self._known
        # Shielded: one client that goes away must not take the answer from the others.
        return await asyncio.shield(self._ask())

    async def check(self, *, backend: str | None, language: str | None) -> None:
        """Raise `BackendUnavailable` or `LanguageUnavailable` for what no worker can do.

        When no worker can be asked within two seconds, the last one's word counts; without any
        the wish is let through, and the worker that gets it will refuse it by the same name.
        """
        if backend is None and language is None:
            return
        now = time.monotonic()
        if now >= self._known_until and now >= self._silent_until:
            await asyncio.wait({self._ask()}, timeout=_CHECKING_SECONDS)
        if self._known is not None:
            _check(self._known, backend, language)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _ask(self) -> "asyncio.Task[Offer]":
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._learn())
            self._asking.add_done_callback(_look_at_the_error)
        return self._asking

    async def _learn(self) -> Offer:
        try:
            offer = await self._asker.ask(OFFER_QUEUE, AskOffer(), seconds=_ASKING_SECONDS)
        except Problem:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            raise
        self._known, self._known_until = offer, time.monotonic() + _KEPT_SECONDS
        return offer


def _look_at_the_error(asking: "asyncio.Task[Offer]") -> None:
    """Take note of a failure: who has waited for it may be gone by now."""
    if not asking.cancelled():
        asking.exception()


def _check(offer: Offer, backend: str | None, language: str | None) -> None:
    name = backend or offer.default_backend
    known = {each.name: each for each in offer.backends}
    if backend is not None:
        if name not in known:
            raise BackendUnavailable(f"There is none named {name}; there are: {', '.join(known)}.")
        if not known[name].usable:
            raise BackendUnavailable(f"{known[name].reason} {known[name].install}".strip())
    if language not in (None, _AUTO) and not _reads_any(known.get(name)):
        there = {code for each in offer.languages for code in each.codes}
        if missing := [code for code in language.split("+") if code not in there]:
            names = ", ".join(each.iso_639_1 or each.name for each in offer.languages) or "none"
            raise LanguageUnavailable(f"{missing[0]} is not installed; installed are: {names}.")


def _reads_any(backend: OfferedBackend | None) -> bool:
    return backend is not None and backend.any_language
