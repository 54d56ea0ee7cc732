"""Signing in: the password, then the second factor if there is one."""

from uuid import UUID

from common.errors import Unauthorized
from common.security import TokenVerifier
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.device import Device
from auth.mfa.errors import InvalidMfaToken
from auth.mfa.service import MfaService
from auth.passwords.hashing import Passwords
from auth.sessions.errors import InvalidCredentials, MfaRequired
from auth.sessions.schemas import Credentials, MfaVerification
from auth.sessions.service import Grant, SessionService
from auth.sessions.throttle import SECOND_FACTOR, Throttle
from auth.sessions.tokens import MFA_SECONDS, MFA_TOKEN, TokenSigner
from auth.users.models import User
from auth.users.repository import UserRepository


class LoginService:
    """The use cases of signing in."""

    def __init__(
        self,
        session: AsyncSession,
        device: Device,
        audit: AuditLog,
        *,
        sessions: SessionService,
        mfa: MfaService,
        passwords: Passwords,
        throttle: Throttle,
        signer: TokenSigner,
        tokens: TokenVerifier,
    ) -> None:
        self._session = session
        self._device = device
        self._audit = audit
        self._users = UserRepository(session)
        self._sessions = sessions
        self._mfa = mfa
        self._passwords = passwords
        self._throttle = throttle
        self._signer = signer
        self._tokens = tokens

    async def login(
        self,
        credentials: Credentials,
        *,
        uses_cookies: bool = False,
        replaced: str | None = None,
    ) -> Grant:
        """Begin a session with a password.

        Raises `TooManyAttempts`, `InvalidCredentials`, `AccountDeactivated`, `MfaRequired`.
        """
        attempt = await self._throttle.login(credentials.username, self._device)
        user = await self._check_password(credentials)
        if await self._mfa.is_on(user.id):
            user.require_active()
            self._audit.record(Action.LOGIN_MFA_REQUIRED, actor_id=None, user_id=user.id)
            token = self._signer.mfa_token(user_id=user.id, version=user.rights_version)
            await attempt.succeed()
            raise MfaRequired(token, expires_in=MFA_SECONDS)
        grant = await self._sessions.begin(user, uses_cookies=uses_cookies, replaced=replaced)
        await attempt.succeed()
        return grant

    async def verify(
        self,
        request: MfaVerification,
        *,
        uses_cookies: bool = False,
        replaced: str | None = None,
    ) -> Grant:
        """Begin a session with the second factor, after the password was right.

        Raises `InvalidMfaToken`, `TooManyAttempts`, `InvalidCode`, `AccountDeactivated`.
        """
        user = await self._sessions.user(await self._waiting(request), lock=True)
        attempt = await self._throttle.guess(SECOND_FACTOR, user.id)
        await self._mfa.check(user.id, request.code)
        grant = await self._sessions.begin(user, uses_cookies=uses_cookies, replaced=replaced)
        await attempt.succeed()
        return grant

    async def _check_password(self, credentials: Credentials) -> User:
        password = credentials.password.get_secret_value()
        # In lower case by Python's rules, which the throttle counts by: PostgreSQL's find an "i"
        # in "İ", and each way to write a name would have attempts of its own.
        login = credentials.username.lower()
        while True:
            record = await self._users.find_password(login)
            # Nothing has been written: this only gives the connection back, so that many logins
            # at once, waiting for a thread, do not take the database away from everybody else.
            await self._session.rollback()
            password_hash = record.password_hash if record else None
            verdict = await self._passwords.verify(password, password_hash)
            if record is None or not verdict.right:
                user_id = record.user_id if record else None
                self._audit.record(Action.LOGIN_FAILED, actor_id=None, user_id=user_id)
                raise InvalidCredentials
            user = await self._users.find(record.user_id, lock=True)
            if user is not None and user.password_hash == password_hash:
                break
            # Somebody has replaced the password meanwhile, and ended the sessions that there
            # were: one more must not begin with the old one.
            await self._session.rollback()
        if verdict.new_hash is not None:  # the costs have been raised since it was made
            user.password_hash = verdict.new_hash
        return user

    async def _waiting(self, request: MfaVerification) -> UUID:
        """Return who has to show a second factor; raises `InvalidMfaToken`."""
        try:
            token = request.mfa_token.get_secret_value()
            return (await self._tokens.verify(token, kind=MFA_TOKEN)).id
        except Unauthorized as error:
            raise InvalidMfaToken from error
