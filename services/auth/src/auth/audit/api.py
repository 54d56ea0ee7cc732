"""The audit log over HTTP."""

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.pagination import Page, Paging
from fastapi import APIRouter

from auth.audit.schemas import AuditEntryOut, AuditQuery
from auth.resources import Audit, Auditor

router = APIRouter(
    prefix="/api/v1/admin/audit",
    tags=["admin"],
    responses=problems(Unauthorized, Forbidden, Unavailable),
)


@router.get("")
async def list_audit_log(
    _: Auditor, wanted: AuditQuery, paging: Paging, audit: Audit
) -> Page[AuditEntryOut]:
    """List who did what, when, from where; the newest first."""
    entries, total = await audit.list(wanted, paging)
    items = [AuditEntryOut.model_validate(entry) for entry in entries]
    return Page[AuditEntryOut].of(items, total=total, request=paging)
