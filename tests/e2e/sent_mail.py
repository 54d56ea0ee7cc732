"""The mails that the suite has sent, as their recipients see them."""

import re
from email.message import EmailMessage

from common.testing import eventually
from native.stack import Stack

_LINK = re.compile(r"(http\S+?)#token=([\w-]+)")


def mails_to(stack: Stack, address: str) -> list[EmailMessage]:
    return [mail for mail in stack.mailbox() if address in str(mail["To"])]


async def mail_to(stack: Stack, address: str, *, subject: str) -> EmailMessage:
    """Wait for a mail whose subject contains these words."""

    async def find() -> EmailMessage | None:
        found = [m for m in mails_to(stack, address) if subject in str(m["Subject"]).lower()]
        return found[-1] if found else None

    mail = await eventually(find, within=30)
    assert mail is not None
    return mail


def link_in(mail: EmailMessage) -> tuple[str, str]:
    """Return the page that the mail's link leads to, and the secret behind its `#`."""
    body = mail.get_body(("plain",))
    assert body is not None
    link = _LINK.search(body.get_content())
    assert link is not None
    return link[1], link[2]
