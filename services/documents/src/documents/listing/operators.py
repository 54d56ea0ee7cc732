"""What can be asked of a value: the operators that each kind of value has, as data."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field, TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from documents.listing.values import (
    Flag,
    Id,
    Moment,
    Number,
    Scalar,
    StatusWord,
    Text,
    Whole,
    Words,
)

Condition = sa.ColumnElement[bool]
Compare = Callable[[Any, Any], Condition]


@dataclass(frozen=True)
class Operator:
    """What may be written beside it, and the condition that it makes of a column and that."""

    operand: TypeAdapter[Any]
    compare: Compare


Kind = Mapping[str, Operator]


def negation(condition: Condition) -> Condition:
    """Hold wherever the condition does not; SQL's own NOT leaves out what is unknown."""
    return condition.is_not(sa.true())


def _operator(operand: Any, compare: Compare) -> Operator:
    return Operator(TypeAdapter(operand), compare)


def _not(compare: Compare) -> Compare:
    return lambda column, operand: negation(compare(column, operand))


def _in(column: Any, operand: Any) -> Condition:
    found: Condition = column.in_(operand)
    return found


def _is_null(column: Any, wanted: bool) -> Condition:
    unknown: Condition = column.is_(None) if wanted else column.is_not(None)
    return unknown


def _some_of(value: Any) -> Any:
    return Annotated[list[value], Field(max_length=100)]


def _equality(value: Any) -> Kind:
    return {
        "eq": _operator(value, operator.eq),
        "ne": _operator(value, _not(operator.eq)),
        "in": _operator(_some_of(value), _in),
        "not_in": _operator(_some_of(value), _not(_in)),
        "is_null": _operator(Flag, _is_null),
    }


def _order(value: Any) -> Kind:
    two = Annotated[list[value], Field(min_length=2, max_length=2)]
    return {
        "gt": _operator(value, operator.gt),
        "gte": _operator(value, operator.ge),
        "lt": _operator(value, operator.lt),
        "lte": _operator(value, operator.le),
        "between": _operator(two, lambda column, ends: column.between(*ends)),
    }


# In any case, as people search; and with autoescape, since `%` and `_` are only characters.
_PARTS: Kind = {
    "contains": _operator(Text, lambda column, part: column.icontains(part, autoescape=True)),
    "startswith": _operator(Text, lambda column, part: column.istartswith(part, autoescape=True)),
    "endswith": _operator(Text, lambda column, part: column.iendswith(part, autoescape=True)),
}


def _same_set(column: Any, words: list[str]) -> Condition:
    return sa.and_(column.contains(words), column.contained_by(words))


def _any_of(column: Any, words: list[str]) -> Condition:
    shared: Condition = column.overlap(words)
    return shared


def _each(kind: Kind, change: Callable[[Compare], Compare]) -> Kind:
    return {name: Operator(each.operand, change(each.compare)) for name, each in kind.items()}


def _as_json(compare: Compare) -> Compare:
    def as_json(column: Any, operand: Any) -> Condition:
        several = isinstance(operand, list)
        values = [sa.literal(value, JSONB) for value in (operand if several else [operand])]
        return compare(column, values if several else values[0])

    return as_json


def _of_type(json_type: str, column: Any, condition: Condition) -> Condition:
    """Hold only for this type: to PostgreSQL every JSON boolean is greater than every number."""
    return sa.and_(sa.func.jsonb_typeof(column) == json_type, condition)


def _among_numbers(compare: Compare) -> Compare:
    compare = _as_json(compare)
    return lambda column, operand: _of_type("number", column, compare(column, operand))


def _among_texts(compare: Compare) -> Compare:
    def among_texts(column: Any, operand: Any) -> Condition:
        text = column.op("#>>", return_type=sa.Text())(sa.literal([], sa.ARRAY(sa.Text)))
        return _of_type("string", column, compare(text, operand))

    return among_texts


def _no_json(column: Any, wanted: bool) -> Condition:
    json_type = sa.func.coalesce(sa.func.jsonb_typeof(column), "null")
    return json_type == "null" if wanted else json_type != "null"


TEXT: Kind = {**_equality(Text), **_PARTS}
ID: Kind = _equality(Id)
STATUS: Kind = _equality(StatusWord)
WHOLE: Kind = {**_equality(Whole), **_order(Whole)}
MOMENT: Kind = {**_equality(Moment), **_order(Moment)}
WORDS: Kind = {
    "eq": _operator(Words, _same_set),
    "ne": _operator(Words, _not(_same_set)),
    "in": _operator(_some_of(Text), _any_of),
    "not_in": _operator(_some_of(Text), _not(_any_of)),
    "contains": _operator(Words, lambda column, words: column.contains(words)),
}
JSON: Kind = {
    **_each(_equality(Scalar), _as_json),
    **_each(_order(Number), _among_numbers),
    **_each(_PARTS, _among_texts),
    "is_null": _operator(Flag, _no_json),
}
