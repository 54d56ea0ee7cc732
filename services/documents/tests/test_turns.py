"""Whose turn it is: urgent before not, fair between users, short documents before long ones."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from common.outbox import outbox
from contracts import Event, OcrPagesRequested, OcrRequested
from documents.jobs.dispatching import Dispatcher
from documents.jobs.models import Job, Status, Urgency
from documents.jobs.turns import next_to_read, position
from documents.jobs.workers import Backlog, Workers

Keep = Callable[..., Awaitable[list[UUID]]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]


class Broker(Workers):
    """What the workers have before them, as a test wants it."""

    def __init__(self) -> None:
        super().__init__("amqp://nowhere")
        self.opening = Backlog(0, 1)
        self.reading = Backlog(0, 1)

    async def plans(self) -> Backlog:
        return self.opening

    async def pages(self) -> Backlog:
        return self.reading


@pytest.fixture
async def alone(sessions: Sessions) -> None:
    """Let nothing of other tests wait for its turn."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Job)
            .where(Job.status.in_([Status.QUEUED, Status.PROCESSING]))
            .values(status=Status.CANCELLED)
        )


@pytest.fixture
def jobs(sessions: Sessions, keep: Keep) -> Callable[..., Awaitable[list[UUID]]]:
    """Make documents of a new user with jobs like these; return the ids of the jobs."""

    async def jobs(*given: dict[str, Any]) -> list[UUID]:
        owner_id = uuid4()
        documents = await keep(*({} for _ in given), owner_id=owner_id)
        ids = []
        async with transaction(sessions) as session:
            for document_id, values in zip(documents, given, strict=True):
                job = await session.scalar(sa.select(Job).filter_by(document_id=document_id))
                assert job is not None
                for name, value in values.items():
                    setattr(job, name, value)
                if "todo" in values:
                    job.status = Status.PROCESSING
                    job.pages_total = max(last for _, last in values["todo"])
                    job.ask()
                ids.append(job.id)
        return ids

    return jobs


@pytest.mark.usefixtures("alone")
async def test_short_documents_overtake_long_ones(sessions: Sessions, jobs: Any) -> None:
    _, short = await jobs({"todo": [(1, 400)]}, {"todo": [(1, 1)]})

    async with transaction(sessions) as session:
        job = await next_to_read(session)
    assert job is not None
    assert job.id == short


@pytest.mark.usefixtures("alone")
async def test_whom_less_is_being_done_for_comes_first(sessions: Sessions, jobs: Any) -> None:
    await jobs({"todo": [(5, 10_000)], "in_flight": 4}, {"todo": [(1, 1)]})
    (other,) = await jobs({"todo": [(1, 900)]})

    async with transaction(sessions) as session:
        job = await next_to_read(session)
    assert job is not None
    assert job.id == other


@pytest.mark.usefixtures("alone")
async def test_what_is_urgent_comes_before_what_is_fair(sessions: Sessions, jobs: Any) -> None:
    later, urgent = await jobs(
        {"todo": [(1, 1)], "urgency": Urgency.LATER}, {"todo": [(1, 500)], "in_flight": 9}
    )
    async with transaction(sessions) as session:
        job = await next_to_read(session)
        assert job is not None
        assert job.id == urgent
        waiting = await session.get(Job, later)
        assert waiting is not None
        assert await position(session, waiting) == 2


@pytest.mark.usefixtures("alone")
async def test_ten_thousand_documents_of_one_user_do_not_keep_another_waiting(
    sessions: Sessions, jobs: Any, recorded: Recorded
) -> None:
    crowd = await jobs(*({} for _ in range(40)))
    dispatcher, broker = _dispatcher(sessions)
    for _ in range(30):  # nothing is opened so far: what is recorded goes nowhere
        await dispatcher.dispatch()
        await _sent(sessions)
    async with sessions() as session:
        begun = await session.scalar(
            sa.select(sa.func.count())
            .select_from(Job)
            .where(Job.asked_at.is_not(None), Job.id.in_(crowd))
        )
    assert begun == 20, "not many more than can be read soon"

    (late,) = await jobs({})
    await dispatcher.dispatch()
    (opened,) = await recorded(OcrRequested)
    assert opened["job_id"] == str(late)
    assert broker.opening.waiting == 0


@pytest.mark.usefixtures("alone")
async def test_no_more_lies_in_the_queue_than_the_workers_take_next(
    sessions: Sessions, jobs: Any, recorded: Recorded
) -> None:
    await jobs({"todo": [(1, 100)]})
    dispatcher, broker = _dispatcher(sessions)
    broker.reading = Backlog(1, 3)

    await dispatcher.dispatch()
    await dispatcher.dispatch()
    assert len(await recorded(OcrPagesRequested)) == 2, "one waits, three can be taken"

    await _sent(sessions)
    broker.reading = Backlog(3, 3)
    await dispatcher.dispatch()
    assert await recorded(OcrPagesRequested) == []


@pytest.mark.usefixtures("alone")
async def test_every_page_is_handed_out_once(
    sessions: Sessions, jobs: Any, recorded: Recorded
) -> None:
    (job,) = await jobs({"todo": [(1, 37)]})
    dispatcher, _ = _dispatcher(sessions)
    pages: list[int] = []
    while True:
        await dispatcher.dispatch()
        tasks = await recorded(OcrPagesRequested)
        if not tasks:
            break
        for task in tasks:
            assert task["job_id"] == str(job)
            pages += range(task["first"], task["last"] + 1)
        await _sent(sessions)
    assert pages == list(range(1, 38))


def _dispatcher(sessions: Sessions) -> tuple[Dispatcher, Broker]:
    broker = Broker()
    return Dispatcher("", sessions, broker), broker


async def _sent(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(outbox.delete())
