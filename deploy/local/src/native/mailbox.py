"""Reads a Maildir: the mails that the suite has sent here."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


def read_mailbox(folder: Path) -> list[EmailMessage]:
    """Return all mails, the newest last."""
    files = [*folder.glob("new/*"), *folder.glob("cur/*")]
    files.sort(key=lambda file: file.stat().st_mtime_ns)  # the Date header is one of seconds only
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
