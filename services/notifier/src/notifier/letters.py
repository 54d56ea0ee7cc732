"""Puts mails into words: the templates, and all that stands around their text."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from uuid import NAMESPACE_URL, uuid5

from common.envelope import Envelope
from contracts import Recipient
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifier.errors import MailRefused


class Letters:
    """Writes mails in the language of their readers.

    Each is a pair of templates, whose text begins with the subject. What a template prints are
    data: they stay on their line, and in HTML they stay text.
    """

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._templates = Environment(
            loader=PackageLoader("notifier"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            finalize=_on_one_line,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(
        self, name: str, recipient: Recipient, *, cause: Envelope, **values: object
    ) -> EmailMessage:
        """Write the mail to which an event leads; raises `MailRefused` without an address.

        The same event always leads to the same Message-ID, by which a reader's mail program or
        server can tell a repetition.
        """
        values |= {"username": recipient.username, "language": recipient.language}
        template = f"{recipient.language}/{name}"
        subject, _, text = self._render(f"{template}.txt", values).partition("\n")
        html = self._render(f"{template}.html", {**values, "subject": subject})

        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = _address(recipient.email)
        message["Subject"] = subject
        message["Date"] = datetime.now(UTC)
        identity = uuid5(NAMESPACE_URL, f"{cause.source}/{cause.id}")
        message["Message-ID"] = f"<{identity}@{message['From'].addresses[0].domain}>"
        message["Auto-Submitted"] = "auto-generated"  # nobody's holiday notice answers (RFC 3834)
        message.set_content(text.strip() + "\n", cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        message["Content-Language"] = recipient.language  # last: new content drops what was there
        return message

    def _render(self, template: str, values: dict[str, object]) -> str:
        return self._templates.get_template(template).render(values)


def _address(email: str) -> Address:
    """Return it as one address, whatever it holds; a comma in it makes no second one."""
    username, _, domain = email.rpartition("@")
    try:
        return Address(username=username, domain=domain)
    except ValueError:
        raise MailRefused("not an address") from None


def _on_one_line(value: object) -> object:
    """Replace line breaks and what else would change the text around it, such as its direction."""
    if not isinstance(value, str):
        return value
    return "".join(character if character.isprintable() else " " for character in value)
