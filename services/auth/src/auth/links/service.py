"""What can be done with links: mail one, and follow one."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from common import outbox
from contracts import (
    EmailLinkPurpose,
    EmailLinkRequested,
    UserEmailChangeRequested,
    UserEmailVerificationRequested,
    UserPasswordResetRequested,
    UserRegistered,
)
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from auth.base import SOURCE, now
from auth.links.errors import InvalidLink, TooManyLinks
from auth.links.models import EmailLink
from auth.opaque import digest, new_secret
from auth.users.models import User
from auth.users.repository import UserRepository

logger = structlog.get_logger(__name__)

LIFETIMES = {
    EmailLinkPurpose.VERIFY_EMAIL: timedelta(days=3),
    EmailLinkPurpose.CHANGE_EMAIL: timedelta(days=1),
    EmailLinkPurpose.RESET_PASSWORD: timedelta(hours=1),
}
LinkEvent = (
    UserRegistered
    | UserEmailVerificationRequested
    | UserEmailChangeRequested
    | UserPasswordResetRequested
)
_EVENTS: Mapping[EmailLinkPurpose, type[LinkEvent]] = {
    EmailLinkPurpose.VERIFY_EMAIL: UserEmailVerificationRequested,
    EmailLinkPurpose.CHANGE_EMAIL: UserEmailChangeRequested,
    EmailLinkPurpose.RESET_PASSWORD: UserPasswordResetRequested,
}
_MAX_LATELY, _LATELY = 5, timedelta(hours=1)
"""So that nobody can fill somebody else's mailbox."""


class LinkService:
    """The use cases of links; `seal` encrypts a link for who writes the mail."""

    def __init__(self, session: AsyncSession, seal: Fernet) -> None:
        self._session = session
        self._seal = seal

    async def greet(self, user: User) -> None:
        """Announce a new account, with the link that verifies its address."""
        await self._issue(user, EmailLinkPurpose.VERIFY_EMAIL, UserRegistered)

    async def mail(
        self, user: User, purpose: EmailLinkPurpose, *, email: str | None = None
    ) -> None:
        """Have a link mailed, to the user's address or to the one that they want to have.

        Raises `TooManyLinks`.
        """
        if await self._issued_lately(user.id, purpose) >= _MAX_LATELY:
            raise TooManyLinks(retry_after=int(_LATELY.total_seconds()))
        await self._issue(user, purpose, _EVENTS[purpose], email=email)

    async def ask(self, email: str, purpose: EmailLinkPurpose) -> None:
        """Have it found out elsewhere whether there is such an account, and then mail a link.

        So this takes equally long for everybody.
        """
        event = EmailLinkRequested(email=email, purpose=purpose)
        await outbox.record(self._session, event, source=SOURCE)

    async def answer(self, event: EmailLinkRequested) -> None:
        """Mail a link if there is such an account and it has not been mailed too many."""
        user = await UserRepository(self._session).find_by_email(event.email)
        if user is None or not user.is_active:
            logger.info("link asked for by a stranger", purpose=event.purpose.value)
            return
        if event.purpose is EmailLinkPurpose.VERIFY_EMAIL and user.email_verified:
            return
        try:
            await self.mail(user, event.purpose)
        except TooManyLinks:
            logger.warning("too many links", user_id=str(user.id), purpose=event.purpose.value)

    async def follow(self, secret: str, *purposes: EmailLinkPurpose) -> EmailLink:
        """Use a link up; raises `InvalidLink`.

        Which others it makes worthless, the caller knows.
        """
        hashed = digest(secret)
        # The user first, like whoever changes the account: in another order two could each hold
        # what the other waits for.
        await self._session.execute(
            sa.select(User.id)
            .join(EmailLink, EmailLink.user_id == User.id)
            .where(EmailLink.digest == hashed)
            .with_for_update(of=User, key_share=True)
        )
        link: EmailLink | None = await self._session.scalar(
            sa.update(EmailLink)
            .where(
                EmailLink.digest == hashed,
                EmailLink.purpose.in_([purpose.value for purpose in purposes]),
                EmailLink.used_at.is_(None),
                EmailLink.expires_at > now(),
            )
            .values(used_at=now())
            .returning(EmailLink)
        )
        if link is None:
            raise InvalidLink
        return link

    async def cancel(self, user_id: UUID, *purposes: EmailLinkPurpose) -> None:
        """Make all links of these kinds that a user has been mailed worthless."""
        await self._session.execute(
            sa.update(EmailLink)
            .where(
                EmailLink.user_id == user_id,
                EmailLink.purpose.in_([purpose.value for purpose in purposes]),
                EmailLink.used_at.is_(None),
            )
            .values(used_at=now())
        )

    async def _issue(
        self,
        user: User,
        purpose: EmailLinkPurpose,
        event: type[LinkEvent],
        *,
        email: str | None = None,
    ) -> None:
        recipient = user.recipient.model_copy(update={"email": email or user.email})
        secret = new_secret()
        self._session.add(
            EmailLink(
                digest=digest(secret),
                user_id=user.id,
                purpose=purpose.value,
                email=recipient.email,
                expires_at=now() + LIFETIMES[purpose],
            )
        )
        await self._session.flush()
        sealed = self._seal.encrypt(secret.encode()).decode()
        announcement = event(user_id=user.id, recipient=recipient, sealed_link=sealed)
        await outbox.record(self._session, announcement, source=SOURCE)

    async def _issued_lately(self, user_id: UUID, purpose: EmailLinkPurpose) -> int:
        # Locked, for many requests at once would all still find few.
        await UserRepository(self._session).find(user_id, lock=True)
        count = await self._session.scalar(
            sa.select(sa.func.count())
            .select_from(EmailLink)
            .where(
                EmailLink.user_id == user_id,
                EmailLink.purpose == purpose.value,
                EmailLink.issued_at > now() - _LATELY,
            )
        )
        return count or 0
