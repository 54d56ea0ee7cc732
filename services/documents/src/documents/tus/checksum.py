"""Checksums of what one request brings (tus 1.0.0, Checksum)."""

import binascii
import hashlib
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from documents.tus.errors import ChecksumMismatch, MalformedHeader, UnsupportedChecksum


class Hash(Protocol):
    """Takes bytes piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take the next piece."""

    def digest(self) -> bytes:
        """Return the hash of all the pieces."""


class Crc32:
    """CRC-32 as of zlib, big-endian: not made against malice, but cheap."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take the next piece."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the checksum: four bytes."""
        return self._value.to_bytes(4, "big")


ALGORITHMS: Mapping[str, Callable[[], Hash]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),  # the protocol wants it
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": Crc32,
}


class Checksum:
    """What a client says its bytes hash to."""

    def __init__(self, expected: bytes, taken: Hash) -> None:
        self._expected = expected
        self._taken = taken

    @classmethod
    def read(cls, header: str) -> "Checksum":
        """Read `Upload-Checksum`; raises `UnsupportedChecksum`, `MalformedHeader`."""
        algorithm, _, encoded = header.strip().partition(" ")
        make = ALGORITHMS.get(algorithm)
        if make is None:
            raise UnsupportedChecksum(f"Offered are {', '.join(ALGORITHMS)}.")
        try:
            expected = b64decode(encoded.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise MalformedHeader("The checksum in Upload-Checksum is no base64.") from error
        taken = make()
        if len(expected) != len(taken.digest()):
            raise MalformedHeader("The checksum in Upload-Checksum has another length.")
        return cls(expected, taken)

    async def verified(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass the pieces on; raise `ChecksumMismatch` at their end if they are others."""
        async for piece in pieces:
            self._taken.update(piece)
            yield piece
        if self._taken.digest() != self._expected:
            raise ChecksumMismatch
