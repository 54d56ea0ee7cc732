"""What can go wrong when somebody fetches a file."""

from common.errors import Problem


class RangeNotSatisfiable(Problem):
    """The file ends before the bytes that are asked for."""

    status, slug, title = 416, "range-not-satisfiable", "The file has no such bytes"

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        )


class RedirectUnavailable(Problem):
    """The object storage is not where clients could reach it."""

    status, slug = 409, "redirect-unavailable"
    title = "Files cannot be fetched from the object storage directly"
