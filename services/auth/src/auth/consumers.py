"""Which event leads to what."""

from common.broker import QueueSpec
from common.consumer import Handlers
from common.database import Sessions
from common.inbox import once
from contracts import EmailLinkRequested, ReportRequested
from cryptography.fernet import Fernet

from auth.links.service import LinkService
from auth.reports.maker import ReportMaker

LINKS = QueueSpec("auth", events=(EmailLinkRequested.name,))
# Of their own, so that nobody waits for a mail while a long report is made.
REPORTS = QueueSpec("auth.reports", events=(ReportRequested.name,))


def link_handlers(sessions: Sessions, seal: Fernet) -> Handlers:
    """Return what is done about links."""
    return once(
        sessions,
        {EmailLinkRequested: lambda session, event: LinkService(session, seal).answer(event)},
    )


def report_handlers(maker: ReportMaker) -> Handlers:
    """Return what is done about reports; the maker itself lives with repeats."""
    return {ReportRequested: maker.make}
