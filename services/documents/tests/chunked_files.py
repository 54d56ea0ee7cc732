"""A client of numbered chunks."""

from random import Random
from typing import Any
from uuid import uuid4

import httpx

CHUNK = 64 << 10
INIT = "/documents/upload/chunked/init"


def chunked_file(size: int) -> bytes:
    """Make a file that nobody has uploaded before; a tiny one may be none that can be read."""
    return (b"%PDF-1.7\n" + uuid4().bytes + Random(size).randbytes(size))[:size]


class ChunkedFile:
    """A file that is announced, and sent chunk by chunk."""

    def __init__(self, client: httpx.AsyncClient, data: bytes, begun: dict[str, Any]) -> None:
        self._client = client
        self.data = data
        self.begun = begun
        self.id: str = begun["upload_id"]
        self.path = f"/documents/upload/chunked/{self.id}"

    @classmethod
    async def begin(
        cls,
        client: httpx.AsyncClient,
        *,
        size: int,
        data: bytes | None = None,
        filename: str = "scan.pdf",
        chunk_size: int | None = CHUNK,
        **fields: Any,
    ) -> "ChunkedFile":
        """Announce a file of so many bytes, or of as many as `file_size` says instead."""
        data = data or chunked_file(size)
        body = {"filename": filename, "file_size": size, "chunk_size": chunk_size, **fields}
        response = await client.post(INIT, json=body)
        assert response.status_code == 201, response.text
        return cls(client, data, response.json())

    def chunk(self, number: int) -> bytes:
        """Return the bytes of a chunk."""
        size = self.begun["chunk_size"]
        return self.data[(number - 1) * size : number * size]

    async def put(self, number: int) -> httpx.Response:
        """Send a chunk as it should be."""
        return await self._client.put(
            f"{self.path}/chunk/{number}",
            content=self.chunk(number),
            headers={"Content-Type": "application/octet-stream"},
        )

    async def put_all(self) -> None:
        """Send every chunk."""
        for number in range(1, self.begun["total_chunks"] + 1):
            assert (await self.put(number)).status_code == 200

    async def complete(self) -> httpx.Response:
        """Have it put together."""
        return await self._client.post(f"{self.path}/complete", timeout=30)
