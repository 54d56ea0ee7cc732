"""Mails that the suite sends are kept here, and can be read."""

import smtplib
import subprocess
import sys
from email.message import EmailMessage

import pytest
from native.stack import Stack

LINK = "http://127.0.0.1:8000/api/v1/auth/email/verify#token=abc"


@pytest.fixture
def mailing(stack: Stack) -> Stack:
    stack.up(names=["mail"])
    return stack


def send(stack: Stack, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "noreply@quire.example", "anna@example.org"
    message["Subject"] = subject
    message.set_content(f"Grüße!\n\n{LINK}\n")
    with smtplib.SMTP("127.0.0.1", stack.port("mail")) as client:
        client.send_message(message)


def test_mails_are_kept_in_their_order(mailing: Stack) -> None:
    send(mailing, "first")
    mailing.restart("mail")
    send(mailing, "second")

    assert [mail["Subject"] for mail in mailing.mailbox()][-2:] == ["first", "second"]


def test_a_command_shows_them(mailing: Stack) -> None:
    send(mailing, "Schöne Grüße")
    command = [sys.executable, "-m", "native", "mail", "--profile", mailing.profile.name]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "To:      anna@example.org" in shown
    assert "Subject: Schöne Grüße" in shown
    assert LINK in shown.splitlines()
