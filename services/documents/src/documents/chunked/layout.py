"""How a file is cut into chunks: all of one size, except that the last may be shorter."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from documents.chunked.errors import ChunkOutOfRange, TooManyChunks

MIN_CHUNK_BYTES = 64 << 10
MAX_CHUNK_BYTES = 64 << 20
MAX_CHUNKS = 10_000
_USUAL_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class Layout:
    """A file of `length` bytes in chunks that are numbered from 1."""

    length: int
    chunk_size: int

    @classmethod
    def of(cls, length: int, wanted: int | None) -> "Layout":
        """Cut a file into chunks of the wanted size, or of a good one; raises `TooManyChunks`."""
        least = -(-length // MAX_CHUNKS)
        layout = cls(length, wanted or max(_USUAL_CHUNK_BYTES, least))
        if layout.total > MAX_CHUNKS or layout.chunk_size > MAX_CHUNK_BYTES:
            raise TooManyChunks(least)
        return layout

    @property
    def total(self) -> int:
        """How many chunks there are."""
        return -(-self.length // self.chunk_size)

    def size_of(self, number: int) -> int:
        """Return how many bytes a chunk has; raises `ChunkOutOfRange`."""
        if not 1 <= number <= self.total:
            raise ChunkOutOfRange(f"The chunks are numbered from 1 to {self.total}.")
        return min(self.chunk_size, self.length - (number - 1) * self.chunk_size)

    def missing(self, stored: Iterable[int]) -> Iterator[int]:
        """Yield the numbers of the chunks that are not among the stored ones, in their order."""
        expected = 1
        for number in chain(sorted(stored), [self.total + 1]):
            yield from range(expected, number)
            expected = number + 1
