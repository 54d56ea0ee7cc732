"""What can be done with one's own account."""

from uuid import UUID

from common import outbox
from contracts import (
    EmailLinkPurpose,
    RevocationReason,
    UserDeleted,
    UserPasswordChanged,
    UserVerified,
)
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from auth.accounts.schemas import (
    AccountDeletion,
    EmailChange,
    PasswordChange,
    PasswordReset,
    ProfileUpdate,
    Registration,
)
from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import SOURCE
from auth.links.service import LinkService
from auth.mfa.service import MfaService
from auth.passwords.errors import WrongPassword
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy, require_strong
from auth.roles.models import USER
from auth.roles.repository import RoleRepository
from auth.roles.service import require_another_administrator
from auth.sessions.service import SessionService
from auth.sessions.throttle import CONFIRMATION, Throttle
from auth.users.models import Language, User
from auth.users.repository import UserRepository


class AccountService:
    """The use cases of one's own account."""

    def __init__(
        self,
        session: AsyncSession,
        audit: AuditLog,
        *,
        sessions: SessionService,
        links: LinkService,
        mfa: MfaService,
        passwords: Passwords,
        policy: PasswordPolicy,
        throttle: Throttle,
    ) -> None:
        self._session = session
        self._audit = audit
        self._users = UserRepository(session)
        self._roles = RoleRepository(session)
        self._sessions = sessions
        self._links = links
        self._mfa = mfa
        self._passwords = passwords
        self._policy = policy
        self._throttle = throttle

    async def register(self, new: Registration, *, language: Language) -> User:
        """Open an account; raises `WeakPassword`, `EmailTaken`, `UsernameTaken`."""
        password = new.password.get_secret_value()
        require_strong(password, username=new.username, policy=self._policy)
        user = User(
            email=new.email,
            username=new.username,
            password_hash=await self._passwords.hash(password),
            first_name=new.first_name,
            last_name=new.last_name,
            language=new.language or language,
        )
        await self._users.add(user)
        await self._roles.grant(user.id, USER)
        self._audit.record(Action.USER_REGISTERED, actor_id=user.id, user_id=user.id)
        await self._links.greet(user)
        return user

    async def update(self, user_id: UUID, changes: ProfileUpdate) -> User:
        """Change the profile; raises `UsernameTaken`."""
        user = await self._sessions.user(user_id, lock=True)
        await self._users.change(user, changes.model_dump(exclude_unset=True))
        self._audit.record(
            Action.USER_UPDATED,
            actor_id=user_id,
            user_id=user_id,
            fields=sorted(changes.model_fields_set),
        )
        return user

    async def change_email(self, user_id: UUID, change: EmailChange) -> None:
        """Mail a link to another address; raises `WrongPassword`, `TooManyAttempts`.

        Whether the address has an account already, only its owner learns: it says so when the
        link is followed. Raises `TooManyLinks` too.
        """
        user = await self.confirmed(user_id, change.password, change.code)
        await self._links.cancel(user_id, EmailLinkPurpose.CHANGE_EMAIL)
        await self._links.mail(user, EmailLinkPurpose.CHANGE_EMAIL, email=change.email)
        self._audit.record(Action.EMAIL_CHANGE_REQUESTED, actor_id=user_id, user_id=user_id)

    async def verify_email(self, secret: SecretStr) -> User:
        """Follow a link that was mailed to an address; raises `InvalidLink`, `EmailTaken`."""
        link = await self._links.follow(
            secret.get_secret_value(), EmailLinkPurpose.VERIFY_EMAIL, EmailLinkPurpose.CHANGE_EMAIL
        )
        user = await self._sessions.user(link.user_id)
        first_time = not user.email_verified
        if user.verify_email(link.email):
            await self._users.flush()
            self._audit.record(Action.EMAIL_VERIFIED, actor_id=user.id, user_id=user.id)
        if first_time:
            event = UserVerified(user_id=user.id, recipient=user.recipient)
            await outbox.record(self._session, event, source=SOURCE)
        # A link to the address that it was before would let its reader take the account over.
        await self._links.cancel(
            user.id, EmailLinkPurpose.VERIFY_EMAIL, EmailLinkPurpose.RESET_PASSWORD
        )
        return user

    async def change_password(self, user_id: UUID, session_id: UUID, new: PasswordChange) -> None:
        """Change the password and end all other sessions.

        Raises `WrongPassword`, `TooManyAttempts`, `WeakPassword`.
        """
        user = await self.confirmed(user_id, new.current_password, new.code)
        await self._set_password(user, new.password)
        await self._sessions.end_all(user, RevocationReason.PASSWORD_CHANGED, keep=session_id)
        self._audit.record(Action.PASSWORD_CHANGED, actor_id=user_id, user_id=user_id)

    async def reset_password(self, reset: PasswordReset) -> None:
        """Set a new password by a mailed link, and end all sessions.

        Raises `InvalidLink`, `WeakPassword`; a weak password leaves the link as it was.
        """
        link = await self._links.follow(
            reset.token.get_secret_value(), EmailLinkPurpose.RESET_PASSWORD
        )
        user = await self._sessions.user(link.user_id)
        await self._set_password(user, reset.password)
        await self._sessions.end_all(user, RevocationReason.PASSWORD_CHANGED)
        self._audit.record(Action.PASSWORD_RESET, actor_id=user.id, user_id=user.id)
        await self._throttle.forgive(user.username, user.email, device=self._audit.device)

    async def delete(self, user_id: UUID, deletion: AccountDeletion) -> None:
        """Delete the account; raises `WrongPassword`, `TooManyAttempts`, `LastAdministrator`."""
        user = await self.confirmed(user_id, deletion.password, deletion.code)
        await require_another_administrator(self._roles, user.id)
        await self._sessions.end_all(user, RevocationReason.DELETED)
        await self._sessions.shrink_rights(user)
        await self._users.delete(user)
        event = UserDeleted(user_id=user_id)
        await outbox.record(self._session, event, source=SOURCE)
        self._audit.record(Action.USER_DELETED, actor_id=user_id, user_id=user_id)

    async def confirmed(self, user_id: UUID, password: SecretStr, code: str | None = None) -> User:
        """Return the user if the password is theirs, and the code if they have a second factor.

        Until this transaction ends it stays theirs: of two who replace it, the second is wrong.
        Raises `WrongPassword`, `CodeRequired`, `WrongCode`, `TooManyAttempts`.
        """
        user = await self._sessions.user(user_id, lock=True)
        attempt = await self._throttle.guess(CONFIRMATION, user_id)
        verdict = await self._passwords.verify(password.get_secret_value(), user.password_hash)
        if not verdict.right:
            raise WrongPassword
        await self._mfa.require(user_id, code)
        await attempt.succeed()
        return user

    async def _set_password(self, user: User, password: SecretStr) -> None:
        chars = password.get_secret_value()
        require_strong(chars, username=user.username, policy=self._policy)
        user.password_hash = await self._passwords.hash(chars)
        # A thief who knew the old one may have asked for the account to move to their address.
        await self._links.cancel(
            user.id, EmailLinkPurpose.RESET_PASSWORD, EmailLinkPurpose.CHANGE_EMAIL
        )
        event = UserPasswordChanged(user_id=user.id, recipient=user.recipient)
        await outbox.record(self._session, event, source=SOURCE)
