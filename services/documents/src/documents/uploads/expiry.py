"""Forgetting uploads that were not finished in time, and those that were, a while afterwards."""

from common.database import Sessions, transaction
from common.storage import Storage

from documents.base import now
from documents.uploads.leftovers import remove_leftovers
from documents.uploads.repository import UploadRepository


async def forget_expired(sessions: Sessions, storage: Storage) -> None:
    """Remove each expired upload, whatever its kind, with what object storage has of it.

    The row goes first, so that nobody can complete it meanwhile. If we die before the objects are
    removed, `sweeping` finds that they belong to nothing.
    """
    before = now()
    while True:
        async with transaction(sessions) as session:
            upload = await UploadRepository(session).remove_expired(before)
        if upload is None:
            return
        await remove_leftovers(storage, upload)
