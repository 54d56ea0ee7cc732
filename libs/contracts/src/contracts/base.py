"""What all events have in common: a literal name, a version, and data that never changes."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

_types: dict[str, type["Event"]] = {}


class UnknownEventType(LookupError):
    """No event of this CloudEvents type is part of the contracts."""


class Event(BaseModel):
    """Something that happened, as other services hear of it.

    `name` is the routing key on the exchange, `name` and `version` make the CloudEvents type.
    Both are literals, so that renaming a class never changes a message. Unknown fields are
    ignored: a newer publisher may add fields with defaults without breaking older readers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Enter the event into the map from type to class, and refuse a type that is taken."""
        if cls.type() in _types:
            raise TypeError(f"{cls.__name__}: the type {cls.type()} is taken")
        _types[cls.type()] = cls

    @classmethod
    def type(cls) -> str:
        """Return the CloudEvents type, such as `quire.document.uploaded.v1`."""
        return f"quire.{cls.name}.v{cls.version}"


def event_type(name: str) -> type[Event]:
    """Return the class of a CloudEvents type; raises `UnknownEventType`."""
    try:
        return _types[name]
    except KeyError:
        raise UnknownEventType(name) from None
