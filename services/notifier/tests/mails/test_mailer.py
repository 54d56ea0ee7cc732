"""What a mail server's answers mean."""

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from common.errors import Unavailable
from cryptography.fernet import Fernet
from notifier.errors import LinkUnreadable, MailRefused
from notifier.links import Links
from notifier.mailer import Mailer
from notifier.settings import LinkSettings, SmtpSettings
from pydantic import ValidationError

ADDRESS = "anna@example.org"

MakeMailer = Callable[..., Mailer]


@pytest.fixture
def make_mailer(smtp_port: int) -> MakeMailer:
    def make(**changes: object) -> Mailer:
        normal = {
            "smtp_host": "127.0.0.1",
            "smtp_port": smtp_port,
            "smtp_tls": "none",
            "mail_from": "noreply@quire.example",
        }
        return Mailer(SmtpSettings.model_validate({**normal, **changes}))

    return make


def mail(to: str = ADDRESS) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "noreply@quire.example", to, "Hello"
    message.set_content("Hello")
    return message


@pytest.mark.parametrize(
    ("stage", "answer", "raises"),
    [
        (ADDRESS, "550 no such user", MailRefused),
        (ADDRESS, "450 greylisted", Unavailable),
        ("DATA", "554 spam", MailRefused),
        ("DATA", "451 later", Unavailable),
        ("DATA", "421 closing", Unavailable),
    ],
)
async def test_a_refusal_is_final_or_is_not(
    make_mailer: MakeMailer, mail_server: Any, stage: str, answer: str, raises: type[Exception]
) -> None:
    mail_server.answers[stage] = answer
    with pytest.raises(raises) as caught:
        await make_mailer().send(mail())

    assert answer[:3] in str(caught.value)
    assert mail_server.mails == []


async def test_a_server_that_says_nothing_is_given_up(
    make_mailer: MakeMailer, mail_server: Any
) -> None:
    mail_server.takes_mails.clear()
    with pytest.raises(Unavailable):
        await make_mailer(smtp_seconds=0.2).send(mail())


async def test_no_mail_goes_out_in_the_clear_where_tls_is_wanted(
    make_mailer: MakeMailer, mail_server: Any
) -> None:
    for tls in ("starttls", "tls"):
        with pytest.raises(Unavailable):
            await make_mailer(smtp_tls=tls, smtp_seconds=1).send(mail())

    assert mail_server.asked == 0


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_a_wrong_password_of_ours_is_an_outage(
    make_mailer: MakeMailer, new_mail_server: Any, smtp_port: int, password: str
) -> None:
    def authenticate(*arguments: Any) -> AuthResult:
        login = arguments[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password == b"right", handled=False)

    options = {"authenticator": authenticate, "auth_require_tls": False}
    mailer = make_mailer(smtp_username="quire", smtp_password=password)
    async with new_mail_server.listening(smtp_port, **options):
        if password == "right":
            await mailer.send(mail())
        else:
            with pytest.raises(Unavailable, match="535"):
                await mailer.send(mail())

    assert len(new_mail_server.mails) == (password == "right")


@pytest.mark.parametrize("speaks_utf8", [True, False])
async def test_an_address_with_an_umlaut_needs_a_server_that_takes_it(
    make_mailer: MakeMailer, new_mail_server: Any, smtp_port: int, speaks_utf8: bool
) -> None:
    async with new_mail_server.listening(smtp_port, enable_SMTPUTF8=speaks_utf8):
        if speaks_utf8:
            await make_mailer().send(mail("jürgen@example.org"))
        else:
            with pytest.raises(MailRefused):
                await make_mailer().send(mail("jürgen@example.org"))

    assert len(new_mail_server.mails) == speaks_utf8


@pytest.mark.parametrize("sender", ["", "Quire", "a@b.example, c@d.example", "a@b\nBcc: c@d"])
def test_mails_are_from_exactly_one_address(make_mailer: MakeMailer, sender: str) -> None:
    with pytest.raises(ValidationError, match="mail_from"):
        make_mailer(mail_from=sender)


def test_a_link_that_was_sealed_with_another_key_is_not_opened(sealing_key: str) -> None:
    settings = {"public_url": "https://quire.example/", "link_sealing_key": sealing_key}
    links = Links(LinkSettings.model_validate(settings))
    for sealed in (Fernet(Fernet.generate_key()).encrypt(b"x").decode(), "", "nonsense", "ü"):
        with pytest.raises(LinkUnreadable):
            links.confirm_address(sealed)
