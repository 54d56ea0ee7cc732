"""What can be done with sessions: begin one, renew it, list them, end them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

import structlog
from common import outbox
from common.errors import Unauthorized
from contracts import RevocationReason, SessionRevoked
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import SOURCE
from auth.device import Device
from auth.opaque import digest, new_secret
from auth.revocations.relay import revoke
from auth.roles.repository import Rights, RoleRepository
from auth.sessions.cookies import CsrfTokens
from auth.sessions.errors import (
    CsrfTokenInvalid,
    InvalidRefreshToken,
    RefreshTokenReused,
    SessionNotFound,
)
from auth.sessions.models import RefreshToken, UserSession
from auth.sessions.repository import SessionRepository
from auth.sessions.tokens import TokenSigner
from auth.users.models import User
from auth.users.repository import UserRepository

logger = structlog.get_logger(__name__)

_BY_THE_USER = {RevocationReason.LOGOUT, RevocationReason.PASSWORD_CHANGED}


@dataclass(frozen=True)
class Grant:
    """What a user gets for a password or a refresh token."""

    user: User
    rights: Rights
    session: UserSession
    access_token: str
    refresh_token: str
    expires_in: int
    csrf_token: str


class SessionService:
    """The use cases of sessions."""

    def __init__(
        self,
        session: AsyncSession,
        device: Device,
        audit: AuditLog,
        *,
        signer: TokenSigner,
        csrf: CsrfTokens,
        lifetime: timedelta,
        idle: timedelta,
    ) -> None:
        self._session = session
        self._device = device
        self._audit = audit
        self._sessions = SessionRepository(session)
        self._users = UserRepository(session)
        self._roles = RoleRepository(session)
        self._signer = signer
        self._csrf = csrf
        self._lifetime = lifetime
        self._idle = idle

    async def begin(
        self, user: User, *, uses_cookies: bool = False, replaced: str | None = None
    ) -> Grant:
        """Sign somebody in; raises `AccountDeactivated`.

        `replaced` is the refresh token that the browser has had so far: its session ends, for
        nobody could sign out of it there any more.
        """
        session = UserSession.begin(
            user,
            self._device,
            lifetime=self._lifetime,
            idle=self._idle,
            uses_cookies=uses_cookies,
        )
        former = await self._sessions.find_session_of(digest(replaced)) if replaced else None
        if former is not None:
            await self.end(former, RevocationReason.LOGOUT)
        await self._sessions.add(session)
        self._audit.record(
            Action.LOGIN_SUCCEEDED, actor_id=user.id, user_id=user.id, session_id=str(session.id)
        )
        return await self._grant(user, session)

    async def refresh(
        self, refresh_token: str, *, csrf_token: str | None, by_cookie: bool = False
    ) -> Grant:
        """Exchange a refresh token for a new pair, once.

        A token that comes a second time is in two hands, the owner's and a thief's, and nobody
        can tell which is which; so the whole session ends, the newest token included (RFC 9700,
        section 4.14). There is no period of grace. Of many requests with one token at the same
        moment exactly one succeeds, and the others end the session that it has just renewed: a
        client must never refresh in parallel, nor repeat a refresh whose answer was lost, but
        sign in again.

        Raises `InvalidRefreshToken`, `RefreshTokenReused`, `SessionEnded`, `AccountDeactivated`,
        `CsrfTokenInvalid`.
        """
        spent = digest(refresh_token)
        session = await self._sessions.spend(spent)
        if session is None:
            await self._refuse(spent)
        if session.uses_cookies != by_cookie:
            raise InvalidRefreshToken
        if by_cookie and not self._csrf.is_right(csrf_token, session.id):
            raise CsrfTokenInvalid
        session.renew(self._device, idle=self._idle)
        user = await self.user(session.user_id)
        user.require_active()
        return await self._grant(user, session)

    async def user(self, user_id: UUID, *, lock: bool = False) -> User:
        """Return a user; raises `Unauthorized`, for who holds a token may be gone since."""
        user = await self._users.find(user_id, lock=lock)
        if user is None:
            raise Unauthorized("The account no longer exists.", invalid_token=True)
        return user

    async def list(self, user_id: UUID, *, current: UUID) -> Sequence[tuple[UserSession, bool]]:
        """Return where a user is signed in, and of each whether it is the current one."""
        sessions = await self._sessions.live(user_id)
        return [(session, session.id == current) for session in sessions]

    async def end_own(self, user_id: UUID, session_id: UUID) -> None:
        """End one of a user's sessions; raises `SessionNotFound`."""
        session = await self._sessions.lock(session_id)
        if session is None or session.user_id != user_id or not session.is_live:
            raise SessionNotFound
        await self._end(session, await self.user(user_id), RevocationReason.LOGOUT)

    async def end(self, session_id: UUID, reason: RevocationReason) -> None:
        """End a session: all its tokens are refused from now on."""
        session = await self._sessions.lock(session_id)
        if session is not None and session.is_live:
            user = await self._users.find(session.user_id)
            if user is not None:
                await self._end(session, user, reason)

    async def end_all(
        self, user: User, reason: RevocationReason, *, keep: UUID | None = None
    ) -> None:
        """End all of a user's sessions, but for the one to keep."""
        for session in await self._sessions.live(user.id, lock=True):
            if session.id != keep:
                await self._end(session, user, reason)

    async def shrink_rights(self, user: User) -> None:
        """Refuse the access tokens that are out; sessions go on and bring new ones."""
        user.rights_version += 1
        await revoke(self._session, user.id, version=user.rights_version)

    def ticket(
        self, *, user_id: UUID, session_id: UUID, version: int, permissions: frozenset[str]
    ) -> str:
        """Return a ticket that opens one stream; whoever accepts it remembers its `jti`."""
        return self._signer.ticket(
            user_id=user_id, session_id=session_id, version=version, permissions=permissions
        )

    async def _end(self, session: UserSession, user: User, reason: RevocationReason) -> None:
        session.revoke()
        await revoke(self._session, user.id, session_id=session.id)
        self._audit.record(
            Action.SESSION_REVOKED,
            actor_id=user.id if reason in _BY_THE_USER else None,
            user_id=user.id,
            session_id=str(session.id),
            reason=reason.value,
        )
        event = SessionRevoked(
            user_id=user.id, session_id=session.id, recipient=user.recipient, reason=reason
        )
        await outbox.record(self._session, event, source=SOURCE)

    async def _grant(self, user: User, session: UserSession) -> Grant:
        refresh_token = new_secret()
        await self._sessions.add_refresh_token(
            RefreshToken(digest=digest(refresh_token), session_id=session.id)
        )
        rights = await self._roles.rights(user.id)
        access_token = self._signer.access_token(
            user_id=user.id,
            session_id=session.id,
            version=user.rights_version,
            rights=rights,
            csrf=self._csrf.digest(session.id) if session.uses_cookies else None,
        )
        return Grant(
            user=user,
            rights=rights,
            session=session,
            access_token=access_token,
            refresh_token=refresh_token,
            expires_in=self._signer.access_token_seconds,
            csrf_token=self._csrf.token(session.id),
        )

    async def _refuse(self, token: bytes) -> NoReturn:
        """Say why a token could not be spent, and end the session of one that was spent before."""
        session_id = await self._sessions.find_session_of(token)
        if session_id is None:
            raise InvalidRefreshToken
        session = await self._sessions.lock(session_id)
        user_id = session.user_id if session is not None else None
        self._audit.record(
            Action.TOKEN_REUSED, actor_id=None, user_id=user_id, session_id=str(session_id)
        )
        await self.end(session_id, RevocationReason.TOKEN_REUSED)
        logger.warning("refresh token reused", session_id=str(session_id))
        raise RefreshTokenReused
