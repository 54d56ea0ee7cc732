"""What can be done with roles. Nobody gives, or takes, what they do not have themselves."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from common import outbox
from contracts import UserRolesChanged
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import SOURCE
from auth.revocations.relay import revoke
from auth.roles.errors import RoleExists, RoleNotFound
from auth.roles.models import ADMIN, Role
from auth.roles.repository import Rights, RoleRepository
from auth.roles.schemas import NewRole, RoleUpdate
from auth.users.errors import ExceedsOwnPermissions, LastAdministrator, UserNotFound
from auth.users.models import User
from auth.users.repository import UserRepository


class RoleService:
    """The use cases of roles."""

    def __init__(self, session: AsyncSession, audit: AuditLog) -> None:
        self._session = session
        self._audit = audit
        self._roles = RoleRepository(session)
        self._users = UserRepository(session)

    async def list(self) -> Sequence[Role]:
        """Return all roles."""
        return await self._roles.list()

    async def create(self, actor_id: UUID, new: NewRole) -> Role:
        """Define a role; raises `RoleExists`, `ExceedsOwnPermissions`."""
        await self._require_own(actor_id, new.permissions)
        role = Role(
            name=new.name,
            description=new.description,
            permissions=sorted(new.permissions),
            built_in=False,
        )
        if not await self._roles.add(role):
            raise RoleExists
        self._audit.record(Action.ROLE_CREATED, actor_id=actor_id, user_id=None, role=new.name)
        return role

    async def update(self, actor_id: UUID, name: str, changes: RoleUpdate) -> Role:
        """Change a role; raises `RoleNotFound`, `RoleBuiltIn`, `ExceedsOwnPermissions`."""
        role = await self._custom(name)
        await self._require_own(actor_id, role.permissions)
        if changes.description is not None:
            role.description = changes.description
        if changes.permissions is not None:
            await self._require_own(actor_id, changes.permissions)
            shrinks = not changes.permissions.issuperset(role.permissions)
            role.permissions = sorted(changes.permissions)
            if shrinks:
                await self._shrink(*await self._roles.holders(name))
        self._audit.record(
            Action.ROLE_UPDATED,
            actor_id=actor_id,
            user_id=None,
            role=name,
            permissions=role.permissions,
        )
        return role

    async def delete(self, actor_id: UUID, name: str) -> None:
        """Delete a role; raises `RoleNotFound`, `RoleBuiltIn`, `ExceedsOwnPermissions`."""
        role = await self._custom(name)
        await self._require_own(actor_id, role.permissions)
        holders = await self._roles.holders(name)
        await self._shrink(*holders)
        await self._roles.delete(role)
        self._audit.record(Action.ROLE_DELETED, actor_id=actor_id, user_id=None, role=name)
        await self._announce(*holders)

    async def grant(self, actor_id: UUID, user_id: UUID, name: str) -> User:
        """Give somebody a role.

        Raises `UserNotFound`, `RoleNotFound`, `ExceedsOwnPermissions`.
        """
        role, user = await self._both(name, user_id)
        await self._require_own(actor_id, role.permissions)
        if await self._roles.grant(user_id, name):
            self._audit.record(Action.ROLE_GRANTED, actor_id=actor_id, user_id=user_id, role=name)
            await self._announce(user)
        return user

    async def revoke(self, actor_id: UUID, user_id: UUID, name: str) -> User:
        """Take a role away; access tokens that carry it are refused from now on.

        Raises `UserNotFound`, `RoleNotFound`, `ExceedsOwnPermissions`, `LastAdministrator`.
        """
        role, user = await self._both(name, user_id)
        await self._require_own(actor_id, role.permissions)
        if name == ADMIN:
            await require_another_administrator(self._roles, user_id)
        if await self._roles.revoke(user_id, name):
            await self._shrink(user)
            self._audit.record(Action.ROLE_REVOKED, actor_id=actor_id, user_id=user_id, role=name)
            await self._announce(user)
        return user

    async def _announce(self, *users: User) -> None:
        rights = await self._roles.rights_of([user.id for user in users])
        for user in users:
            roles = rights.get(user.id, Rights()).roles
            event = UserRolesChanged(user_id=user.id, recipient=user.recipient, roles=roles)
            await outbox.record(self._session, event, source=SOURCE)

    async def _shrink(self, *users: User) -> None:
        for user in users:
            user.rights_version += 1
            await revoke(self._session, user.id, version=user.rights_version)

    async def _require_own(self, actor_id: UUID, permissions: Iterable[str]) -> None:
        own = (await self._roles.rights(actor_id)).permissions
        if not own.issuperset(permissions):
            raise ExceedsOwnPermissions

    async def _both(self, name: str, user_id: UUID) -> tuple[Role, User]:
        role = await self._roles.find(name)  # a role is always locked before its holders
        user = await self._users.find(user_id, lock=True)
        if user is None:
            raise UserNotFound
        if role is None:
            raise RoleNotFound
        return role, user

    async def _custom(self, name: str) -> Role:
        role = await self._roles.find(name)
        if role is None:
            raise RoleNotFound
        role.require_custom()
        return role


async def require_another_administrator(roles: RoleRepository, user_id: UUID) -> None:
    """Raise `LastAdministrator` if without this user nobody could administer the suite."""
    if await roles.last_administrator() == user_id:
        raise LastAdministrator
