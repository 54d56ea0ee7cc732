"""Which backends there are: those that are installed, and those that the settings name."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from ocr_worker.backends.openai_vision import OpenAiVision, VisionServer
from ocr_worker.backends.protocol import GROUP, Availability, Backend
from ocr_worker.errors import BackendUnavailable

DEFAULT = "tesseract"

_SERVED = ("deepseek", "got_ocr", "cpu_surya", "openai-vision")
"""Models that are known to be used behind a server of their own."""


@dataclass(frozen=True, slots=True)
class BackendState:
    """A backend, by the name that users ask for, and whether it can be used here."""

    name: str
    availability: Availability


class Backends:
    """All backends by name; each is made when it is first asked for."""

    def __init__(self, servers: Sequence[VisionServer] = ()) -> None:
        self._found: dict[str, EntryPoint] = {
            point.name: point for point in entry_points(group=GROUP)
        }
        self._made: dict[str, Backend] = {server.name: OpenAiVision(server) for server in servers}

    def get(self, name: str) -> Backend:
        """Return a backend; raises `BackendUnavailable` when there is none of that name."""
        if name not in self._made:
            if name not in self._found:
                raise BackendUnavailable(_missing(name, self.names()))
            try:
                make = self._found[name].load()
            except ImportError as error:
                raise BackendUnavailable(f"The backend {name} cannot be loaded.") from error
            self._made[name] = make()
        return self._made[name]

    def made_by(self, name: str) -> str | None:
        """Return what makes a backend that is in the box, as "module:class"; None for others."""
        return self._found[name].value if self.get(name).in_box else None

    def names(self) -> list[str]:
        """Return the names of all backends, usable or not, the default first."""
        return sorted({*self._found, *self._made}, key=lambda name: (name != DEFAULT, name))

    def states(self) -> list[BackendState]:
        """Tell of each backend whether it can be used; servers are asked, which takes seconds."""
        states = [BackendState(name, self._availability(name)) for name in self.names()]
        known = {state.name for state in states}
        missing = Availability(
            usable=False,
            reason="No server is set.",
            install="Name its server in QUIRE_VISION_SERVERS.",
        )
        return states + [BackendState(name, missing) for name in _SERVED if name not in known]

    def _availability(self, name: str) -> Availability:
        try:
            return self.get(name).availability()
        except BackendUnavailable as error:
            return Availability(usable=False, reason=str(error))


def _missing(name: str, names: list[str]) -> str:
    if name in _SERVED:
        return f"No server is set for {name}. Name it in QUIRE_VISION_SERVERS."
    return f"There is no backend {name[:40]!r}; there are: {', '.join(names)}."
