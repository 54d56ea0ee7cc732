"""Fetching a document that is to be read, and opening it in the box."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from common.storage import ObjectMissing, Storage
from contracts import AboutDocument, ReadingTask
from cryptography.fernet import Fernet, InvalidToken

from ocr_worker.backends.registry import Backends
from ocr_worker.box import Box
from ocr_worker.errors import DocumentGone, WrongPassword
from ocr_worker.scratch import default_root, scratch_directory


@dataclass(frozen=True)
class Opened:
    """An open document, and a directory for files about it; both go with it."""

    box: Box
    folder: Path


class Opener:
    """Opens the documents that tasks and questions are about."""

    def __init__(self, storage: Storage, backends: Backends, seal: Fernet) -> None:
        self._storage = storage
        self._backends = backends
        self._seal = seal

    @asynccontextmanager
    async def open(self, task: ReadingTask | AboutDocument) -> AsyncIterator[Opened]:
        """Open the document of a task or a question; raises a `DocumentError`."""
        password = self._password(task.sealed_password)
        with scratch_directory(default_root()) as folder:
            path = folder / "original"
            try:
                await self._storage.download(task.object_key, path)
            except ObjectMissing as error:
                raise DocumentGone from error
            async with Box.open(path, backends=self._backends, password=password) as box:
                yield Opened(box, folder)

    def _password(self, sealed: str | None) -> str | None:
        if sealed is None:
            return None
        try:
            return self._seal.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError):
            # Without its cause, which may quote the secret.
            raise WrongPassword("It was sealed with another key than ours.") from None
