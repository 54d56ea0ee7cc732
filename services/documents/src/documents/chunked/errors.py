"""What can go wrong with numbered chunks, by the name a client sees."""

from collections.abc import Sequence

from common.errors import FieldError, InvalidInput, Problem


class WrongChunkSize(Problem):
    """A chunk is shorter or longer than its number says."""

    status, slug, title = 400, "wrong-chunk-size", "The chunk has another size"

    def __init__(self, size: int) -> None:
        super().__init__(f"This chunk has {size} bytes.", expected_size=size)


class ChunksMissing(Problem):
    """The file cannot be put together yet."""

    status, slug, title = 409, "chunks-missing", "Not all chunks have been sent"

    def __init__(self, missing: Sequence[int], count: int) -> None:
        super().__init__(f"{count} are missing.", missing=list(missing))


class ChunksFrozen(Problem):
    """The file is being put together, so that no chunk can be sent again."""

    status, slug, title = 409, "chunks-frozen", "All chunks have been sent"


class ChunkOutOfRange(Problem):
    """The file has no chunk of this number."""

    status, slug, title = 422, "chunk-out-of-range", "There is no such chunk"


class TooManyChunks(InvalidInput):
    """The file would have more chunks than are kept."""

    def __init__(self, least: int) -> None:
        error = FieldError(
            pointer="/body/chunk_size",
            message=f"For this file it must be {least} bytes at least",
            type="too_many_chunks",
        )
        super().__init__(f"{error.pointer}: {error.message}", errors=[error.model_dump()])
