"""A contract, once published, is kept: the golden samples of every version stay readable.

Samples are only ever added. A test that fails here says that an edit would break a subscriber.
"""

import json
from pathlib import Path

import contracts
import pytest
from contracts import Event, UnknownEventType, event_type

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
EVENTS = [
    kind
    for kind in vars(contracts).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_golden_sample_is_still_understood(sample: Path) -> None:
    data = json.loads(sample.read_text())

    event = event_type(sample.stem).model_validate(data)

    assert event.model_dump(mode="json").items() >= data.items()


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type())
def test_every_event_has_a_golden_sample(kind: type[Event]) -> None:
    assert kind.type() in {sample.stem for sample in SAMPLES}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type())
def test_unknown_fields_of_a_newer_publisher_are_ignored(kind: type[Event]) -> None:
    sample = Path(__file__).parent / "samples" / f"{kind.type()}.json"
    data = json.loads(sample.read_text())

    assert kind.model_validate({**data, "added_later": 1}) == kind.model_validate(data)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"quire\.never\.v1"):
        event_type("quire.never.v1")


def test_two_events_cannot_share_a_type() -> None:
    with pytest.raises(TypeError, match=r"document\.deleted"):

        class Impostor(Event):
            name = "document.deleted"
