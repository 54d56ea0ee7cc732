"""What can be done with accounts and sessions, whoever asks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

import structlog
from common.errors import Unauthorized
from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import InvalidCredentials, InvalidRefreshToken, RefreshTokenReused
from auth.models import RefreshToken, User, UserSession
from auth.password_policy import classic
from auth.passwords import Passwords
from auth.repository import AuthRepository
from auth.schemas import Credentials, RefreshRequest, Registration
from auth.tokens import TokenSigner, digest, new_refresh_token

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Grant:
    """What a user gets for a password or a refresh token."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int


class AuthService:
    """The use cases of accounts and sessions."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        passwords: Passwords,
        signer: TokenSigner,
        session_lifetime: timedelta,
    ) -> None:
        self._session = session
        self._repository = AuthRepository(session)
        self._passwords = passwords
        self._signer = signer
        self._session_lifetime = session_lifetime

    async def register(self, new: Registration) -> User:
        """Open an account; raises `WeakPassword`, `EmailTaken`, `UsernameTaken`."""
        password = new.password.get_secret_value()
        classic(password, username=new.username)
        user = User(
            email=new.email,
            username=new.username,
            password_hash=await self._passwords.hash(password),
            first_name=new.first_name,
            last_name=new.last_name,
        )
        await self._repository.add_user(user)
        return user

    async def login(self, credentials: Credentials) -> Grant:
        """Begin a session; raises `InvalidCredentials`, `AccountDeactivated`."""
        record = await self._repository.find_password(credentials.username)
        # Nothing has been written: this only gives the connection back, so that many logins at
        # once, waiting for a thread, do not take the database away from everybody else.
        await self._session.rollback()
        password_hash = record.password_hash if record else None
        right = await self._passwords.verify(credentials.password.get_secret_value(), password_hash)
        user = await self._repository.find_user(record.user_id) if record and right else None
        if user is None:
            raise InvalidCredentials
        session = UserSession.begin(user, lifetime=self._session_lifetime)
        await self._repository.add_session(session)
        return await self._grant(user, session)

    async def refresh(self, request: RefreshRequest) -> Grant:
        """Exchange a refresh token for a new pair, once.

        A token that comes a second time is in two hands, the owner's and a thief's, and nobody
        can tell which is which; so the whole session ends, the newest token included (RFC 9700,
        section 4.14). There is no period of grace. Of many requests with one token at the same
        moment exactly one succeeds, and the others end the session that it has just renewed: a
        client must never refresh in parallel, nor repeat a refresh whose answer was lost, but
        sign in again.

        Raises `InvalidRefreshToken`, `RefreshTokenReused`, `SessionEnded`, `AccountDeactivated`.
        """
        token = digest(request.refresh_token.get_secret_value())
        session = await self._repository.spend(token)
        if session is None:
            await self._refuse(token)
        session.require_live()
        user = await self.user(session.user_id)
        user.require_active()
        return await self._grant(user, session)

    async def user(self, user_id: UUID) -> User:
        """Return a user; raises `Unauthorized`, for who holds a token may be gone since."""
        user = await self._repository.find_user(user_id)
        if user is None:
            raise Unauthorized("The account no longer exists.", invalid_token=True)
        return user

    async def logout(self, session_id: UUID) -> None:
        """End a session: its refresh tokens are refused from now on.

        Its access tokens run out by themselves, within minutes, for now: the deny-list that ends
        them at once comes later.
        """
        session = await self._repository.lock_session(session_id)
        if session is not None:
            session.revoke()

    def ticket(self, *, user_id: UUID, session_id: UUID) -> str:
        """Return a ticket that opens one stream; whoever accepts it remembers its `jti`."""
        return self._signer.ticket(user_id=user_id, session_id=session_id)

    async def _grant(self, user: User, session: UserSession) -> Grant:
        refresh_token = new_refresh_token()
        await self._repository.add_refresh_token(
            RefreshToken(digest=digest(refresh_token), session_id=session.id)
        )
        return Grant(
            user=user,
            access_token=self._signer.access_token(user_id=user.id, session_id=session.id),
            refresh_token=refresh_token,
            expires_in=self._signer.access_token_seconds,
        )

    async def _refuse(self, token: bytes) -> NoReturn:
        """Say why a token could not be spent, and end the session of one that was spent before."""
        session_id = await self._repository.find_session_of(token)
        if session_id is None:
            raise InvalidRefreshToken
        await self.logout(session_id)
        logger.warning("refresh token reused", session_id=str(session_id))
        raise RefreshTokenReused
