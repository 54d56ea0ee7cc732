"""Whatever tree of filters is asked: the database finds what plain Python would."""

import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from documents.listing.fields import FIELDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Keep = Callable[..., Awaitable[list[UUID]]]

NAMES = ["", "a", "B", "aB", "b_%", "%", "\\", "/", "'; DROP TABLE documents; --", "Ärger", "ÄRGER"]
TYPES = [None, "invoice", "Invoice", "letter"]
TAGS = ["a", "A", "b", "{c,d}", "'"]
SIZES = [0, 1, 999, 1000, 2**53 + 1, 2**63 - 1]
PAGES = [None, 0, 1, 7]
STATUSES = ["pending", "processing", "completed", "partial", "failed", "cancelled"]
TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (0, 1, 10**12)]
CUSTOM = [None, True, False, 0, 1, 1.5, -3, "", "a", "aB", "1", "%", [1], {"b": "a"}]


def random_document(chance: random.Random) -> dict[str, Any]:
    status = chance.choice(STATUSES)
    custom = {key: chance.choice(CUSTOM) for key in "xy" if chance.random() < 0.8}
    return {
        "title": chance.choice(NAMES),
        "description": chance.choice(NAMES),
        "filename": chance.choice(NAMES),
        "document_type": chance.choice(TYPES),
        "language": chance.choice([None, "de", "en"]),
        "file_size": chance.choice(SIZES),
        "page_count": chance.choice(PAGES),
        "tags": chance.sample(TAGS, chance.randrange(4)),
        "status": "queued" if status == "pending" else status,
        "created_at": chance.choice(TIMES),
        "custom": {**custom, "z": {"x": chance.choice(CUSTOM)}},
    }


def equality(values: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    some = st.lists(values, max_size=3)
    return {"eq": values, "ne": values, "in": some, "not_in": some, "is_null": st.booleans()}


def order(values: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    ends = st.tuples(values, values).map(list)
    return {**dict.fromkeys(("gt", "gte", "lt", "lte"), values), "between": ends}


def parts(values: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return dict.fromkeys(("contains", "startswith", "endswith"), values)


texts = st.sampled_from([*NAMES, "AB", "ä", "_", "invoice", "letter", "de", "application/pdf"])
whole = st.sampled_from([*SIZES, *PAGES[1:], -1, -(2**63), 2**31])
moments = st.sampled_from([t.isoformat() for t in TIMES] + ["2026-01-01", "2027-01-01T00:00:00"])
ids = st.uuids().map(str)
tags = st.sampled_from([*TAGS, "c", ""])
tag_sets = st.one_of(tags, st.lists(tags, max_size=3))
scalars = st.sampled_from([v for v in CUSTOM if isinstance(v, bool | int | float | str)])
numbers = st.sampled_from([-3, 0, 1, 1.0, 1.5, 2])
TEXT = {**equality(texts), **parts(texts)}
WHOLE = {**equality(whole), **order(whole)}
MOMENT = {**equality(moments), **order(moments)}
STATUS = equality(st.sampled_from(STATUSES))
WORDS = dict.fromkeys(("eq", "ne", "contains"), tag_sets)
WORDS |= {name: st.lists(tags, max_size=3) for name in ("in", "not_in")}
JSON = {**equality(scalars), **order(numbers), **parts(texts)}
NAMES_BY_KIND = [
    (TEXT, "title description document_type filename mime_type file_hash language"),
    (equality(ids), "id category_id supplier_id"),
    (WHOLE, "file_size page_count"),
    (MOMENT, "created_at updated_at deleted_at"),
    (STATUS, "status"),
    (WORDS, "tags"),
    (JSON, "metadata.x metadata.y metadata.z.x metadata.z metadata.none"),
]
OPERANDS = {name: kind for kind, names in NAMES_BY_KIND for name in names.split()}


def conditions(name: str) -> st.SearchStrategy[dict[str, Any]]:
    operands = OPERANDS[name]
    one = st.sampled_from(sorted(operands)).flatmap(
        lambda operator: operands[operator].map(lambda operand: {operator: operand})
    )
    two = st.tuples(one, one).map(lambda both: both[0] | both[1])
    return st.one_of(one, two, operands["eq"]).map(lambda asked: {name: asked})


leaves = st.sampled_from(sorted(OPERANDS)).flatmap(conditions)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda groups: {"and": groups}),
        st.lists(inner, min_size=1, max_size=3).map(lambda groups: {"or": groups}),
        inner.map(lambda group: {"not": group}),
        st.tuples(inner, inner).map(lambda both: both[0] | both[1]),
    ),
    max_leaves=8,
)


