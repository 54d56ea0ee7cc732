"""The queries about roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.roles.models import ADMIN, Role, UserRole
from auth.users.models import User


@dataclass(frozen=True)
class Rights:
    """What somebody may do, and by which roles."""

    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()


class RoleRepository:
    """Finds and keeps roles in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Sequence[Role]:
        """Return all roles by name."""
        return (await self._session.scalars(sa.select(Role).order_by(Role.name))).all()

    async def find(self, name: str) -> Role | None:
        """Return a role that nobody else changes until this transaction ends."""
        return await self._session.get(Role, name, with_for_update=True)

    async def add(self, role: Role) -> bool:
        """Insert a role; tell whether there was none of its name."""
        values = {
            "name": role.name,
            "description": role.description,
            "permissions": role.permissions,
            "built_in": role.built_in,
        }
        added = await self._session.scalar(
            insert(Role).values(values).on_conflict_do_nothing().returning(Role.name)
        )
        return added is not None

    async def delete(self, role: Role) -> None:
        """Delete a role; nobody holds it any more."""
        await self._session.delete(role)
        await self._session.flush()

    async def rights(self, user_id: UUID) -> Rights:
        """Return what a user may do."""
        return (await self.rights_of([user_id])).get(user_id, Rights())

    async def rights_of(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Rights]:
        """Return what each of the users may do; one without roles is left out."""
        rows = await self._session.execute(
            sa.select(UserRole.user_id, Role.name, Role.permissions)
            .join(Role, Role.name == UserRole.role)
            # One parameter: there is a limit to them, but not to the holders of a role.
            .where(UserRole.user_id == sa.any_(sa.literal(user_ids, sa.ARRAY(sa.Uuid))))
            .order_by(Role.name)
        )
        rights: dict[UUID, Rights] = {}
        for user_id, name, permissions in rows:
            known = rights.get(user_id, Rights())
            rights[user_id] = Rights((*known.roles, name), known.permissions.union(permissions))
        return rights

    async def grant(self, user_id: UUID, role: str) -> bool:
        """Give somebody a role; tell whether they did not have it."""
        granted = await self._session.scalar(
            insert(UserRole)
            .values(user_id=user_id, role=role)
            .on_conflict_do_nothing()
            .returning(UserRole.role)
        )
        return granted is not None

    async def revoke(self, user_id: UUID, role: str) -> bool:
        """Take a role away; tell whether they had it."""
        revoked = await self._session.scalar(
            sa.delete(UserRole)
            .where(UserRole.user_id == user_id, UserRole.role == role)
            .returning(UserRole.role)
        )
        return revoked is not None

    async def holders(self, role: str) -> Sequence[User]:
        """Return who holds a role; nobody else changes them until this transaction ends.

        They are locked in the order of their ids: the holders of two roles, which may be the
        same, would otherwise be waited for in a circle.
        """
        found = await self._session.scalars(
            sa.select(User)
            .join(UserRole, UserRole.user_id == User.id)
            .where(UserRole.role == role)
            .order_by(User.id)
            .with_for_update(of=User, key_share=True)
            .execution_options(populate_existing=True)
        )
        return found.all()

    async def last_administrator(self) -> UUID | None:
        """Return the only active administrator, if there is only one.

        Until this transaction ends, nobody changes that: two administrators who remove each other
        at the same moment come one after the other. A role is locked before any account, so this
        is asked first.
        """
        await self.find(ADMIN)
        found = await self._session.scalars(
            sa.select(UserRole.user_id)
            .join(User, User.id == UserRole.user_id)
            .where(UserRole.role == ADMIN, User.is_active)
            .limit(2)
        )
        administrators = found.all()
        return administrators[0] if len(administrators) == 1 else None
