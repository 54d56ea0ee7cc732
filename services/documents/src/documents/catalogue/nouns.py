"""What categories, suppliers and tags differ in; all else is the same for the three of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from common.errors import Problem
from sqlalchemy.dialects.postgresql import ARRAY, array

from documents.catalogue.errors import (
    CategoryExists,
    CategoryNotFound,
    SupplierExists,
    SupplierNotFound,
    TagExists,
    TagNotFound,
)
from documents.catalogue.models import Category, Supplier, Tag
from documents.models import Document

E = TypeVar("E", bound=Category | Supplier | Tag)

Values = Mapping[str, Any]
"""What an UPDATE sets in documents."""


@dataclass(frozen=True)
class Noun(Generic[E]):
    """A kind of entry, and how documents hold one."""

    model: type[E]
    not_found: type[Problem]
    exists: type[Problem]
    held: Callable[[E | type[E]], sa.ColumnElement[bool]]
    """Whether a document holds this entry, or the one that a query is about."""
    deleted: Callable[[E], Values]
    """What becomes of the documents that hold an entry when it is deleted."""
    renamed: Callable[[str, str], Values] = lambda _old, _new: {}
    """What becomes of them when it is renamed."""


_tags = sa.type_coerce(Document.tags, ARRAY(sa.Text))

CATEGORY = Noun(
    model=Category,
    not_found=CategoryNotFound,
    exists=CategoryExists,
    held=lambda category: Document.category_id == category.id,
    deleted=lambda _: {"category_id": None},
)
SUPPLIER = Noun(
    model=Supplier,
    not_found=SupplierNotFound,
    exists=SupplierExists,
    held=lambda supplier: Document.supplier_id == supplier.id,
    deleted=lambda _: {"supplier_id": None},
)
TAG = Noun(
    model=Tag,
    not_found=TagNotFound,
    exists=TagExists,
    held=lambda tag: _tags.contains(sa.cast(array([tag.name]), ARRAY(sa.Text))),
    deleted=lambda tag: {"tags": sa.func.array_remove(Document.tags, tag.name)},
    renamed=lambda old, new: {"tags": sa.func.array_replace(Document.tags, old, new)},
)
