"""What can go wrong with reports."""

from common.errors import Problem


class ReportNotFound(Problem):
    """There is no such report, or it is somebody else's."""

    status, slug, title = 404, "report-not-found", "There is no such report"


class ReportNotReady(Problem):
    """The report is still being made, or could not be made."""

    status, slug, title = 409, "report-not-ready", "The report cannot be downloaded"
