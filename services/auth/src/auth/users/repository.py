"""The queries about accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from auth.roles.models import UserRole
from auth.users.errors import EmailTaken, UsernameTaken
from auth.users.models import UNIQUE_EMAIL, UNIQUE_USERNAME, User

_TAKEN = {UNIQUE_EMAIL: EmailTaken, UNIQUE_USERNAME: UsernameTaken}


@dataclass(frozen=True)
class PasswordRecord:
    """Whose password it is, and its hash."""

    user_id: UUID
    password_hash: str


@dataclass(frozen=True)
class UserFilter:
    """What accounts to list; None means any."""

    email: str | None = None
    username: str | None = None
    role: str | None = None
    is_active: bool | None = None


class UserRepository:
    """Finds and keeps accounts in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, user: User) -> None:
        """Insert an account; raises `EmailTaken`, `UsernameTaken`."""
        self._session.add(user)
        await self.flush()

    async def flush(self) -> None:
        """Write what has been changed; raises `EmailTaken`, `UsernameTaken`."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            _raise_taken(error)

    async def change(self, user: User, values: Mapping[str, object]) -> None:
        """Set what is given; raises `UsernameTaken`. Only the names of the owner can be unset."""
        for name, value in values.items():
            if value is not None or name in ("first_name", "last_name"):
                setattr(user, name, value)
        await self.flush()

    async def find(self, user_id: UUID, *, lock: bool = False) -> User | None:
        """Return an account, if there is one with this id; locked, nobody else changes it."""
        return await self._session.get(
            User, user_id, with_for_update={"key_share": True} if lock else None
        )

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this address, if there is one."""
        return await self._session.scalar(
            sa.select(User).where(sa.func.lower(User.email) == sa.func.lower(email))
        )

    async def find_password(self, login: str) -> PasswordRecord | None:
        """Return the password of the user with this e-mail address or username, if there is one."""
        # A username contains no "@", so the two never mean different users.
        name = User.email if "@" in login else User.username
        row = (
            await self._session.execute(
                sa.select(User.id, User.password_hash).where(
                    sa.func.lower(name) == sa.func.lower(login)
                )
            )
        ).one_or_none()
        return PasswordRecord(row.id, row.password_hash) if row else None

    async def list(self, wanted: UserFilter, request: PageRequest) -> tuple[Sequence[User], int]:
        """Return a page of accounts, oldest first, and how many there are in all."""
        query = sa.select(User)
        if wanted.email is not None:
            query = query.where(
                sa.func.lower(User.email).contains(wanted.email.lower(), autoescape=True)
            )
        if wanted.username is not None:
            name = sa.func.lower(User.username)
            query = query.where(name.contains(wanted.username.lower(), autoescape=True))
        if wanted.role is not None:
            holders = sa.select(UserRole.user_id).where(UserRole.role == wanted.role)
            query = query.where(User.id.in_(holders))
        if wanted.is_active is not None:
            query = query.where(User.is_active.is_(wanted.is_active))
        total = await self._session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
        page = await self._session.scalars(
            query.order_by(User.created_at, User.id).limit(request.page_size).offset(request.offset)
        )
        return page.all(), total or 0

    async def delete(self, user: User) -> None:
        """Delete an account and everything that hangs on it."""
        await self._session.delete(user)
        await self._session.flush()


def _raise_taken(error: IntegrityError) -> NoReturn:
    constraint = getattr(error.driver_exception, "constraint_name", None)
    taken = _TAKEN.get(str(constraint))
    raise taken() if taken else error
