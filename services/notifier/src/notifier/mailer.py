"""Hands mails to an SMTP server, and tells refusals that are final from those that are not."""

from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from common.errors import Unavailable

from notifier.errors import MailRefused
from notifier.settings import SmtpSettings

_FINAL = 500
"""From here on an SMTP code means: do not try this again (RFC 5321, section 4.2.1)."""


class Mailer:
    """Sends mails, each over a connection of its own."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage) -> None:
        """Return when the server has taken the mail.

        Raises `MailRefused` when it will never take this one, and `Unavailable` for all that
        may pass, a wrong password of ours included. Neither says more than the code: servers
        like to repeat the address.
        """
        try:
            async with self._client() as client:
                await _hand_over(client, message)
        except SMTPResponseException as error:
            raise _unavailable(f"{type(error).__name__} {error.code}") from None
        except (SMTPException, OSError) as error:
            raise _unavailable(type(error).__name__) from None

    def _client(self) -> SMTP:
        settings = self._settings
        password = settings.smtp_password
        return SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            timeout=settings.smtp_seconds,
        )


async def _hand_over(client: SMTP, message: EmailMessage) -> None:
    try:
        await client.send_message(message)
    except (SMTPDataError, SMTPRecipientsRefused) as error:
        answer = error if isinstance(error, SMTPDataError) else error.recipients[0]
        if answer.code >= _FINAL:
            raise MailRefused(f"SMTP {answer.code}") from None
        raise answer from None
    except (SMTPNotSupported, ValueError):
        raise MailRefused("the server takes no such address") from None


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"The mail server does not take mails: {why}.")
