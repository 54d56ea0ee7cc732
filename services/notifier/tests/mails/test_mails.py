"""From events to mails in people's mailboxes."""

from email.message import EmailMessage
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest
from common.envelope import Envelope, seal
from common.testing import eventually
from contracts import (
    Event,
    Failure,
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

ANNA = Recipient(email="anna@example.org", username="Anna")
BEN = Recipient(email="ben@example.org", username="Ben", language="de")
HANDLED = 'events_handled_total{event="user.verified",outcome="done",queue="notifier.mail"}'
CONFIRM = "https://quire.example/api/v1/auth/email/verify#token="
RESET = "https://quire.example/api/v1/auth/password/reset#token="

SAID = {
    "registered": ("Please confirm your e-mail address", "Bitte bestätigen Sie Ihre E-Mail-"),
    "again": ("Please confirm your e-mail address", "Bitte bestätigen Sie Ihre E-Mail-"),
    "verified": ("Welcome to Quire", "Willkommen bei Quire"),
    "new address": ("Please confirm your new", "Bitte bestätigen Sie Ihre neue"),
    "reset": ("Choose a new password", "Wählen Sie ein neues Passwort"),
    "password": ("Your password was changed", "Ihr Passwort wurde geändert"),
    "roles": ("Your roles have changed", "Ihre Rollen haben sich geändert"),
    "stolen": ("Somebody may have used", "Jemand hat vielleicht"),
    "report": ("Your report is ready", "Ihr Bericht ist fertig"),
    "no report": ("Your report could not", "Ihr Bericht konnte nicht"),
}
INSIDE = {
    "registered": f"{CONFIRM}tok%2F1",
    "again": f"{CONFIRM}tok%2F2",
    "new address": f"{CONFIRM}tok%2F3",
    "reset": f"{RESET}tok%2F4",
    "roles": "admin, auditor",
    "report": "1234",
    "no report": "Too large: Choose fewer days.",
}


def event(kind: str, to: Recipient, seal_link: Any) -> Event:
    user: dict[str, Any] = {"user_id": uuid4(), "recipient": to}
    report: dict[str, Any] = {"report_id": uuid4(), "owner_id": uuid4(), "recipient": to}
    failure = Failure(type="urn:x", title="Too large", detail="Choose fewer days.")
    events: dict[str, Event] = {
        "registered": UserRegistered(**user, sealed_link=seal_link("tok/1")),
        "again": UserEmailVerificationRequested(**user, sealed_link=seal_link("tok/2")),
        "verified": UserVerified(**user),
        "new address": UserEmailChangeRequested(**user, sealed_link=seal_link("tok/3")),
        "reset": UserPasswordResetRequested(**user, sealed_link=seal_link("tok/4")),
        "password": UserPasswordChanged(**user),
        "roles": UserRolesChanged(**user, roles=("admin", "auditor")),
        "stolen": session_revoked(to, RevocationReason.TOKEN_REUSED),
        "report": ReportCompleted(**report, rows=1234),
        "no report": ReportCompleted(**report, error=failure),
    }
    return events[kind]


def session_revoked(to: Recipient, reason: RevocationReason) -> SessionRevoked:
    return SessionRevoked(user_id=uuid4(), session_id=uuid4(), recipient=to, reason=reason)


def verified(to: Recipient) -> UserVerified:
    return UserVerified(user_id=uuid4(), recipient=to)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("language", ["en", "de"])
async def test_each_event_leads_to_its_mail(
    start_worker: Any, publish: Any, mail_server: Any, seal_link: Any, language: Any
) -> None:
    people = {
        kind: Recipient(email=f"{number}@example.org", username="Zoë", language=language)
        for number, kind in enumerate(SAID)
    }
    async with start_worker():
        await publish(*(event(kind, to, seal_link) for kind, to in people.items()))
        await mail_server.wait_for(len(people))
    mails = {str(mail["To"]): mail for mail in mail_server.mails}

    assert len(mail_server.mails) == len(people)
    for kind, to in people.items():
        mail = mails[to.email]
        assert SAID[kind][language == "de"] in mail["Subject"]
        for body in (part(mail, "plain"), part(mail, "html")):
            assert ("Guten Tag Zoë," if language == "de" else "Hello Zoë,") in body
            assert INSIDE.get(kind, "") in body
        assert ('<a href="' in part(mail, "html")) is ("#token=" in INSIDE.get(kind, ""))
        assert mail["From"] == "Quire <noreply@quire.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == language
        assert mail["Date"].datetime
        assert mail.get_content_type() == "multipart/alternative"


async def test_what_is_nobodys_concern_leads_to_no_mail(
    start_worker: Any, publish: Any, mail_server: Any
) -> None:
    others = set(RevocationReason) - {RevocationReason.TOKEN_REUSED}
    async with start_worker(mail_prefetch=1):
        await publish(*(session_revoked(ANNA, reason) for reason in others))
        await publish(ReportCompleted(report_id=uuid4(), owner_id=uuid4()), verified(BEN))
        mails = await mail_server.wait_for(1)

    assert [str(mail["To"]) for mail in mails] == [BEN.email]


async def test_redelivery_mails_nothing_twice(
    start_worker: Any, publish: Any, mail_server: Any, metric: Any
) -> None:
    async with start_worker() as url, start_worker():
        before = await metric(url, HANDLED)

        async def all_handled() -> bool:
            return bool(await metric(url, HANDLED) == before + 11)

        await publish(verified(ANNA), times=10)
        await publish(verified(BEN))
        await eventually(all_handled)

    assert sorted(str(mail["To"]) for mail in mail_server.mails) == [ANNA.email, BEN.email]


async def test_the_same_event_has_the_same_message_id(
    start_worker: Any, publish_envelope: Any, mail_server: Any
) -> None:
    envelope: Envelope = seal(verified(ANNA), source="auth")
    async with start_worker():
        await publish_envelope(envelope)
        [mail] = await mail_server.wait_for(1)
    identity: UUID = uuid5(NAMESPACE_URL, f"auth/{envelope.id}")

    assert mail["Message-ID"] == f"<{identity}@quire.example>"


async def test_a_hostile_name_stays_a_name(
    start_worker: Any, publish: Any, mail_server: Any
) -> None:
    name = "<script>alert(1)</script>\r\nBcc: eve@example.org\r\n\r\n{{ 7 * 7 }}\u202e%s"
    mallory = Recipient(email='"a@example.org, b"@example.org', username=name)
    roles = UserRolesChanged(user_id=uuid4(), recipient=mallory, roles=("<b>",))
    async with start_worker():
        await publish(roles)
        [mail] = await mail_server.wait_for(1)

    inert = "<script>alert(1)</script>  Bcc: eve@example.org    {{ 7 * 7 }} %s"
    assert f"Hello {inert}," in part(mail, "plain").splitlines()
    assert "<script" not in part(mail, "html")
    assert "<b>" not in part(mail, "html")
    assert mail["Bcc"] is None
    assert len(mail["To"].addresses) == 1
