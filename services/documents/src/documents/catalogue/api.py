"""Categories, suppliers and tags over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from common.pagination import Page, Paging
from fastapi import APIRouter, Depends, Response

from documents.catalogue.errors import (
    CategoryExists,
    CategoryNotFound,
    SupplierExists,
    SupplierNotFound,
    TagExists,
    TagNotFound,
)
from documents.catalogue.schemas import (
    CategoryOut,
    EntryChange,
    NewEntry,
    NewTag,
    SupplierOut,
    TagChange,
    TagOut,
)
from documents.resources import Categories, Reader, Suppliers, Tags, Writer

router = APIRouter(
    prefix="/api/v1",
    tags=["catalogue"],
    responses=problems(Unauthorized, Forbidden, Unavailable),
    route_class=IdempotentRoute,
)


@router.get("/categories")
async def list_categories(
    user: Reader, paging: Paging, categories: Categories
) -> Page[CategoryOut]:
    """List your categories by name, each with the number of its documents."""
    found, total = await categories.list(user.id, paging)
    return Page.of([CategoryOut.of(*each) for each in found], total=total, request=paging)


@router.post(
    "/categories",
    status_code=201,
    dependencies=[Depends(idempotent)],
    responses=problems(CategoryExists, *KEY_REFUSALS),
)
async def create_category(
    new: NewEntry, user: Writer, categories: Categories, response: Response
) -> CategoryOut:
    """Add a category."""
    category = await categories.create(user.id, new.model_dump())
    response.headers["Location"] = f"/api/v1/categories/{category.id}"
    return CategoryOut.of(category)


@router.get("/categories/{category_id}", responses=problems(CategoryNotFound))
async def get_category(category_id: UUID, user: Reader, categories: Categories) -> CategoryOut:
    """Show one of your categories."""
    return CategoryOut.of(*await categories.get(user.id, category_id))


@router.patch("/categories/{category_id}", responses=problems(CategoryNotFound, CategoryExists))
async def update_category(
    category_id: UUID, change: EntryChange, user: Writer, categories: Categories
) -> CategoryOut:
    """Change one of your categories."""
    return CategoryOut.of(*await categories.change(user.id, category_id, change.given()))


@router.delete("/categories/{category_id}", status_code=204, responses=problems(CategoryNotFound))
async def delete_category(category_id: UUID, user: Writer, categories: Categories) -> None:
    """Delete one of your categories; its documents stay, without it."""
    await categories.delete(user.id, category_id)


@router.get("/suppliers")
async def list_suppliers(user: Reader, paging: Paging, suppliers: Suppliers) -> Page[SupplierOut]:
    """List your suppliers by name, each with the number of its documents."""
    found, total = await suppliers.list(user.id, paging)
    return Page.of([SupplierOut.of(*each) for each in found], total=total, request=paging)


@router.post(
    "/suppliers",
    status_code=201,
    dependencies=[Depends(idempotent)],
    responses=problems(SupplierExists, *KEY_REFUSALS),
)
async def create_supplier(
    new: NewEntry, user: Writer, suppliers: Suppliers, response: Response
) -> SupplierOut:
    """Add a supplier."""
    supplier = await suppliers.create(user.id, new.model_dump())
    response.headers["Location"] = f"/api/v1/suppliers/{supplier.id}"
    return SupplierOut.of(supplier)


@router.get("/suppliers/{supplier_id}", responses=problems(SupplierNotFound))
async def get_supplier(supplier_id: UUID, user: Reader, suppliers: Suppliers) -> SupplierOut:
    """Show one of your suppliers."""
    return SupplierOut.of(*await suppliers.get(user.id, supplier_id))


@router.patch("/suppliers/{supplier_id}", responses=problems(SupplierNotFound, SupplierExists))
async def update_supplier(
    supplier_id: UUID, change: EntryChange, user: Writer, suppliers: Suppliers
) -> SupplierOut:
    """Change one of your suppliers."""
    return SupplierOut.of(*await suppliers.change(user.id, supplier_id, change.given()))


@router.delete("/suppliers/{supplier_id}", status_code=204, responses=problems(SupplierNotFound))
async def delete_supplier(supplier_id: UUID, user: Writer, suppliers: Suppliers) -> None:
    """Delete one of your suppliers; its documents stay, without it."""
    await suppliers.delete(user.id, supplier_id)


@router.get("/tags")
async def list_tags(user: Reader, paging: Paging, tags: Tags) -> Page[TagOut]:
    """List your tags by name, each with the number of its documents."""
    found, total = await tags.list(user.id, paging)
    return Page.of([TagOut.of(*each) for each in found], total=total, request=paging)


@router.post(
    "/tags",
    status_code=201,
    dependencies=[Depends(idempotent)],
    responses=problems(TagExists, *KEY_REFUSALS),
)
async def create_tag(new: NewTag, user: Writer, tags: Tags, response: Response) -> TagOut:
    """Add a tag."""
    tag = await tags.create(user.id, new.model_dump())
    response.headers["Location"] = f"/api/v1/tags/{tag.id}"
    return TagOut.of(tag)


@router.get("/tags/{tag_id}", responses=problems(TagNotFound))
async def get_tag(tag_id: UUID, user: Reader, tags: Tags) -> TagOut:
    """Show one of your tags."""
    return TagOut.of(*await tags.get(user.id, tag_id))


@router.patch("/tags/{tag_id}", responses=problems(TagNotFound, TagExists))
async def update_tag(tag_id: UUID, change: TagChange, user: Writer, tags: Tags) -> TagOut:
    """Change one of your tags; a new name is the documents' new name for it too."""
    return TagOut.of(*await tags.change(user.id, tag_id, change.given()))


@router.delete("/tags/{tag_id}", status_code=204, responses=problems(TagNotFound))
async def delete_tag(tag_id: UUID, user: Writer, tags: Tags) -> None:
    """Delete one of your tags; its documents stay, without it."""
    await tags.delete(user.id, tag_id)
