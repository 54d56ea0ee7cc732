"""Accounts over HTTP, for administrators."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.pagination import Page, Paging
from fastapi import APIRouter

from auth.resources import AnyUser, RoleManager, UserDeleter, UserReader, Users, UserUpdater
from auth.users.errors import (
    ExceedsOwnPermissions,
    LastAdministrator,
    UsernameTaken,
    UserNotFound,
)
from auth.users.schemas import UserOut, UserQuery, UserUpdate

router = APIRouter(
    prefix="/api/v1", tags=["admin"], responses=problems(Unauthorized, Forbidden, Unavailable)
)

_CHANGE = problems(UserNotFound, ExceedsOwnPermissions)


@router.get("/users")
async def list_users(
    _: UserReader, wanted: UserQuery, paging: Paging, users: Users
) -> Page[UserOut]:
    """List the accounts, the oldest first."""
    items, total = await users.list(wanted, paging)
    return Page[UserOut].of(items, total=total, request=paging)


@router.get("/users/{user_id}", responses=problems(UserNotFound))
async def get_user(user_id: UUID, user: AnyUser, users: Users) -> UserOut:
    """Show an account: your own, or with `users:read` any."""
    found = await users.get(user_id, asked_by=user.id, permissions=user.permissions)
    return await users.show(found)


@router.patch(
    "/users/{user_id}", responses=problems(UserNotFound, ExceedsOwnPermissions, UsernameTaken)
)
async def update_user(
    user_id: UUID, changes: UserUpdate, updater: UserUpdater, users: Users
) -> UserOut:
    """Change an account."""
    return await users.show(await users.update(updater.id, user_id, changes))


@router.delete(
    "/users/{user_id}",
    status_code=204,
    responses=problems(UserNotFound, ExceedsOwnPermissions, LastAdministrator),
)
async def delete_user(user_id: UUID, deleter: UserDeleter, users: Users) -> None:
    """Delete an account for good; its documents follow."""
    await users.delete(deleter.id, user_id)


@router.post("/admin/users/{user_id}/activate", responses=_CHANGE)
async def activate_user(user_id: UUID, manager: RoleManager, users: Users) -> UserOut:
    """Let somebody in again."""
    return await users.show(await users.activate(manager.id, user_id))


@router.post(
    "/admin/users/{user_id}/deactivate",
    responses=problems(UserNotFound, ExceedsOwnPermissions, LastAdministrator),
)
async def deactivate_user(user_id: UUID, manager: RoleManager, users: Users) -> UserOut:
    """Keep somebody out; what they have open ends within seconds."""
    return await users.show(await users.deactivate(manager.id, user_id))
