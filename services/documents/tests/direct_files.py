"""A client that writes straight to the object storage."""

from collections.abc import Mapping
from typing import Any

import httpx

PATH = "/documents/upload/presigned"


class DirectFile:
    """A file that is announced, and written to where the answer says."""

    def __init__(self, client: httpx.AsyncClient, data: bytes, begun: dict[str, Any]) -> None:
        self._client = client
        self.data = data
        self.begun = begun
        self.id: str = begun["upload_id"]
        self.path = f"{PATH}/{self.id}"

    @classmethod
    async def begin(cls, client: httpx.AsyncClient, data: bytes, **fields: Any) -> "DirectFile":
        """Announce a file."""
        body = {"filename": "scan.pdf", "file_size": len(data), **fields}
        response = await client.post(PATH, json=body)
        assert response.status_code == 201, response.text
        assert response.headers["cache-control"] == "no-store"
        return cls(client, data, response.json())

    async def write(
        self, data: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Write the file, or something else, without any credential but the URL."""
        async with httpx.AsyncClient(timeout=30) as anybody:
            return await anybody.request(
                self.begun["method"],
                self.begun["url"],
                content=self.data if data is None else data,
                headers={**(self.begun["headers"] if data is None else {}), **(headers or {})},
            )

    async def complete(self) -> httpx.Response:
        """Have a document made of it."""
        return await self._client.post(f"{self.path}/complete")
