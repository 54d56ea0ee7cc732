"""A job ends once and rightly, in whatever order and however often its pages are reported."""

from uuid import uuid4

from documents.jobs.models import Job, Page, Status
from hypothesis import given
from hypothesis import strategies as st

JOB = uuid4()
ERROR = {"type": "urn:quire:problem:page-timed-out", "title": "Too slow", "detail": ""}


def new_job() -> Job:
    return Job(
        id=JOB,
        document_id=uuid4(),
        user_id=uuid4(),
        status=Status.QUEUED,
        pages_done=0,
        pages_failed=0,
        in_flight=0,
        todo=[],
    )


def page(number: int, *, read: bool) -> Page:
    return Page(job_id=JOB, number=number, error=None if read else ERROR)


class Ledger:
    """Does what the service does with a job, without a database."""

    def __init__(self) -> None:
        self.job = new_job()
        self.pages: dict[int, Page] = {}
        self.seen: list[int] = [self.job.progress]

    def start(self, pages: int) -> None:
        self.job.start(pages)
        self._settle()

    def report(self, reported: Page) -> None:
        if self.job.count(reported, self.pages.get(reported.number)):
            self.pages[reported.number] = reported
            self._settle()

    def _settle(self) -> None:
        if self.job.all_reported and not self.job.ended:
            if self.job.pages_done:
                self.job.finish()
            else:
                self.job.fail(ERROR)
        self.seen.append(self.job.progress)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[int | Page]]:
    """A document's reports, shuffled and repeated: a number stands for `ocr.started`."""
    total = draw(st.integers(1, 8))
    reports: list[int | Page] = [total]
    for number in range(1, total + 1):
        outcomes = draw(st.sampled_from([(True,), (False,), (False, True)]))
        reports += [page(number, read=read) for read in outcomes]
    reports += draw(st.lists(st.sampled_from(reports), max_size=10))
    return total, draw(st.permutations(reports))


@given(deliveries())
def test_any_order_and_any_repetition_ends_rightly(
    delivered: tuple[int, list[int | Page]],
) -> None:
    total, reports = delivered
    ledger = Ledger()
    for report in reports:
        if isinstance(report, int):
            ledger.start(report)
        else:
            ledger.report(report)

    job = ledger.job
    assert job.ended
    assert job.pages_done + job.pages_failed == total == job.pages_total
    assert job.pages_done == sum(1 for known in ledger.pages.values() if known.was_read)
    expected = Status.FAILED
    if job.pages_done:
        expected = Status.PARTIAL if job.pages_failed else Status.COMPLETED
    assert job.status == expected
    assert ledger.seen == sorted(ledger.seen), "progress never falls"
    assert (ledger.seen[-1] == 100) == (expected != Status.FAILED)


def test_a_page_that_failed_may_still_turn_out_well() -> None:
    job = new_job()
    job.start(2)
    failed = page(1, read=False)

    assert job.count(failed, None)
    assert job.count(page(1, read=True), failed)
    assert (job.pages_done, job.pages_failed) == (1, 0)


def test_what_has_ended_stays_as_it_ended() -> None:
    job = new_job()
    job.cancel()
    ended_at = job.completed_at

    job.start(3)
    job.cancel()

    assert not job.count(page(1, read=True), None)
    assert (job.status, job.completed_at) == (Status.CANCELLED, ended_at)


def test_a_page_that_the_document_does_not_have_is_not_counted() -> None:
    job = new_job()
    job.start(3)

    assert not job.count(page(99, read=True), None)
    assert job.pages_done == 0


def test_progress_is_100_only_at_the_end() -> None:
    job = new_job()
    job.start(1000)
    for number in range(1, 1001):
        job.count(page(number, read=True), None)
        assert job.progress <= 99
    job.finish()

    assert job.progress == 100
