"""A page's result, as the workers write it; here, what is searched of it."""

from common.storage import Storage
from pydantic import BaseModel

from documents.search.spots import Box


class ReadWord(BaseModel):
    """A word, and where it stands on the page."""

    text: str
    bbox: Box


class ReadPage(BaseModel):
    """A page that was read."""

    text: str
    language: str | None = None
    words: list[ReadWord] = []


async def read_page(storage: Storage, key: str) -> ReadPage:
    """Return a page's result; raises `ObjectMissing`, and `ValidationError` if it is none."""
    return ReadPage.model_validate_json(await storage.get(key))
