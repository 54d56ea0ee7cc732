"""A mail server that is away, slow, or will not have a mail."""

import asyncio
import os
import sys
from typing import Any
from uuid import uuid4

from common.testing import eventually
from contracts import Failure, OcrFailed, Recipient, UserRegistered, UserVerified
from cryptography.fernet import Fernet

ANNA = Recipient(email="anna@example.org", username="Anna")
BEN = Recipient(email="ben@example.org", username="Ben", language="de")
REFUSED = 'notifier_mails_total{mail="welcome",outcome="refused"}'


def verified(to: Recipient) -> UserVerified:
    return UserVerified(user_id=uuid4(), recipient=to)


async def test_mails_wait_for_a_server_that_is_away(
    start_worker: Any,
    publish: Any,
    new_mail_server: Any,
    smtp_port: int,
    queue_length: Any,
) -> None:
    async def one_waits() -> bool:
        return bool(await queue_length("notifier.mail.retry.1"))

    async with start_worker():
        await publish(verified(ANNA))
        await eventually(one_waits)
        async with new_mail_server.listening(smtp_port):
            await publish(verified(BEN))
            first, second = await new_mail_server.wait_for(2)

    assert {str(first["To"]), str(second["To"])} == {BEN.email, ANNA.email}
    assert await queue_length("notifier.mail.dead") == 0


async def test_a_refused_recipient_holds_nobody_up(
    start_worker: Any,
    publish: Any,
    mail_server: Any,
    queue_length: Any,
    metric: Any,
) -> None:
    mail_server.answers[ANNA.email] = f"550 5.1.1 <{ANNA.email}> unknown"
    async with start_worker(mail_prefetch=1) as url:
        before = await metric(url, REFUSED)
        await publish(verified(ANNA), verified(BEN))
        [mail] = await mail_server.wait_for(1)
        assert await metric(url, REFUSED) == before + 1

    assert str(mail["To"]) == BEN.email
    assert mail_server.asked == 2
    for attempt in (1, 2, 3, 4):
        assert await queue_length(f"notifier.mail.retry.{attempt}") == 0


async def test_a_slow_server_keeps_no_socket_waiting(
    start_worker: Any,
    publish: Any,
    mail_server: Any,
    listen: Any,
) -> None:
    mail_server.takes_mails.clear()
    owner_id = uuid4()
    news = OcrFailed(
        document_id=uuid4(),
        owner_id=owner_id,
        job_id=uuid4(),
        error=Failure(type="urn:x", title="x"),
    )
    async with start_worker(mail_prefetch=2), listen(owner_id) as socket:
        await socket.established()
        await publish(*(verified(ANNA) for _ in range(5)))
        await mail_server.wait_for_visits(2)
        await publish(news)
        assert (await socket.next(within=5))["type"] == "ocr_complete"
        assert mail_server.mails == []
        mail_server.takes_mails.set()
        await mail_server.wait_for(5)


async def test_no_log_line_holds_a_secret_or_an_address(
    worker_env: dict[str, str],
    publish: Any,
    mail_server: Any,
    seal_link: Any,
    queue_length: Any,
) -> None:
    env = {"PATH": os.environ["PATH"], "QUIRE_LOG_LEVEL": "DEBUG", **worker_env}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "notifier", "worker"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
    )
    refused, greylisted = ANNA, ANNA.model_copy(update={"email": "grey@example.org"})
    mail_server.answers[refused.email] = f"550 5.1.1 <{refused.email}> unknown"
    mail_server.answers[greylisted.email] = f"450 4.2.0 <{greylisted.email}> greylisted"
    foreign = Fernet(Fernet.generate_key()).encrypt(b"unopened-token").decode()

    async def two_wait() -> bool:
        waiting: list[int] = [await queue_length(f"notifier.mail.retry.{n}") for n in (1, 2)]
        return sum(waiting) == 2

    def registered(to: Recipient, link: str) -> UserRegistered:
        return UserRegistered(user_id=uuid4(), recipient=to, sealed_link=link)

    try:
        for to in (refused, greylisted, BEN):
            await publish(registered(to, seal_link("opened-token")))
        await publish(registered(BEN, foreign))
        [mail] = await mail_server.wait_for(1)
        await eventually(two_wait)
    finally:
        process.terminate()
        output, _ = await process.communicate()

    assert "opened-token" in mail.as_string()
    assert process.returncode == 0
    log = output.decode()
    assert "mail refused" in log
    assert "LinkUnreadable" in log
    for secret in ("opened-token", "unopened-token", foreign, "@example.org"):
        assert secret not in log
