"""What reading one document may cost."""

from dataclasses import dataclass

LONGEST_SIDE = 32_000
"""Pixels; Tesseract refuses a picture whose width or height does not fit into 16 bits."""

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds for one document; whatever exceeds one ends in a named error."""

    memory_bytes: int = 2048 * _MIB
    """Address space of each process in the box."""
    cpu_seconds: int = 60
    """Processor time of each process, per page."""
    file_bytes: int = 256 * _MIB
    """Size of any file that a process in the box writes."""
    open_files: int = 64
    open_seconds: float = 30
    """Wall clock from the start of the process until the pages are counted."""
    page_seconds: float = 60
    """Wall clock per page."""
    pages: int = 2_000
    pixels: int = 100_000_000
    """Pixels of a page when it is rasterised, and of any single picture."""
    characters: int = 300_000
    """Characters in the text layer of one page."""
