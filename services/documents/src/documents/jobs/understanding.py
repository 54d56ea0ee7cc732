"""What the worker has understood of a document, put where its owner looks for it."""

import sqlalchemy as sa
import structlog
from common import outbox
from contracts import DocumentUpdated
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.catalogue.matching import KnownSupplier, Traces, match_supplier
from documents.catalogue.models import Supplier
from documents.errors import DocumentNotFound
from documents.jobs.extraction import ExtractedData
from documents.jobs.models import Job
from documents.models import Document
from documents.repository import DocumentRepository

logger = structlog.get_logger(__name__)

_SURE_OF_TYPE = 0.6
_SURE_OF_SUPPLIER = 0.8
_MOST_SUPPLIERS = 10_000
_NO_TYPE = "other"


async def apply_understanding(session: AsyncSession, job: Job) -> None:
    """Fill in the type and the supplier of a locked job's document, where its owner has not."""
    if job.understanding is None:
        return
    try:
        data = ExtractedData.model_validate(job.understanding)
        document = await DocumentRepository(session).get(
            job.document_id, owner_id=job.user_id, lock=True
        )
    except ValidationError as error:  # from a worker of another version
        logger.warning("not understood", job_id=str(job.id), errors=error.error_count())
        job.understanding = None
        return
    except DocumentNotFound:  # it was deleted a moment ago
        return
    changed = document.revise({**_type(document, data), **await _supplier(session, document, data)})
    if changed:
        await session.flush()
        event = DocumentUpdated(document_id=document.id, owner_id=job.user_id, changed=changed)
        await outbox.record(session, event, source=SOURCE)


def _type(document: Document, data: ExtractedData) -> dict[str, object]:
    sure = data.document_type_confidence >= _SURE_OF_TYPE and data.document_type != _NO_TYPE
    return {"document_type": data.document_type} if sure and not document.document_type else {}


async def _supplier(
    session: AsyncSession, document: Document, data: ExtractedData
) -> dict[str, object]:
    if document.supplier_id is not None or not data.fields:
        return {}
    rows = await session.execute(
        sa.select(Supplier.id, Supplier.name, Supplier.description)
        .where(Supplier.user_id == document.user_id)
        .limit(_MOST_SUPPLIERS)
    )
    known = [KnownSupplier(*row) for row in rows]
    traces = Traces(
        name=data.value("supplier_name"), vat_id=data.value("vat_id"), iban=data.value("iban")
    )
    match = match_supplier(traces, known)
    sure = match is not None and match.confidence >= _SURE_OF_SUPPLIER
    return {"supplier_id": match.supplier_id} if match is not None and sure else {}
