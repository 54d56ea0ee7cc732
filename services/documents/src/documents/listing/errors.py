"""What can go wrong with a question."""

from fastapi.exceptions import RequestValidationError


def invalid_query(place: tuple[str | int, ...], message: str, kind: str) -> RequestValidationError:
    """Return the 422 that names the place in the query where something is wrong."""
    return RequestValidationError([{"loc": ("query", *place), "msg": message, "type": kind}])
