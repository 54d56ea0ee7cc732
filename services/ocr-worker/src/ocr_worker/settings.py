"""The settings of the ocr-worker."""

import os

from common.sealing import FernetKey, fernet
from common.settings import BrokerSettings, ProcessSettings, StorageSettings
from cryptography.fernet import Fernet
from pydantic import Field

from ocr_worker.backends.openai_vision import VisionServer


class Settings(ProcessSettings, BrokerSettings, StorageSettings):
    """What the worker process needs; it has no database."""

    slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """How many pages are read at the same time; each keeps one core busy."""
    default_language: str = "eng"
    """What a scan is read as when its owner did not name a language."""
    vision_servers: tuple[VisionServer, ...] = ()
    """Servers of vision models that pages may be sent to, as JSON; none is known by itself."""
    password_sealing_key: FernetKey
    """The same as the documents service's: it seals the passwords of documents."""

    @property
    def password_seal(self) -> Fernet:
        """Return what passwords are opened with."""
        return fernet(self.password_sealing_key)
