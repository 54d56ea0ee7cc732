"""Lists of entity tags: exactly the grammar of RFC 9110, and its two comparisons."""

from documents.etags import EntityTag, TagList
from hypothesis import given
from hypothesis import strategies as st

OPAQUE = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f'), max_size=8
)
TAGS = st.builds(EntityTag, OPAQUE, weak=st.booleans())
SPACE = st.text(" \t", max_size=2)
ELEMENTS = st.lists(st.one_of(TAGS, st.none()), max_size=6)


def reference(field: str) -> list[EntityTag] | None:
    """Read a list one character at a time; None if it is malformed."""
    tags: list[EntityTag] = []
    rest = field
    while True:
        rest = rest.lstrip(" \t")
        if rest.startswith(('"', 'W/"')):
            weak, rest = rest.startswith("W/"), rest.removeprefix("W/")[1:]
            opaque, quote, rest = rest.partition('"')
            good = all(c == "!" or "#" <= c <= "~" or "\x80" <= c <= "\xff" for c in opaque)
            if not quote or not good:
                return None
            tags.append(EntityTag(opaque, weak=weak))
            rest = rest.lstrip(" \t")
        if not rest:
            return tags
        if not rest.startswith(","):
            return None
        rest = rest[1:]


@given(ELEMENTS, st.data())
def test_what_is_written_is_read(elements: list[EntityTag | None], data: st.DataObject) -> None:
    padded = [f"{data.draw(SPACE)}{tag or ''}{data.draw(SPACE)}" for tag in elements]

    parsed = TagList.parse(",".join(padded))

    assert parsed == TagList(tuple(tag for tag in elements if tag))


@given(st.text(st.sampled_from('W/"a*, \t\x00\x7fé,"'), max_size=12))
def test_anything_is_read_as_the_reference_reads_it(field: str) -> None:
    expected = reference(field)
    if field.strip(" \t") == "*":
        assert TagList.parse(field) == TagList(any=True)
    else:
        assert TagList.parse(field) == TagList(tuple(expected or ()))


@given(TAGS, st.lists(TAGS, max_size=4).map(tuple))
def test_comparisons(etag: EntityTag, tags: tuple[EntityTag, ...]) -> None:
    """RFC 9110, section 8.8.3.2: the strong one is the weak one between two strong tags."""
    strong = [tag for tag in tags if not tag.weak and not etag.weak and tag.opaque == etag.opaque]

    assert TagList(tags).has_strong(etag) == bool(strong)
    assert TagList(tags).has_weak(etag) == (etag.opaque in {tag.opaque for tag in tags})
    assert TagList(any=True).has_strong(etag)
    assert TagList(any=True).has_weak(etag)


def test_a_malformed_list_names_nothing() -> None:
    for field in ('"a" "b"', "a", '"a', '*, "a"', 'w/"a"', '"a b"', '"a";q=1'):
        assert TagList.parse(field) == TagList()


def test_an_endless_field_is_read_in_no_time() -> None:
    assert TagList.parse('" ' * 50_000) == TagList()
    assert TagList.parse(", " * 50_000) == TagList()
