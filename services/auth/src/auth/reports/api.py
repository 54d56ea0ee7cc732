"""Reports over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from auth.reports.errors import ReportNotFound, ReportNotReady
from auth.reports.schemas import ReportOut, ReportRequest
from auth.resources import Reporter, Reports

router = APIRouter(
    prefix="/api/v1/admin/reports",
    tags=["admin"],
    responses=problems(Unauthorized, Forbidden, Unavailable),
    route_class=IdempotentRoute,
)


@router.post(
    "/users",
    status_code=202,
    dependencies=[Depends(idempotent)],
    responses=problems(*KEY_REFUSALS),
)
async def request_report(
    wanted: ReportRequest, reporter: Reporter, reports: Reports, response: Response
) -> ReportOut:
    """Have a report of user activity made; the socket tells how far it is."""
    report = await reports.request(reporter.id, wanted)
    response.headers["Location"] = f"{router.prefix}/{report.id}"
    return ReportOut.model_validate(report)


@router.get("/{report_id}", responses=problems(ReportNotFound))
async def get_report(report_id: UUID, reporter: Reporter, reports: Reports) -> ReportOut:
    """Show how far a report is."""
    return ReportOut.model_validate(await reports.get(reporter.id, report_id))


@router.get(
    "/{report_id}/download",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {}}, "description": "The table"},
        **problems(ReportNotFound, ReportNotReady),
    },
)
async def download_report(
    report_id: UUID, reporter: Reporter, reports: Reports
) -> StreamingResponse:
    """Download a report as CSV."""
    return StreamingResponse(
        await reports.open(reporter.id, report_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="user-activity-{report_id}.csv"'},
    )
