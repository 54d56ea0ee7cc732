"""The mail world outside: a real SMTP server, and people whom mails are for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from common import broker
from common.testing import eventually
from cryptography.fernet import Fernet


class MailServer:
    """Keeps what it is handed, and refuses or dawdles when it is told to."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        """What it says to a recipient, or to all mails (`DATA`), if not that all is well."""
        self.takes_mails = asyncio.Event()
        self.takes_mails.set()
        self.asked = 0

    async def handle_RCPT(  # noqa: N802 - the names are aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await self.takes_mails.wait()
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert [str(mail["To"])] == envelope.rcpt_tos
        self.mails.append(mail)
        return "250 OK"

    @asynccontextmanager
    async def listening(self, port: int, **options: Any) -> AsyncIterator["MailServer"]:
        loop = asyncio.get_running_loop()
        settings = {"hostname": "mx.example", "enable_SMTPUTF8": True, **options}
        server = await loop.create_server(lambda: SMTP(self, **settings), "127.0.0.1", port)
        try:
            yield self
        finally:
            self.takes_mails.set()
            server.close()

    async def wait_for(self, count: int) -> list[EmailMessage]:
        """Return the mails once there are so many."""

        async def there() -> bool:
            return len(self.mails) >= count

        await eventually(there)
        return self.mails

    async def wait_for_visits(self, count: int) -> None:
        """Return once so many mails have been brought, whether or not they were taken."""

        async def came() -> bool:
            return self.asked >= count

        await eventually(came)


@pytest.fixture
async def new_mail_server() -> MailServer:
    """Return a server that does not listen yet."""
    return MailServer()


@pytest.fixture
async def mail_server(new_mail_server: MailServer, smtp_port: int) -> AsyncIterator[MailServer]:
    async with new_mail_server.listening(smtp_port):
        yield new_mail_server


@pytest.fixture
def seal_link(sealing_key: str) -> Any:
    """Seal the secret of a link as auth does."""
    return lambda token: Fernet(sealing_key).encrypt(token.encode()).decode()


@pytest.fixture
def metric() -> Any:
    """Read a number that a process shows of itself."""

    async def read(url: str, name: str) -> float:
        async with httpx.AsyncClient() as http:
            lines = (await http.get(f"{url}/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    return read


@pytest.fixture
async def publish_envelope(amqp_url: str) -> AsyncIterator[Any]:
    publisher = broker.Publisher(amqp_url)
    yield publisher.publish
    await publisher.close()


@pytest.fixture
def queue_length(amqp_url: str) -> Any:
    async def count(name: str) -> int:
        async with await broker.connect(amqp_url) as connection:
            queue = await (await connection.channel()).get_queue(name)
            return queue.declaration_result.message_count or 0

    return count
