"""Speaks tus 1.0.0 to the documents service as plainly as can be, so that tests can deviate."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any

import httpx

OFFSET_STREAM = "application/offset+octet-stream"


def random_pdf(size: int, *, seed: int) -> bytes:
    """Return bytes that are sniffed as PDF; other seeds, other bytes."""
    return (b"%PDF-1.7\n" + Random(seed).randbytes(size))[:size]


def metadata(**values: str | bytes) -> str:
    """Return the header of keys and values."""
    raw = {
        key: value.encode() if isinstance(value, str) else value for key, value in values.items()
    }
    return ",".join(f"{key} {b64encode(value).decode()}" for key, value in raw.items())


class TusClient:
    """One user; every method returns the answer as it is."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        http.headers["Tus-Resumable"] = "1.0.0"

    async def create(
        self,
        length: int | None = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> httpx.Response:
        """POST; with `data`, they come at once."""
        sent = {} if length is None else {"Upload-Length": str(length)}
        if data is not None:
            sent["Content-Type"] = OFFSET_STREAM
        return await self._http.post(
            "/uploads", headers={**sent, **(headers or {}), **_names(more)}, content=data
        )

    async def begin(self, length: int, **said: str) -> str:
        """Create an upload and return its path."""
        answer = await self.create(length, Upload_Metadata=metadata(**said))
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].removeprefix("/api/v1")

    async def head(self, path: str, **headers: str) -> httpx.Response:
        return await self._http.head(path, headers=_names(headers), timeout=20)

    async def offset(self, path: str) -> int:
        answer = await self.head(path)
        assert answer.status_code == 200
        return int(answer.headers["upload-offset"])

    async def patch(
        self,
        path: str,
        offset: int | None,
        data: bytes | AsyncIterator[bytes] = b"",
        **headers: str,
    ) -> httpx.Response:
        sent = {"Content-Type": OFFSET_STREAM}
        if offset is not None:
            sent["Upload-Offset"] = str(offset)
        sent |= _names(headers)
        return await self._http.patch(path, headers=sent, content=data, timeout=60)

    async def delete(self, path: str) -> httpx.Response:
        return await self._http.delete(path, timeout=20)


class CutClient:
    """Sends a PATCH over a socket of its own, and can leave in the middle."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = httpx.URL(url)
        self._headers = dict(headers)

    async def patch(
        self, path: str, offset: int, *, length: int, **more: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send the head of a request of so many bytes, and wait until these are asked for.

        By then the request holds the upload: what is asked on another connection comes after it.
        """
        reader, writer = await asyncio.open_connection(self._url.host, self._url.port)
        headers = {
            **self._headers,
            "Host": self._url.host,
            "Tus-Resumable": "1.0.0",
            "Content-Type": OFFSET_STREAM,
            "Upload-Offset": str(offset),
            "Content-Length": str(length),
            "Expect": "100-continue",
            **_names(more),
        }
        lines = [f"PATCH /api/v1{path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 100 "), answer
        return reader, writer

    async def cut(
        self, path: str, data: bytes, *, offset: int, after: int, reset: bool = False
    ) -> None:
        """Announce data from an offset on, send some of them, and leave by FIN or RST."""
        _, writer = await self.patch(path, offset, length=len(data) - offset)
        writer.write(data[offset : offset + after])
        await writer.drain()
        if reset:
            # Whatever is still in our own buffer is lost, as when a cable is pulled.
            writer.transport.abort()
            return
        writer.close()
        await writer.wait_closed()


def _names(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
