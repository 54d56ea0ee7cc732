"""From events on the broker to what sockets are told."""

import random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from contracts import (
    DocumentDeleted,
    DocumentPurged,
    DocumentRestored,
    DocumentUpdated,
    Failure,
    ReportCompleted,
    ReportProgress,
)
from notifier.streams import Offset


async def test_events_arrive_in_order_with_rising_offsets(
    start_worker: Any, publish: Any, listen: Any, job: Any
) -> None:
    job.pages = 100
    async with start_worker(), listen(job.owner_id) as socket:
        greeting = await socket.established()
        await publish(*job.life())
        heard = await socket.up_to("ocr_complete")

    assert [message["pages_done"] for message in heard[:-1]] == [0, *range(101)]
    assert heard[-1]["document_id"] == str(job.document_id)
    assert heard[-1]["result"] == {"pages": 100, "missing_pages": []}
    offsets = [Offset.parse(message["offset"]) for message in (greeting, *heard)]
    assert offsets == sorted(set(offsets))


async def test_redelivery_shows_nothing_twice(
    start_worker: Any, publish: Any, listen: Any, job: Any
) -> None:
    async with (
        start_worker(),
        start_worker(),
        listen(job.owner_id) as socket,
    ):
        await socket.established()
        for event in job.life():
            await publish(event, times=5)
        heard = await socket.up_to("ocr_complete")
        await publish(*job.life())  # told again as other events: the job has ended all the same
        await socket.hears_nothing()

    progress = [message["progress"] for message in heard[:-1]]
    assert progress == sorted(progress)
    assert len(progress) <= len(job.life()) - 1
    assert progress[-1] == 100


async def test_shuffled_progress_never_falls_and_ends_at_100(
    start_worker: Any, publish: Any, listen: Any, job: Any
) -> None:
    jobs = [job.another(pages=10) for _ in range(20)]
    events = [event for each in jobs for event in each.life()]
    random.Random(7).shuffle(events)
    told: dict[str, list[dict[str, Any]]] = {str(each.job_id): [] for each in jobs}
    async with start_worker(), listen(job.owner_id) as socket:
        await socket.established()
        await publish(*events)
        ended = 0
        while ended < len(jobs):
            message = await socket.next()
            told[message["job_id"]].append(message)
            ended += message["type"] == "ocr_complete"

    for messages in told.values():
        *progress, complete = messages
        assert complete["type"] == "ocr_complete"
        percents = [message["progress"] for message in progress]
        assert percents == sorted(percents)
        assert percents[-1] == 100


@pytest.mark.parametrize("failure", [None, Failure(type="urn:x", title="Too much")])
async def test_a_report_goes_forward_and_ends_once(
    start_worker: Any, publish: Any, listen: Any, user_id: UUID, failure: Failure | None
) -> None:
    report = {"report_id": uuid4(), "owner_id": user_id}
    progress = [ReportProgress(**report, progress=percent) for percent in (10, 50, 30)]
    completed = ReportCompleted(**report, rows=0 if failure else 7, error=failure)
    async with start_worker(prefetch=1), listen(user_id) as socket:
        await socket.established()
        await publish(*progress)
        await publish(completed, times=3)
        await publish(ReportProgress(**report, progress=60))
        heard = await socket.up_to("report_complete")
        await socket.hears_nothing()

    assert [message["progress"] for message in heard[:-1]] == [10, 50] + [100] * (not failure)
    assert heard[-1]["report_id"] == str(report["report_id"])
    assert heard[-1]["success"] is not bool(failure)
    assert heard[-1]["rows"] == completed.rows
    assert heard[-1]["error"] == (failure.model_dump() if failure else None)


async def test_what_owners_do_with_a_document_is_told(
    start_worker: Any, publish: Any, listen: Any, user_id: UUID
) -> None:
    document = {"document_id": uuid4(), "owner_id": user_id}
    async with start_worker(prefetch=1), listen(user_id) as socket:
        await socket.established()
        await publish(DocumentUpdated(**document, changed=("tags", "title")))
        await publish(DocumentDeleted(**document), DocumentRestored(**document))
        await publish(DocumentPurged(**document, object_key="originals/x", job_ids=()))
        heard = await socket.up_to("document_purged")

    kinds = [message["type"].removeprefix("document_") for message in heard]
    assert kinds == ["updated", "deleted", "restored", "purged"]
    assert {message["document_id"] for message in heard} == {str(document["document_id"])}
    assert heard[0]["changed"] == ["tags", "title"]


async def test_the_worker_is_ready_when_its_servers_are(
    start_worker: Any, unused_tcp_port: int
) -> None:
    nobody = f"redis://127.0.0.1:{unused_tcp_port}"
    async with (
        start_worker() as url,
        start_worker(redis_url=nobody) as without_redis,
        httpx.AsyncClient() as http,
    ):
        ready = await http.get(f"{url}/readyz")
        unready = await http.get(f"{without_redis}/readyz")

    others = {"broker": "ok", "database": "ok"}
    assert ready.json() == {"status": "ok", "checks": {"redis": "ok", **others}}
    assert unready.json()["checks"] == {"redis": "failing", **others}
