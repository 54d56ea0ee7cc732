"""Nothing is ignored: what a filter does not mean is a 422 that names the exact place."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from documents.listing.fields import FIELDS
from documents.listing.operators import ID, JSON, MOMENT, STATUS, TEXT, WHOLE, WORDS

Slug = Callable[[httpx.Response], str]

OPERATORS = """eq ne gt gte lt lte contains startswith endswith in not_in between is_null"""
OFFERED = {
    "text": (TEXT, "eq ne in not_in is_null contains startswith endswith"),
    "whole": (WHOLE, "eq ne in not_in is_null gt gte lt lte between"),
    "moment": (MOMENT, "eq ne in not_in is_null gt gte lt lte between"),
    "id": (ID, "eq ne in not_in is_null"),
    "status": (STATUS, "eq ne in not_in is_null"),
    "words": (WORDS, "eq ne in not_in contains"),
    "json": (JSON, OPERATORS),
}
BY_KIND = {"text": "title", "whole": "file_size", "moment": "created_at", "id": "supplier_id"} | {
    "status": "status",
    "words": "tags",
    "json": "metadata.key",
}


def nested(depth: int, inside: Any) -> Any:
    for _ in range(depth):
        inside = {"and": [inside]}
    return inside


REFUSED: list[tuple[Any, str, str]] = [
    ({"nonsense": 1}, "/nonsense", "unknown_field"),
    ({"user_id": "x"}, "/user_id", "unknown_field"),
    ({"object_key": "x"}, "/object_key", "unknown_field"),
    ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
    ({"": 1}, "/", "unknown_field"),
    ({"metadata": {"a": 1}}, "/metadata", "unknown_field"),
    ({"metadata.": 1}, "/metadata.", "unknown_field"),
    ({"metadata.a..b": 1}, "/metadata.a..b", "unknown_field"),
    ({"title": {"like": "x"}}, "/title/like", "unknown_operator"),
    ({"title": {"eq": "x", "EQ": "y"}}, "/title/EQ", "unknown_operator"),
    ({"title": {}}, "/title", "too_short"),
    ({"title": 1}, "/title", "string_type"),
    ({"title": None}, "/title", "string_type"),
    ({"title": ["x"]}, "/title", "string_type"),
    ({"title": "\x00"}, "/title", "string_unicode"),
    ({"title": "\ud800"}, "/title", "string_unicode"),
    ({"title": {"contains": ["x"]}}, "/title/contains", "string_type"),
    ({"title": {"in": "x"}}, "/title/in", "list_type"),
    ({"title": {"in": ["x", 1]}}, "/title/in/1", "string_type"),
    ({"title": {"in": ["x"] * 101}}, "/title/in", "too_long"),
    ({"title": {"is_null": "yes"}}, "/title/is_null", "bool_type"),
    ({"file_size": {"gte": "1000"}}, "/file_size/gte", "int_type"),
    ({"file_size": True}, "/file_size", "int_type"),
    ({"file_size": 1.5}, "/file_size", "int_type"),
    ({"file_size": 2**63}, "/file_size", "less_than"),
    ({"page_count": -(2**63) - 1}, "/page_count", "greater_than_equal"),
    ({"file_size": {"between": [1]}}, "/file_size/between", "too_short"),
    ({"file_size": {"between": [1, 2, 3]}}, "/file_size/between", "too_long"),
    ({"file_size": {"between": [1, "2"]}}, "/file_size/between/1", "int_type"),
    ({"created_at": 1700000000}, "/created_at", "datetime_parsing"),
    ({"created_at": {"gt": "yesterday"}}, "/created_at/gt", "datetime_parsing"),
    ({"created_at": "0001-01-01T00:00:00+14:00"}, "/created_at", "datetime_parsing"),
    ({"id": "x"}, "/id", "uuid_parsing"),
    ({"status": "queued"}, "/status", "literal_error"),
    ({"status": {"in": ["failed", "Failed"]}}, "/status/in/1", "literal_error"),
    ({"tags": {"contains": 1}}, "/tags/contains", "list_type"),
    ({"tags": {"in": "a"}}, "/tags/in", "list_type"),
    ({"tags": {"eq": ["a", None]}}, "/tags/eq/1", "string_type"),
    ({"metadata.a": None}, "/metadata.a", "scalar_type"),
    ({"metadata.a": [1]}, "/metadata.a", "scalar_type"),
    ({"metadata.a": "\x00"}, "/metadata.a", "string_unicode"),
    ({"metadata.a": {"gte": "1"}}, "/metadata.a/gte", "number_type"),
    ({"metadata.a": {"gte": True}}, "/metadata.a/gte", "number_type"),
    ({"metadata.a": {"b": 1}}, "/metadata.a/b", "unknown_operator"),
    ([], "", "dict_type"),
    ("title", "", "dict_type"),
    (None, "", "dict_type"),
    ({"and": {}}, "/and", "list_type"),
    ({"or": []}, "/or", "list_type"),
    ({"not": []}, "/not", "dict_type"),
    ({"or": [{"title": "x"}, "y"]}, "/or/1", "dict_type"),
    ({"and": [{"file_size": {"gte": "x"}}]}, "/and/0/file_size/gte", "int_type"),
    ({"not": {"or": [{}, {"tags": 1}]}}, "/not/or/1/tags", "list_type"),
    (nested(6, {}), "/and/0" * 6, "too_deep"),
    ({"title": "x", "or": [{"title": "x"}] * 50}, "/or/49/title", "too_many_conditions"),
]


@pytest.mark.parametrize(("filters", "place", "kind"), REFUSED)
async def test_refusal(
    client: httpx.AsyncClient, slug: Slug, filters: Any, place: str, kind: str
) -> None:
    answer = await client.get("/documents", params={"filters": json.dumps(filters)})

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["type"]) == (f"/query/filters{place}", kind)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "title=x",
        '{"title":"x"} {}',
        '{"title":"x","title":"y"}',
        '{"file_size":NaN}',
        '{"metadata.a":Infinity}',
        '{"\\ud800":1}',
        '{"metadata.\\u0000":1}',
        '{"file_size":' + "9" * 5000 + "}",
        "[" * 20_000,
    ],
    ids=lambda text: text[:20] or "empty",
)
async def test_what_is_no_json(client: httpx.AsyncClient, slug: Slug, text: str) -> None:
    answer = await client.get("/documents", params={"filters": text})

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["type"]) == ("/query/filters", "json_invalid")


async def test_a_number_too_large_for_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/documents", params={"filters": '{"metadata.a":1e999}'})

    [error] = answer.json()["errors"]
    assert (error["pointer"], error["type"]) == ("/query/filters/metadata.a", "finite_number")


@pytest.mark.parametrize(("kind", "name"), BY_KIND.items())
async def test_every_kind_has_its_operators_and_no_other(
    client: httpx.AsyncClient, kind: str, name: str
) -> None:
    offered, names = OFFERED[kind]
    assert set(offered) == set(names.split())
    for operator in OPERATORS.split():
        filters: Any = {name: {operator: {}}}  # a value of no type
        answer = await client.get("/documents", params={"filters": json.dumps(filters)})

        [error] = answer.json()["errors"]
        assert answer.status_code == 422
        assert (error["type"] == "unknown_operator") is (operator not in offered)


async def test_as_much_as_is_allowed(client: httpx.AsyncClient) -> None:
    conditions = [{name: {"is_null": True}} for name in FIELDS if name != "tags"] * 3
    filters = nested(4, {"or": conditions[:50]})
    answer = await client.get("/documents", params={"filters": json.dumps(filters)})

    assert (answer.status_code, len(conditions[:50])) == (200, 48)


@pytest.mark.parametrize("path", ["/documents", "/documents/feed"])
async def test_lists_and_feeds_refuse_alike(
    client: httpx.AsyncClient, slug: Slug, path: str
) -> None:
    answer = await client.get(path, params={"filters": '{"x":1}'})

    assert (answer.status_code, slug(answer)) == (422, "invalid-input")
