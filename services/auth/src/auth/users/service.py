"""What administrators do with accounts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from common import outbox
from common.errors import Unauthorized
from common.pagination import PageRequest
from contracts import Permission, RevocationReason, UserDeleted
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import SOURCE
from auth.roles.repository import Rights, RoleRepository
from auth.sessions.service import SessionService
from auth.users.errors import ExceedsOwnPermissions, LastAdministrator, UserNotFound
from auth.users.models import User
from auth.users.repository import UserFilter, UserRepository
from auth.users.schemas import UserOut, UserUpdate


class UserService:
    """The use cases of administering accounts."""

    def __init__(self, session: AsyncSession, audit: AuditLog, sessions: SessionService) -> None:
        self._session = session
        self._audit = audit
        self._users = UserRepository(session)
        self._roles = RoleRepository(session)
        self._sessions = sessions

    async def show(self, user: User) -> UserOut:
        """Return an account as it is seen from outside."""
        return UserOut.of(user, await self._roles.rights(user.id))

    async def own(self, user_id: UUID) -> User:
        """Return one's own account; raises `Unauthorized` if it is gone."""
        user = await self._users.find(user_id)
        if user is None:
            raise Unauthorized("The account no longer exists.", invalid_token=True)
        return user

    async def list(self, wanted: UserFilter, request: PageRequest) -> tuple[Sequence[UserOut], int]:
        """Return a page of accounts, and how many there are in all."""
        users, total = await self._users.list(wanted, request)
        rights = await self._roles.rights_of([user.id for user in users])
        return [UserOut.of(user, rights.get(user.id, Rights())) for user in users], total

    async def get(self, user_id: UUID, *, asked_by: UUID, permissions: frozenset[str]) -> User:
        """Return an account that one may see; raises `UserNotFound`."""
        if user_id != asked_by and Permission.USERS_READ not in permissions:
            raise UserNotFound
        return await self._find(user_id, lock=False)

    async def update(self, actor_id: UUID, user_id: UUID, changes: UserUpdate) -> User:
        """Change an account; raises `UserNotFound`, `UsernameTaken`, `ExceedsOwnPermissions`."""
        user = await self._subordinate(actor_id, user_id)
        values: Mapping[str, Any] = changes.model_dump(exclude_unset=True)
        await self._users.change(user, values)
        self._audit.record(
            Action.USER_UPDATED, actor_id=actor_id, user_id=user_id, fields=sorted(values)
        )
        return user

    async def activate(self, actor_id: UUID, user_id: UUID) -> User:
        """Let somebody in again; raises `UserNotFound`, `ExceedsOwnPermissions`."""
        user = await self._subordinate(actor_id, user_id)
        if not user.is_active:
            user.is_active = True
            self._audit.record(Action.USER_ACTIVATED, actor_id=actor_id, user_id=user_id)
        return user

    async def deactivate(self, actor_id: UUID, user_id: UUID) -> User:
        """Keep somebody out, and end what is open.

        Raises `UserNotFound`, `ExceedsOwnPermissions`, `LastAdministrator`.
        """
        user = await self._dispensable(actor_id, user_id)
        if user.is_active:
            user.is_active = False
            await self._sessions.end_all(user, RevocationReason.DEACTIVATED)
            await self._sessions.shrink_rights(user)
            self._audit.record(Action.USER_DEACTIVATED, actor_id=actor_id, user_id=user_id)
        return user

    async def delete(self, actor_id: UUID, user_id: UUID) -> None:
        """Delete an account for good.

        Raises `UserNotFound`, `ExceedsOwnPermissions`, `LastAdministrator`.
        """
        user = await self._dispensable(actor_id, user_id)
        await self._sessions.end_all(user, RevocationReason.DELETED)
        await self._sessions.shrink_rights(user)
        await self._users.delete(user)
        await outbox.record(self._session, UserDeleted(user_id=user_id), source=SOURCE)
        self._audit.record(Action.USER_DELETED, actor_id=actor_id, user_id=user_id)

    async def _find(self, user_id: UUID, *, lock: bool) -> User:
        user = await self._users.find(user_id, lock=lock)
        if user is None:
            raise UserNotFound
        return user

    async def _subordinate(self, actor_id: UUID, user_id: UUID) -> User:
        """Return somebody who may nothing that the actor may not."""
        user = await self._find(user_id, lock=True)
        rights = await self._roles.rights_of([actor_id, user_id])
        own = rights.get(actor_id, Rights()).permissions
        if not own.issuperset(rights.get(user_id, Rights()).permissions):
            raise ExceedsOwnPermissions
        return user

    async def _dispensable(self, actor_id: UUID, user_id: UUID) -> User:
        """Return such a one, without whom there is still an administrator."""
        last = await self._roles.last_administrator()
        user = await self._subordinate(actor_id, user_id)
        if user_id == last:
            raise LastAdministrator
        return user
