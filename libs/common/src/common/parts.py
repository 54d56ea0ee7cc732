"""Regroups a stream into the parts that S3 takes."""

from collections.abc import AsyncIterator

PART_BYTES = 8 << 20  # S3 wants at least 5 MiB


async def in_parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Regroup chunks into parts of `PART_BYTES`; the last one may be shorter."""
    waiting: list[memoryview] = []
    missing = PART_BYTES
    async for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= missing:
            waiting.append(rest[:missing])
            rest = rest[missing:]
            part = b"".join(waiting)
            waiting.clear()
            missing = PART_BYTES
            yield part
            del part  # it has been sent; the next one need not fit beside it
        if rest:
            waiting.append(rest)  # no copy: it keeps the chunk itself alive
            missing -= len(rest)
    if waiting:
        yield b"".join(waiting)
