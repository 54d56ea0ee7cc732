"""What exports look like over the wire."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field


class ExportFormat(StrEnum):
    """The formats, by the ending of their files."""

    TXT = "txt"
    MD = "md"
    JSON = "json"
    HOCR = "hocr"
    CSV = "csv"
    XLSX = "xlsx"


class MissingPageOut(BaseModel):
    """A page that was not read, and why."""

    number: int
    reason: str


class TableOut(BaseModel):
    """A table. Where a row ends before its last column, the cells that follow are empty."""

    page: int
    table_index: int = Field(description="Counts the tables of a page; the first is 0.")
    bbox: tuple[float, float, float, float] = Field(
        description="x0, y0, x1, y1 in page units from the top left corner."
    )
    headers: list[str]
    rows: list[list[str]]
    total_rows: int


class TablesOut(BaseModel):
    """The tables of the pages that have been read so far, in their order."""

    document_id: UUID
    tables: list[TableOut]
    tables_count: int
    missing_pages: list[MissingPageOut]
