"""Where mails end here: an SMTP server that keeps all it is given, from the package `aiosmtpd`."""

import signal
import smtplib
import sys
from pathlib import Path

from native.daemon import Daemon
from native.ports import LOOPBACK
from native.profile import Profile


def mail(profile: Profile) -> Daemon:
    """Describe the profile's mail server; it delivers nothing to anybody."""
    port = profile.port("mail")

    def command() -> list[str]:
        keep = ("-c", "aiosmtpd.handlers.Mailbox", str(mailbox_folder(profile)))
        where = ("--listen", f"{LOOPBACK}:{port}")
        return [sys.executable, "-m", "aiosmtpd", "--nosetuid", "--smtputf8", *where, *keep]

    def is_ready() -> bool:
        try:
            with smtplib.SMTP(LOOPBACK, port, timeout=2) as client:
                return client.noop()[0] == 250
        except OSError:  # as all of smtplib's errors are
            return False

    return Daemon(
        name="mail",
        command=command,
        env={"LC_ALL": "C.UTF-8"},
        ports={"mail": port},
        url=f"smtp://{LOOPBACK}:{port}",
        is_ready=is_ready,
        prepare=lambda: mailbox_folder(profile).parent.mkdir(parents=True, exist_ok=True),
        stop_signal=signal.SIGINT,
    )


def mailbox_folder(profile: Profile) -> Path:
    """Return the Maildir that all mails lie in."""
    return profile.data / "mail"
