"""Roles over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from contracts.permissions import DESCRIPTIONS
from fastapi import APIRouter, Depends

from auth.resources import RoleManager, Roles, Users
from auth.roles.errors import RoleBuiltIn, RoleExists, RoleNotFound
from auth.roles.schemas import NewRole, PermissionOut, RoleName, RoleOut, RoleUpdate
from auth.users.errors import ExceedsOwnPermissions, LastAdministrator, UserNotFound
from auth.users.schemas import UserOut

router = APIRouter(
    prefix="/api/v1/admin",
    tags=["admin"],
    responses=problems(Unauthorized, Forbidden, ExceedsOwnPermissions, Unavailable),
    route_class=IdempotentRoute,
)


@router.get("/permissions")
async def list_permissions(_: RoleManager) -> list[PermissionOut]:
    """List everything that a role can permit."""
    return [
        PermissionOut(name=permission.value, description=description)
        for permission, description in DESCRIPTIONS.items()
    ]


@router.get("/roles")
async def list_roles(_: RoleManager, roles: Roles) -> list[RoleOut]:
    """List all roles."""
    return [RoleOut.model_validate(role) for role in await roles.list()]


@router.post(
    "/roles",
    status_code=201,
    dependencies=[Depends(idempotent)],
    responses=problems(RoleExists, *KEY_REFUSALS),
)
async def create_role(new: NewRole, manager: RoleManager, roles: Roles) -> RoleOut:
    """Define a role."""
    return RoleOut.model_validate(await roles.create(manager.id, new))


@router.patch("/roles/{name}", responses=problems(RoleNotFound, RoleBuiltIn))
async def update_role(
    name: RoleName, changes: RoleUpdate, manager: RoleManager, roles: Roles
) -> RoleOut:
    """Change a role; who holds it may less at once, and more with their next token."""
    return RoleOut.model_validate(await roles.update(manager.id, name, changes))


@router.delete("/roles/{name}", status_code=204, responses=problems(RoleNotFound, RoleBuiltIn))
async def delete_role(name: RoleName, manager: RoleManager, roles: Roles) -> None:
    """Delete a role; nobody holds it any more."""
    await roles.delete(manager.id, name)


@router.post("/users/{user_id}/roles/{role}", responses=problems(UserNotFound, RoleNotFound))
async def grant_role(
    user_id: UUID, role: RoleName, manager: RoleManager, roles: Roles, users: Users
) -> UserOut:
    """Give somebody a role; it counts with their next token."""
    return await users.show(await roles.grant(manager.id, user_id, role))


@router.delete(
    "/users/{user_id}/roles/{role}",
    responses=problems(UserNotFound, RoleNotFound, LastAdministrator),
)
async def revoke_role(
    user_id: UUID, role: RoleName, manager: RoleManager, roles: Roles, users: Users
) -> UserOut:
    """Take a role away; it counts at once."""
    return await users.show(await roles.revoke(manager.id, user_id, role))
