"""What can be done with API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from auth.api_keys.errors import ApiKeyNotFound, InvalidApiKey, TooManyApiKeys
from auth.api_keys.models import ApiKey
from auth.api_keys.schemas import NewApiKey
from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import now
from auth.opaque import digest
from auth.revocations.relay import revoke
from auth.roles.repository import RoleRepository
from auth.sessions.tokens import TokenSigner
from auth.users.errors import ExceedsOwnPermissions
from auth.users.models import User
from auth.users.repository import UserRepository

TOKEN_SECONDS = 60
_MAX_KEYS = 100
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A key, and the secret that is shown this once."""

    key: ApiKey
    secret: str


class ApiKeyService:
    """The use cases of API keys."""

    def __init__(self, session: AsyncSession, audit: AuditLog, signer: TokenSigner) -> None:
        self._session = session
        self._audit = audit
        self._signer = signer
        self._roles = RoleRepository(session)

    async def list(self, user_id: UUID) -> Sequence[ApiKey]:
        """Return a user's keys, the newest first."""
        keys = await self._session.scalars(
            sa.select(ApiKey)
            .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
            .order_by(ApiKey.created_at.desc(), ApiKey.id)
        )
        return keys.all()

    async def create(self, user_id: UUID, new: NewApiKey) -> Issued:
        """Make a key; raises `ExceedsOwnPermissions`, `TooManyApiKeys`."""
        # Locked, for many at once would all still find fewer than there may be.
        await UserRepository(self._session).find(user_id, lock=True)
        rights = await self._roles.rights(user_id)
        if not rights.permissions.issuperset(new.scopes):
            raise ExceedsOwnPermissions
        if len(await self.list(user_id)) >= _MAX_KEYS:
            raise TooManyApiKeys
        key = ApiKey(
            user_id=user_id, name=new.name, scopes=sorted(new.scopes), expires_at=new.expires_at
        )
        secret = key.renew()
        self._session.add(key)
        await self._session.flush()
        self._audit.record(
            Action.API_KEY_CREATED,
            actor_id=user_id,
            user_id=user_id,
            api_key_id=str(key.id),
            scopes=key.scopes,
        )
        return Issued(key, secret)

    async def rotate(self, user_id: UUID, key_id: UUID, *, overlap: timedelta) -> Issued:
        """Replace a key by a new one with the same rights; raises `ApiKeyNotFound`."""
        key = await self._own(user_id, key_id)
        secret = key.renew(overlap=overlap)
        self._audit.record(
            Action.API_KEY_ROTATED, actor_id=user_id, user_id=user_id, api_key_id=str(key_id)
        )
        return Issued(key, secret)

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """Make a key worthless, and its tokens that are out; raises `ApiKeyNotFound`."""
        key = await self._own(user_id, key_id)
        key.revoked_at = now()
        await revoke(self._session, user_id, session_id=key_id)
        self._audit.record(
            Action.API_KEY_REVOKED, actor_id=user_id, user_id=user_id, api_key_id=str(key_id)
        )

    async def exchange(self, secret: str) -> str:
        """Return a token for a key, with those of its scopes that its owner still has.

        Raises `InvalidApiKey`, whatever is wrong.
        """
        hashed = digest(secret)
        key = await self._session.scalar(
            sa.select(ApiKey).where(
                sa.or_(ApiKey.digest == hashed, ApiKey.previous_digest == hashed)
            )
        )
        user = await self._session.get(User, key.user_id) if key is not None else None
        if key is None or user is None or not key.accepts(hashed) or not user.is_active:
            raise InvalidApiKey
        if key.last_used_at is None or key.last_used_at < now() - _SEEN_EVERY:
            key.last_used_at = now()
        rights = await self._roles.rights(user.id)
        return self._signer.api_key_token(
            user_id=user.id,
            key_id=key.id,
            version=user.rights_version,
            scopes=rights.permissions.intersection(key.scopes),
            seconds=TOKEN_SECONDS,
        )

    async def _own(self, user_id: UUID, key_id: UUID) -> ApiKey:
        key = await self._session.get(ApiKey, key_id, with_for_update=True)
        if key is None or key.user_id != user_id or key.revoked_at is not None:
            raise ApiKeyNotFound
        return key
