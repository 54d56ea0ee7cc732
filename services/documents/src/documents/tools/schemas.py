"""What the tools answer over the wire; the rest of it is in `contracts.tools`."""

from contracts import PdfInfo
from pydantic import BaseModel, Field


class PdfInfoOut(PdfInfo):
    """What a PDF is."""

    file_size: int = Field(description="In bytes.")


class BackendOut(BaseModel):
    """A backend; one that cannot be used says why, and what would change that."""

    name: str
    usable: bool
    reason: str
    install: str


class BackendsOut(BaseModel):
    """What can recognise pages, and what could."""

    default: str
    backends: list[BackendOut]


class LanguageOut(BaseModel):
    """A language: Tesseract's name for it, and ISO 639-1 where there is one."""

    name: str
    iso_639_1: str | None


class LanguagesOut(BaseModel):
    """In which languages pages can be recognised; `auto` finds out in which of them."""

    languages: list[LanguageOut]