def depth(tree: Any) -> int:
    groups = [*tree.get("and", []), *tree.get("or", []), *([tree["not"]] if "not" in tree else [])]
    return max((1 + depth(group) for group in groups), default=0)


def holds(document: dict[str, Any], tree: dict[str, Any]) -> bool:
    """The whole language, in plain Python, on documents as the API shows them."""
    for key, node in tree.items():
        if key == "and":
            true = all(holds(document, group) for group in node)
        elif key == "or":
            true = any(holds(document, group) for group in node)
        elif key == "not":
            true = not holds(document, node)
        else:
            asked = node if isinstance(node, dict) else {"eq": node}
            true = all(fits(document, key, *each) for each in asked.items())
        if not true:
            return False
    return True


def fits(document: dict[str, Any], name: str, operator: str, operand: Any) -> bool:
    if operator in ("ne", "not_in"):
        return not fits(document, name, {"ne": "eq", "not_in": "in"}[operator], operand)
    value: Any = document
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if operator == "is_null":
        return (value is None) is operand
    if name == "tags":
        return fits_tags(set(value), operator, {operand} if type(operand) is str else set(operand))
    if name.endswith("_at"):
        value = value and moment(value)
        operand = [moment(o) for o in operand] if isinstance(operand, list) else moment(operand)
    if operator in ("eq", "in"):
        several = operand if operator == "in" else [operand]
        return any(kind(value) == kind(each) and value == each for each in several)
    comparable = ("str",) if operator in parts(texts) else ("number", "datetime")
    return kind(value) in comparable and COMPARE[operator](value, operand)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
    "between": lambda value, ends: ends[0] <= value <= ends[1],
    "contains": lambda value, part: part.lower() in value.lower(),
    "startswith": lambda value, part: value.lower().startswith(part.lower()),
    "endswith": lambda value, part: value.lower().endswith(part.lower()),
}


def fits_tags(tags: set[str], operator: str, words: set[str]) -> bool:
    return {"eq": tags == words, "in": bool(tags & words), "contains": tags >= words}[operator]


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_every_field_is_asked_about() -> None:
    assert set(OPERANDS) >= set(FIELDS)
    for name, field in FIELDS.items():
        assert set(OPERANDS[name]) == set(field.kind)


@pytest.mark.parametrize("seed", range(3))
@given(data=st.data())
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_database_finds_what_python_finds(
    client: httpx.AsyncClient, keep: Keep, seed: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    everything = (await client.get("/documents", params={"page_size": 100})).json()["items"]
    if not everything:
        await keep(*(random_document(chance) for _ in range(30)))
        everything = (await client.get("/documents", params={"page_size": 100})).json()["items"]
        assert len(everything) == 30
    tree = data.draw(trees.filter(lambda tree: depth(tree) <= 5))

    answer = await client.get("/documents", params={"filters": json.dumps(tree), "page_size": 100})

    assert answer.status_code == 200, answer.text
    found = {item["id"] for item in answer.json()["items"]}
    assert found == {document["id"] for document in everything if holds(document, tree)}


any_text = st.text(max_size=20)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                any_text, st.sampled_from([*OPERANDS, "and", "or", "not", "eq", "in", "gte"])
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(filters=st.one_of(any_text, anything.map(json.dumps)))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_nonsense_is_an_answer_or_a_refusal(client: httpx.AsyncClient, filters: str) -> None:
    answer = await client.get("/documents", params={"filters": filters})

    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        [error] = answer.json()["errors"]
        assert error["pointer"].startswith("/query/filters")
