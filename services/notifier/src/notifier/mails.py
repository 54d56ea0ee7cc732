"""Which mail somebody gets, and when: at most one for each event."""

from uuid import UUID

import structlog
from common.envelope import Envelope
from contracts import (
    Recipient,
    ReportCompleted,
    RevocationReason,
    SessionRevoked,
    UserEmailChangeRequested,
    UserEmailVerificationRequested,
    UserPasswordChanged,
    UserPasswordResetRequested,
    UserRegistered,
    UserRolesChanged,
    UserVerified,
)
from prometheus_client import Counter

from notifier.errors import MailRefused
from notifier.letters import Letters
from notifier.links import Links
from notifier.mailer import Mailer

logger = structlog.get_logger(__name__)

mails = Counter("notifier_mails", "Mails by what became of them.", ["mail", "outcome"])


class MailService:
    """Writes to people about their accounts and their reports."""

    def __init__(self, letters: Letters, mailer: Mailer, links: Links) -> None:
        self._letters = letters
        self._mailer = mailer
        self._links = links

    async def ask_for_confirmation(
        self, event: UserRegistered | UserEmailVerificationRequested, envelope: Envelope
    ) -> None:
        """Send the link by which the owner of an account shows that the address is theirs."""
        link = self._links.confirm_address(event.sealed_link)
        await self._send("confirm-address", event.user_id, event.recipient, envelope, link=link)

    async def welcome(self, event: UserVerified, envelope: Envelope) -> None:
        """Greet somebody whose account can be used from now on."""
        await self._send("welcome", event.user_id, event.recipient, envelope)

    async def confirm_new_address(
        self, event: UserEmailChangeRequested, envelope: Envelope
    ) -> None:
        """Send a link to the address that the owner of an account wants to have."""
        link = self._links.confirm_address(event.sealed_link)
        await self._send("new-address", event.user_id, event.recipient, envelope, link=link)

    async def help_with_password(
        self, event: UserPasswordResetRequested, envelope: Envelope
    ) -> None:
        """Send the link by which a forgotten password is replaced."""
        link = self._links.reset_password(event.sealed_link)
        await self._send("reset-password", event.user_id, event.recipient, envelope, link=link)

    async def warn_of_new_password(self, event: UserPasswordChanged, envelope: Envelope) -> None:
        """Tell that the password was changed, in case it was somebody else."""
        await self._send("password-changed", event.user_id, event.recipient, envelope)

    async def tell_roles(self, event: UserRolesChanged, envelope: Envelope) -> None:
        """Tell which roles an account has from now on."""
        user_id, recipient = event.user_id, event.recipient
        await self._send("roles-changed", user_id, recipient, envelope, roles=event.roles)

    async def warn_of_stolen_session(self, event: SessionRevoked, envelope: Envelope) -> None:
        """Tell that a session may have been stolen; any other end is the owner's own doing."""
        if event.reason is RevocationReason.TOKEN_REUSED:
            await self._send("session-stolen", event.user_id, event.recipient, envelope)

    async def tell_report(self, event: ReportCompleted, envelope: Envelope) -> None:
        """Tell that a report is ready or could not be made, to whoever wants a mail about it."""
        if event.recipient is None:
            return
        owner, recipient = event.owner_id, event.recipient
        if event.error is None:
            await self._send("report-ready", owner, recipient, envelope, rows=event.rows)
        else:
            await self._send("report-failed", owner, recipient, envelope, error=event.error)

    async def _send(
        self, name: str, user_id: UUID, recipient: Recipient, cause: Envelope, **values: object
    ) -> None:
        """Send a mail; raises `Unavailable` when it can only be sent later."""
        try:
            await self._mailer.send(self._letters.write(name, recipient, cause=cause, **values))
        except MailRefused as refusal:
            logger.warning("mail refused", mail=name, user_id=str(user_id), reason=str(refusal))
            mails.labels(name, "refused").inc()
        else:
            logger.info("mail sent", mail=name, user_id=str(user_id))
            mails.labels(name, "sent").inc()
