"""The language of filters: JSON becomes a condition, or a 422 that names the exact place.

    {"file_size": {"gte": 1000}, "or": [{"tags": {"in": ["a", "b"]}}, {"title": "Letter"}]}

Members of an object must all hold. A bare value means `eq`. What a field does not have is unequal
to everything: `ne`, `not_in` and `not` find all that their opposite does not.
"""

import json
from typing import Any, NoReturn

import sqlalchemy as sa
from pydantic import ValidationError

from documents.listing.errors import invalid_query
from documents.listing.fields import FIELDS, Field, find
from documents.listing.operators import Condition, Operator, negation
from documents.listing.values import storable

MAX_DEPTH = 5
MAX_CONDITIONS = 50

Place = tuple[str | int, ...]


def parse_filters(text: str) -> Condition:
    """Return what the filters ask for."""
    return _Parser().group(_decoded(text), ("filters",), depth=0)


class _Parser:
    """Reads one tree, and counts how much it asks."""

    def __init__(self) -> None:
        self._conditions = 0

    def group(self, node: object, place: Place, *, depth: int) -> Condition:
        """Return the condition that all members of an object hold."""
        if depth > MAX_DEPTH:
            raise invalid_query(place, f"At most {MAX_DEPTH} levels are read", "too_deep")
        if not isinstance(node, dict):
            raise invalid_query(place, "Input should be an object", "dict_type")
        members = (self._member(key, node[key], (*place, key), depth) for key in node)
        return sa.and_(sa.true(), *members)

    def _member(self, key: str, node: Any, place: Place, depth: int) -> Condition:
        if key == "and":
            return sa.and_(*self._groups(node, place, depth))
        if key == "or":
            return sa.or_(*self._groups(node, place, depth))
        if key == "not":
            return negation(self.group(node, place, depth=depth + 1))
        return self._field(_field(key, place), node, place)

    def _groups(self, node: object, place: Place, depth: int) -> list[Condition]:
        if not isinstance(node, list) or not node:
            raise invalid_query(place, "Input should be a list of at least one object", "list_type")
        return [self.group(n, (*place, i), depth=depth + 1) for i, n in enumerate(node)]

    def _field(self, field: Field, node: object, place: Place) -> Condition:
        if not isinstance(node, dict):
            return self._condition(field, field.kind["eq"], node, place)
        if not node:
            raise invalid_query(place, "Name an operator", "too_short")
        conditions = []
        for name, operand in node.items():
            operator = _operator(field, name, (*place, name))
            conditions.append(self._condition(field, operator, operand, (*place, name)))
        return sa.and_(*conditions)

    def _condition(
        self, field: Field, operator: Operator, operand: object, place: Place
    ) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            message = f"At most {MAX_CONDITIONS} conditions are read"
            raise invalid_query(place, message, "too_many_conditions")
        try:
            value = operator.operand.validate_python(operand)
        except ValidationError as error:
            first = error.errors()[0]
            raise invalid_query((*place, *first["loc"]), first["msg"], first["type"]) from error
        return operator.compare(field.value, value)


def _field(name: str, place: Place) -> Field:
    field = find(name)
    if field is None:
        message = f"Fields are {', '.join(FIELDS)} and metadata.<key>"
        raise invalid_query(place, message, "unknown_field")
    return field


def _operator(field: Field, name: str, place: Place) -> Operator:
    if name not in field.kind:
        message = f"Operators of this field are {', '.join(field.kind)}"
        raise invalid_query(place, message, "unknown_operator")
    return field.kind[name]


def _decoded(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise invalid_query(("filters",), f"This is no JSON: {error}", "json_invalid") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: one of the two would be ignored."""
    members = {storable(name): value for name, value in pairs}
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
