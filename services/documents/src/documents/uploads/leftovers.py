"""What object storage has of an upload, besides the document that it has become."""

import contextlib

from common.s3 import MultipartMissing
from common.storage import Storage

from documents.uploads.models import Upload, UploadStatus


async def remove_leftovers(storage: Storage, upload: Upload) -> None:
    """Remove what is left of an upload that has ended, or whose row is gone.

    Done again, it removes what is left then. Nobody can make a document of it any more, so what
    lies where the document's file would be goes as well.
    """
    if upload.status is not UploadStatus.COMPLETED:
        if upload.multipart is not None:
            with contextlib.suppress(MultipartMissing):
                await storage.multiparts.abort(upload.object_key, upload.multipart)
        await storage.delete(upload.object_key)
    await storage.delete_folder(upload.folder)
