"""Answers what a worker can do: by which backends and in which languages it recognises pages."""

import asyncio

from common.answering import Answers
from contracts import AskOffer, Offer, OfferedBackend, OfferedLanguage

from ocr_worker import languages
from ocr_worker.backends.registry import DEFAULT, Backends

_IN_INSTALLED_LANGUAGES = frozenset({DEFAULT, "pytesseract"})


class OfferService:
    """Tells what is installed here."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    def answers(self) -> Answers:
        """Return which question is answered by what."""
        return {AskOffer: self.offer}

    async def offer(self, _: AskOffer) -> Offer:
        """Return all backends, usable or not, and the languages; servers are asked meanwhile."""
        states = await asyncio.to_thread(self._backends.states)
        return Offer(
            default_backend=DEFAULT,
            backends=tuple(
                OfferedBackend(
                    name=state.name,
                    usable=state.availability.usable,
                    reason=state.availability.reason,
                    install=state.availability.install,
                    any_language=state.name not in _IN_INSTALLED_LANGUAGES,
                )
                for state in states
            ),
            languages=tuple(
                OfferedLanguage(
                    name=each.name,
                    iso_639_1=each.iso_639_1,
                    codes=tuple(languages.codes(each.name)),
                )
                for each in languages.installed()
            ),
        )
