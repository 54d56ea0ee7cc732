"""Entity tags, and the lists of them in conditional requests (RFC 9110, sections 8.8.3, 13.1)."""

import re
from dataclasses import dataclass

# One element with what separates it from the next. A list may have empty elements (section 5.6.1).
_ELEMENT = re.compile(r'[ \t]*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|\Z)')


@dataclass(frozen=True)
class EntityTag:
    """Names one state of a resource; a weak one names states that are as good as the same."""

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        """Return the tag as it goes into a header field."""
        return f'{"W/" if self.weak else ""}"{self.opaque}"'


@dataclass(frozen=True)
class TagList:
    """The value of `If-Match` or `If-None-Match`: some tags, or `*` for any."""

    tags: tuple[EntityTag, ...] = ()
    any: bool = False

    @classmethod
    def parse(cls, field: str) -> "TagList":
        """Read the field's value. A malformed one names nothing, not even the tags in it.

        That is safe both ways: `If-Match` then refuses, `If-None-Match` answers in full.
        """
        if field.strip(" \t") == "*":
            return cls(any=True)
        tags: list[EntityTag] = []
        position = 0
        while position < len(field):
            element = _ELEMENT.match(field, position)
            if element is None:
                return cls()
            weak, opaque = element.groups()
            if opaque is not None:
                tags.append(EntityTag(opaque, weak=weak is not None))
            position = element.end()
        return cls(tuple(tags))

    def has_strong(self, etag: EntityTag) -> bool:
        """Tell whether a tag is in the list when weak ones count for nothing."""
        return self.any or (not etag.weak and etag in self.tags)

    def has_weak(self, etag: EntityTag) -> bool:
        """Tell whether a tag is in the list when weak ones count like strong ones."""
        return self.any or any(tag.opaque == etag.opaque for tag in self.tags)
