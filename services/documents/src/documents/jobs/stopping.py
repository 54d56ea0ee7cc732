"""Leaving word for workers that a job has ended before its time.

An object beside its results, since any worker may be at its pages and none keeps state: each looks
for it before a page. It goes with the results when the document is purged.
"""

from common.storage import Storage
from contracts import OcrCancelled, cancelled_key


async def leave_word(storage: Storage, event: OcrCancelled) -> None:
    """Tell every worker to read no further page of the job's attempt."""
    key = cancelled_key(event.job_id, event.attempt)
    await storage.put(key, b"", content_type="application/octet-stream")
