"""Which event leads to what: messages on sockets and mails, each from a queue of their own.

A mail server may be slow or away; what is for the sockets never waits behind a mail.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from common.broker import QueueSpec
from common.consumer import Handler, Handlers
from common.database import Sessions, transaction
from common.envelope import Envelope
from common.inbox import seen_before
from contracts import (
    DocumentDeleted,
    DocumentPurged,
    DocumentRestored,
    DocumentUpdated,
    Event,
    OcrCancelled,
    OcrCompleted,
    OcrFailed,
    OcrProgress,
    ReportCompleted,
    ReportProgress,
    SessionRevoked,
    UserEmailChangeRequested,
    UserEmailVerificationRequested,
    UserPasswordChanged,
    UserPasswordResetRequested,
    UserRegistered,
    UserRolesChanged,
    UserVerified,
)

from notifier.mails import MailService
from notifier.notifications import NotificationService

HANDLERS: dict[type[Event], Callable[[NotificationService, Any, Envelope], Awaitable[None]]] = {
    OcrProgress: NotificationService.tell_progress,
    OcrCompleted: NotificationService.tell_completion,
    OcrFailed: NotificationService.tell_failure,
    OcrCancelled: NotificationService.tell_cancellation,
    DocumentUpdated: NotificationService.tell_update,
    DocumentDeleted: NotificationService.tell_deletion,
    DocumentRestored: NotificationService.tell_restoration,
    DocumentPurged: NotificationService.tell_purge,
    ReportProgress: NotificationService.tell_report_progress,
    ReportCompleted: NotificationService.tell_report_completion,
}

MAIL_HANDLERS: dict[type[Event], Callable[[MailService, Any, Envelope], Awaitable[None]]] = {
    UserRegistered: MailService.ask_for_confirmation,
    UserEmailVerificationRequested: MailService.ask_for_confirmation,
    UserVerified: MailService.welcome,
    UserEmailChangeRequested: MailService.confirm_new_address,
    UserPasswordResetRequested: MailService.help_with_password,
    UserPasswordChanged: MailService.warn_of_new_password,
    UserRolesChanged: MailService.tell_roles,
    SessionRevoked: MailService.warn_of_stolen_session,
    ReportCompleted: MailService.tell_report,
}

QUEUE = QueueSpec("notifier", events=tuple(event.name for event in HANDLERS))
MAIL_QUEUE = QueueSpec("notifier.mail", events=tuple(event.name for event in MAIL_HANDLERS))


def handlers(service: NotificationService) -> Handlers:
    """Return the table as the consumer wants it: each handler with the service it belongs to."""
    return {event: partial(handler, service) for event, handler in HANDLERS.items()}


def mail_handlers(service: MailService, sessions: Sessions) -> Handlers:
    """Return the table of mails, each of which goes out once however often its event comes.

    The mail is sent inside the transaction that notes the event. Only a crash between the mail
    server's last word and the commit repeats it, with the same Message-ID.
    """
    return {
        event: partial(_once, sessions, partial(handler, service))
        for event, handler in MAIL_HANDLERS.items()
    }


async def _once(sessions: Sessions, handler: Handler, event: Event, envelope: Envelope) -> None:
    async with transaction(sessions) as session:
        if not await seen_before(session, envelope):
            await handler(event, envelope)
