"""A client that knows the public URL and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from common.testing import eventually
from websockets.asyncio.client import ClientConnection, connect

CORPUS = Path(__file__).parents[1] / "corpus"
PASSWORD = "Correct-horse-battery-9"
ENDED = {"completed", "partial", "failed", "cancelled"}


class Client:
    """One user, signed in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=60)
        self.user: dict[str, Any] = {}

    async def sign_up(self) -> "Client":
        name = f"user-{uuid4().hex[:12]}"
        account = {
            "email": f"{name}@example.org",
            "username": name,
            "password": PASSWORD,
            "password_confirm": PASSWORD,
        }
        registered = await self.http.post("/auth/register", json=account)
        self.user = registered.raise_for_status().json()
        return await self.sign_in(name)

    async def login(self) -> httpx.Response:
        credentials = {"username": self.user["username"], "password": PASSWORD}
        return await self.http.post("/auth/login", json=credentials)

    async def sign_in(self, username: str) -> "Client":
        self.user["username"] = username
        body = (await self.login()).raise_for_status().json()
        self.user = body["user"]
        self.http.headers["Authorization"] = f"Bearer {body['access_token']}"
        return self

    async def sign_in_again(self) -> "Client":
        """Return the same user in a session of its own; it is not closed by anybody."""
        return await Client(self.url).sign_in(self.user["username"])

    async def until_signed_out(self, *, within: float = 10) -> None:
        """Wait until nobody believes the access token any more."""

        async def is_out() -> bool:
            statuses = [
                (await self.http.get(path)).status_code for path in ("/auth/me", "/documents")
            ]
            return statuses == [401, 401]

        await eventually(is_out, within=within)

    async def upload(self, path: Path, *, salt: bytes = b"") -> dict[str, Any]:
        """Upload a file; `salt` after its end makes it another one with the same pages."""
        files = {"file": (path.name, path.read_bytes() + salt)}
        response = await self.http.post("/documents", files=files)
        document: dict[str, Any] = response.raise_for_status().json()
        return document

    async def document(self, document_id: str) -> dict[str, Any]:
        response = await self.http.get(f"/documents/{document_id}")
        document: dict[str, Any] = response.raise_for_status().json()
        return document

    async def ended(self, document_id: str, *, within: float = 120) -> dict[str, Any]:
        """Wait until the document is not worked on any more."""

        async def check() -> dict[str, Any] | None:
            document = await self.document(document_id)
            return document if document["status"] in ENDED else None

        document = await eventually(check, within=within)
        assert document is not None
        return document

    async def text(self, document_id: str) -> str:
        response = await self.http.get(f"/documents/{document_id}/text")
        text: str = response.raise_for_status().json()["text"]
        return text

    async def ticket(self) -> str:
        ticket: str = (await self.http.post("/auth/ticket")).raise_for_status().json()["ticket"]
        return ticket

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """Open the user's WebSocket; messages from here on are kept."""
        url = self.url.replace("http", "ws", 1)
        async with connect(f"{url}/api/v1/ws?ticket={await self.ticket()}") as connection:
            socket = Socket(connection)
            hello = await socket.receive()
            assert hello["type"] == "connection_established"
            yield socket


@dataclass
class Socket:
    """An open WebSocket and what has come out of it."""

    connection: ClientConnection
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.connection.recv())
        self.messages.append(message)
        return message

    async def until(
        self, wanted: Callable[[dict[str, Any]], bool], *, within: float = 60
    ) -> dict[str, Any]:
        """Receive until a message is wanted."""
        async with asyncio.timeout(within):
            while True:
                message = await self.receive()
                if wanted(message):
                    return message

    def of(self, document_id: str, kind: str) -> list[dict[str, Any]]:
        """Return the messages of a kind about a document, in the order of their arrival."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and message.get("document_id") == document_id
        ]


NewUser = Callable[[], Awaitable[Client]]
