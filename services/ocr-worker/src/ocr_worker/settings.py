"""The settings of the ocr-worker."""

import os

from common.settings import BrokerSettings, ProcessSettings, StorageSettings
from pydantic import Field


class Settings(ProcessSettings, BrokerSettings, StorageSettings):
    """What the worker process needs; it has no database."""

    slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """How many pages are read at the same time; each keeps one core busy."""
    pages_per_task: int = Field(default=4, ge=1)
    """How many pages of a document one worker takes at once."""
    default_language: str = "eng"
    """What a scan is read as when its owner did not name a language."""
