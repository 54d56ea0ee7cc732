"""The streams in Redis: what is added, what is refused, and what names their life."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from common.envelope import seal
from contracts import Failure, OcrFailed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notifier.streams import STREAM_LENGTH, Streams
from redis.asyncio import Redis


async def stored(redis: Redis, user_id: UUID) -> list[dict[str, Any]]:
    entries: Any = await redis.xrange(f"stream:{user_id}")
    return [json.loads(entry[b"message"]) for _, entry in entries]


@given(data=st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_whatever_the_order_progress_rises_to_one_end(
    redis: Redis, job: Any, tell: Any, data: st.DataObject
) -> None:
    job = job.another(owner_id=uuid4(), pages=data.draw(st.integers(1, 6)))
    fails = data.draw(st.booleans())
    events = job.life()
    if fails:
        failure = Failure(type="urn:quire:problem:document-damaged", title="It is damaged")
        failed = OcrFailed(
            document_id=job.document_id, owner_id=job.owner_id, job_id=job.job_id, error=failure
        )
        events = [*events[:-2], failed]
    envelopes = [(event, seal(event, source="documents")) for event in events]
    again = data.draw(st.lists(st.sampled_from(envelopes), max_size=2 * len(envelopes)))
    for event, envelope in data.draw(st.permutations([*envelopes, *again])):
        await tell(event, envelope)

    *progress, complete = await stored(redis, job.owner_id)

    assert complete["type"] == "ocr_complete"
    assert complete["success"] is not fails
    assert {message["type"] for message in progress} <= {"ocr_progress"}
    for key in ("progress", "pages_done"):
        values = [message[key] for message in progress]
        assert values == sorted(values)
    ranks = [("queued", "processing", "completed").index(m["status"]) for m in progress]
    assert ranks == sorted(ranks)
    steps = [(message["status"], message["page"]) for message in progress]
    assert len(steps) == len(set(steps))
    assert fails or progress[-1]["progress"] == 100


async def test_events_that_come_in_order_are_all_told(redis: Redis, job: Any, tell: Any) -> None:
    await asyncio.gather(*(tell(event) for event in job.life()))

    told = await stored(redis, job.owner_id)
    assert len(told) == len(job.life())


async def test_a_stream_is_bounded_and_does_not_live_for_ever(
    redis: Redis, job: Any, tell: Any
) -> None:
    events = [job.another().progress(1) for _ in range(STREAM_LENGTH + 300)]
    await asyncio.gather(*(tell(event) for event in events))

    assert STREAM_LENGTH <= await redis.xlen(f"stream:{job.owner_id}") < STREAM_LENGTH + 300
    async for key in redis.scan_iter(f"*{job.owner_id}*", count=1000):
        assert 0 < await redis.ttl(key) <= 24 * 3600


async def test_the_epoch_names_the_life_of_the_stream(redis: Redis, job: Any, tell: Any) -> None:
    streams = Streams(redis)
    [born] = await streams.positions([job.owner_id])
    [unchanged] = await streams.positions([job.owner_id])
    await tell(job.progress(1))
    [later] = await streams.positions([job.owner_id])
    epochs = [later.epoch]
    for lost in ("stream", "epoch"):
        await redis.delete(f"{lost}:{job.owner_id}")
        await tell(job.progress(2))
        [position] = await streams.positions([job.owner_id])
        epochs.append(position.epoch)

    assert born == unchanged
    assert later.epoch == born.epoch
    assert later.offset > born.offset
    assert len(set(epochs)) == 3
