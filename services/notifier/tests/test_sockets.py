"""What goes over an open socket, in either direction."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from common.testing import serving
from contracts import DocumentDeleted, Failure, OcrCompleted, OcrFailed
from notifier.app import create_api
from notifier.streams import Offset
from redis.asyncio import Redis


async def test_a_ping_is_answered(listen: Any, user_id: UUID) -> None:
    async with listen(user_id) as socket:
        established = await socket.established()
        await socket.say(type="ping", anything="else")

        pong = await socket.next()

    assert pong["type"] == "pong"
    assert pong["offset"] == established["offset"]


@pytest.mark.parametrize(
    "said",
    ["", "{", "null", "[]", '"ping"', '{"type":"pong"}', '{"type":["ping"]}', "[" * 60_000, b"\0"],
)
async def test_what_is_not_understood_is_answered_and_the_socket_lives(
    listen: Any, user_id: UUID, said: str | bytes
) -> None:
    async with listen(user_id) as socket:
        await socket.established()
        await socket.connection.send(said)

        assert (await socket.next())["type"] == "error"
        await socket.hears_nothing()


async def test_every_event_has_its_message(listen: Any, job: Any, tell: Any) -> None:
    partial = OcrCompleted(
        document_id=job.document_id,
        owner_id=job.owner_id,
        job_id=job.job_id,
        pages=3,
        partial=True,
        missing_pages=(2,),
    )
    failure = Failure(type="urn:quire:problem:document-damaged", title="It is damaged")
    failed = OcrFailed(
        document_id=job.document_id, owner_id=job.owner_id, job_id=uuid4(), error=failure
    )
    deleted = DocumentDeleted(document_id=job.document_id, owner_id=job.owner_id)
    async with listen(job.owner_id) as socket:
        await socket.established()
        for event in (job.progress(1), partial, failed, deleted):
            await tell(event)
        progress, full, complete, failing, deletion = [await socket.next() for _ in range(5)]

    job_ids = {"document_id": str(job.document_id), "job_id": str(job.job_id)}
    assert (
        progress.items()
        >= {
            "type": "ocr_progress",
            **job_ids,
            "progress": 25,
            "status": "processing",
            "page": 1,
            "pages_done": 1,
            "pages_total": 4,
        }.items()
    )
    assert (
        full.items()
        >= {
            "type": "ocr_progress",
            **job_ids,
            "progress": 100,
            "status": "partial",
            "page": None,
            "pages_done": 3,
            "pages_total": 4,
        }.items()
    )
    result = {"pages": 3, "missing_pages": [2]}
    assert complete["type"] == failing["type"] == "ocr_complete"
    assert complete.items() >= {**job_ids, "success": True, "partial": True}.items()
    assert (complete["result"], complete["error"]) == (result, None)
    assert (failing["success"], failing["partial"], failing["result"]) == (False, False, None)
    assert failing["error"] == failure.model_dump()
    assert deletion["type"] == "document_deleted"
    assert deletion["document_id"] == str(job.document_id)
    offsets = [Offset.parse(m["offset"]) for m in (progress, full, complete, failing, deletion)]
    assert offsets == sorted(set(offsets))
    assert all(m["timestamp"].endswith("Z") for m in (progress, full, complete, failing, deletion))


async def test_others_hear_nothing(listen: Any, job: Any, tell: Any) -> None:
    async with listen(job.owner_id) as own, listen(uuid4()) as other:
        await own.established()
        await other.established()
        for event in job.life():
            await tell(event)

        await own.up_to("ocr_complete")
        await other.hears_nothing()


async def test_every_socket_of_a_user_hears_the_same_at_every_replica(
    api_settings: Any, listen: Any, job: Any, tell: Any
) -> None:
    async with (
        serving(create_api(api_settings())) as second_url,
        listen(job.owner_id) as one,
        listen(job.owner_id) as two,
        listen(job.owner_id, url=second_url) as three,
    ):
        sockets = (one, two, three)
        greetings = [await socket.established() for socket in sockets]
        for event in job.life():
            await tell(event)
        heard = [await socket.up_to("ocr_complete") for socket in sockets]

    assert len({greeting["epoch"] for greeting in greetings}) == 1
    assert heard[0] == heard[1] == heard[2]
    assert [m["progress"] for m in heard[0][:-1]] == [0, 0, 25, 50, 75, 100]


async def test_nothing_is_lost_or_doubled_while_sockets_come_and_go(
    listen: Any, job: Any, tell: Any, redis: Redis
) -> None:
    """Each socket hears exactly what the stream holds after the offset of its greeting."""
    over = asyncio.Event()

    async def keep_telling() -> None:
        while not over.is_set():
            await tell(job.another().progress(1))

    async def visit() -> None:
        async with listen(job.owner_id) as socket:
            greeting = await socket.established()
            heard = [(await socket.next())["offset"] for _ in range(20)]
        stored: Any = await redis.xrange(
            f"stream:{job.owner_id}", f"({greeting['offset']}", count=20
        )
        assert heard == [entry_id.decode() for entry_id, _ in stored]

    async def visit_often() -> None:
        for _ in range(8):
            await visit()

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(keep_telling())
        await asyncio.gather(*(visit_often() for _ in range(4)))
        over.set()
        await telling


async def test_a_message_is_one_json_object_in_one_text_frame(
    listen: Any, job: Any, tell: Any
) -> None:
    async with listen(job.owner_id) as socket:
        await socket.established()
        await tell(job.progress(1))
        frame = await socket.connection.recv()

    assert isinstance(frame, str)
    assert json.loads(frame)["progress"] == 25
