"""One request at a time works on an upload, and whoever is too late changes nothing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.storage import Storage
from common.testing import eventually
from contracts import DocumentUploaded, Event
from documents.settings import ApiSettings
from documents.tus.completion import Completion, finish_abandoned
from documents.tus.errors import UploadLocked, UploadTakenOver
from documents.tus.lease import Lease, leased
from documents.tus.parts import PartWriter
from documents.tus.protocol import Piece
from documents.tus.reception import Reception
from documents.tus.repository import TusRepository
from documents.uploads.models import Upload
from tus_client import TusClient, random_pdf

MIB = 1 << 20
HOUR = timedelta(hours=1)
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def tus(client: httpx.AsyncClient) -> TusClient:
    return TusClient(client)


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


async def test_of_all_who_send_from_one_offset_one_wins(
    tus: TusClient, client: httpx.AsyncClient
) -> None:
    """They even send different bytes: the file is that of the one who was answered so."""
    files = [random_pdf(3000, seed=number) for number in range(20)]
    path = await tus.begin(3000)
    answers = await asyncio.gather(*(tus.patch(path, 0, data) for data in files))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    winner = statuses.index(204)
    document_id = answers[winner].headers["x-document-id"]
    stored = (await client.get(f"/documents/{document_id}/download")).content
    assert stored == files[winner]


async def test_many_who_go_on_where_the_others_stopped_make_one_file(
    tus: TusClient, client: httpx.AsyncClient, recorded: Recorded
) -> None:
    data = random_pdf(14 * MIB, seed=40)
    path = await tus.begin(len(data))
    won: list[int] = []

    async def racer(step: int) -> None:
        while (offset := await tus.offset(path)) < len(data):
            answer = await tus.patch(path, offset, data[offset : offset + step])
            assert answer.status_code in {204, 409, 423}
            if answer.status_code == 204:
                won.append(offset)

    await asyncio.gather(*(racer((3 + number) * MIB) for number in range(4)))
    assert sorted(won) == sorted(set(won)), "nobody wins where somebody else did"
    document_id = (await tus.head(path)).headers["x-document-id"]
    stored = (await client.get(f"/documents/{document_id}/download")).content
    assert hashlib.sha256(stored).hexdigest() == hashlib.sha256(data).hexdigest()
    assert len(await recorded(DocumentUploaded)) == 1


async def test_a_lease_that_is_held_is_waited_for_and_then_refused(
    tus: TusClient, sessions: Sessions, user_id: UUID
) -> None:
    path = await tus.begin(10)
    async with leased(sessions, id_of(path), owner_id=user_id) as holder:
        with pytest.raises(UploadLocked):
            async with leased(sessions, id_of(path), owner_id=user_id, patience_seconds=0.2):
                pytest.fail("there are two holders")
        async with sessions() as session:
            assert (await session.get_one(Upload, id_of(path))).wanted

        async def endless() -> AsyncIterator[bytes]:
            yield b"%PDF-"
            await asyncio.Event().wait()

        pieces = holder.while_unwanted(endless())
        assert await anext(pieces) == b"%PDF-"
        with pytest.raises(UploadTakenOver):
            await anext(pieces)
    async with leased(sessions, id_of(path), owner_id=user_id, patience_seconds=0) as next_one:
        assert next_one.fence > holder.fence
        assert not next_one.upload.wanted


async def test_a_lease_is_renewed_for_as_long_as_it_is_held(
    tus: TusClient, sessions: Sessions, user_id: UUID
) -> None:
    path = await tus.begin(10)
    async with leased(sessions, id_of(path), owner_id=user_id) as holder:
        first = holder.upload.leased_until
        assert first is not None

        async def renewed() -> bool:
            async with sessions() as session:
                upload = await session.get_one(Upload, id_of(path))
            return upload.leased_until is not None and upload.leased_until > first

        await eventually(renewed)


class Zombie:
    """Holds a lease without renewing it, as a process does that stands still."""

    def __init__(self, sessions: Sessions, storage: Storage, user_id: UUID) -> None:
        self._sessions = sessions
        self._storage = storage
        self._user_id = user_id

    async def take(self, path: str) -> Lease:
        async with self._sessions.begin() as session:
            await session.execute(
                sa.update(Upload)
                .where(Upload.id == id_of(path))
                .values(leased_until=sa.func.now() - HOUR)
            )
        async with self._sessions.begin() as session:
            taken = await TusRepository(session).take(id_of(path), lease=timedelta(0))
        assert taken is not None
        return Lease(self._sessions, taken)

    async def writer(self, lease: Lease, *, behind: int = 0) -> PartWriter:
        writer = PartWriter(self._storage, lease, lifetime=HOUR, counts_at_once=True)
        await writer.open(size_of_parts=behind)
        return writer


@pytest.fixture
def zombie(sessions: Sessions, storage: Storage, user_id: UUID) -> Zombie:
    return Zombie(sessions, storage, user_id)


@pytest.mark.parametrize("moment", ["before the part", "while it is sent", "before the tail"])
async def test_whoever_wakes_up_too_late_changes_nothing(
    *,
    tus: TusClient,
    client: httpx.AsyncClient,
    storage: Storage,
    zombie: Zombie,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Meanwhile others have sent other bytes for the same place."""
    data, stale = random_pdf(17 * MIB, seed=20), random_pdf(17 * MIB, seed=21)
    path = await tus.begin(len(data))
    late = await zombie.writer(await zombie.take(path))
    put_part, put = storage.multiparts.put_part, storage.put

    async def others_go_on() -> None:
        assert (await tus.patch(path, 0, data[: 9 * MIB])).status_code == 204

    async def put_part_later(*args: Any, **kwargs: Any) -> str:
        await others_go_on()
        return await put_part(*args, **kwargs)

    async def put_later(*args: Any, **kwargs: Any) -> None:
        await others_go_on()
        await put(*args, **kwargs)

    if moment == "before the part":
        await others_go_on()
    elif moment == "while it is sent":
        monkeypatch.setattr(storage.multiparts, "put_part", put_part_later)
    else:
        monkeypatch.setattr(storage, "put", put_later)

    async def go_on_late() -> None:
        for begin in range(0, (2 if moment == "before the tail" else 9) * MIB, MIB):
            await late.write(stale[begin : begin + MIB])
        await late.flush()

    with pytest.raises(UploadTakenOver):
        await go_on_late()
    await late.close()
    monkeypatch.undo()

    assert await tus.offset(path) == 9 * MIB
    answer = await tus.patch(path, 9 * MIB, data[9 * MIB :])
    document = (await client.get(f"/documents/{answer.headers['x-document-id']}")).json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    stored = (await client.get(f"/documents/{document['id']}/download")).content
    assert stored == data


async def test_whoever_finishes_too_late_makes_no_second_document(
    *,
    tus: TusClient,
    zombie: Zombie,
    sessions: Sessions,
    storage: Storage,
    settings: ApiSettings,
    recorded: Recorded,
) -> None:
    data = random_pdf(3000, seed=22)
    path = await tus.begin(len(data))
    late = await zombie.take(path)
    writer = await zombie.writer(late)
    await writer.write(data)
    await writer.flush()
    document_id = (await tus.head(path)).headers["x-document-id"]
    with pytest.raises(UploadTakenOver):
        await Completion(sessions, storage, settings.upload_limits).finish(late)
    assert [each["document_id"] for each in await recorded(DocumentUploaded)] == [document_id]
    assert await storage.get(f"originals/{document_id}") == data


@pytest.mark.parametrize("crashed", ["before the object", "before the document"])
@pytest.mark.parametrize("by", ["HEAD", "PATCH", "worker", "all at once"])
async def test_what_died_before_its_end_is_finished_once(
    *,
    tus: TusClient,
    sessions: Sessions,
    storage: Storage,
    settings: ApiSettings,
    user_id: UUID,
    recorded: Recorded,
    crashed: str,
    by: str,
) -> None:
    limits = settings.upload_limits
    data = random_pdf(9 * MIB, seed=len(crashed) * 100 + len(by))
    path = await tus.begin(len(data))

    async def body() -> AsyncIterator[bytes]:
        yield data

    async with leased(sessions, id_of(path), owner_id=user_id) as lease:
        piece = Piece(offset=0, length=len(data), is_checked=False, body=body())
        await Reception(sessions, storage, limits).receive(lease, piece)
        if crashed == "before the document":
            await Completion(sessions, storage, limits)._make_object(lease.upload)

    if by == "HEAD":
        await tus.head(path)
    elif by == "PATCH":
        assert (await tus.patch(path, len(data))).status_code == 204
    elif by == "worker":
        await finish_abandoned(sessions, storage, limits)
    else:
        await asyncio.gather(
            *(tus.head(path) for _ in range(3)),
            *(tus.patch(path, len(data)) for _ in range(3)),
            *(finish_abandoned(sessions, storage, limits) for _ in range(3)),
        )
    head = await tus.head(path)
    assert head.headers["x-document-id"] == str(id_of(path))
    assert len(await recorded(DocumentUploaded)) == 1
    stored = await storage.get(f"originals/{id_of(path)}")
    assert hashlib.sha256(stored).hexdigest() == hashlib.sha256(data).hexdigest()


async def test_what_the_storage_has_lost_begins_again(
    tus: TusClient, sessions: Sessions, storage: Storage
) -> None:
    data = random_pdf(9 * MIB, seed=30)
    path = await tus.begin(len(data))
    await tus.patch(path, 0, data[: 8 * MIB + 10])
    async with sessions() as session:
        upload = await session.get_one(Upload, id_of(path))
    assert upload.multipart is not None
    await storage.multiparts.abort(upload.object_key, upload.multipart)
    answer = await tus.patch(path, 8 * MIB + 10, data[8 * MIB + 10 :])
    assert answer.status_code == 410
    assert answer.json()["type"].endswith(":upload-lost")
    assert (await tus.head(path)).status_code == 404


async def test_a_category_that_is_gone_meanwhile_is_left_out(
    tus: TusClient, client: httpx.AsyncClient
) -> None:
    category = (await client.post("/categories", json={"name": "Bills"})).json()["id"]
    data = random_pdf(3000, seed=31)
    path = await tus.begin(len(data), category_id=category)
    await tus.patch(path, 0, data[:100])
    await client.delete(f"/categories/{category}")
    answer = await tus.patch(path, 100, data[100:])
    document = (await client.get(f"/documents/{answer.headers['x-document-id']}")).json()
    assert document["category_id"] is None


async def test_bytes_that_do_not_count_take_no_room(tus: TusClient, sessions: Sessions) -> None:
    """The next parts take the places of those whose checksum was wrong."""
    path = await tus.begin(9 * MIB)
    checksum = "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="
    data = random_pdf(9 * MIB, seed=41)
    assert (await tus.patch(path, 0, data, Upload_Checksum=checksum)).status_code == 460
    async with sessions() as session:
        upload = await session.get_one(Upload, id_of(path))
    assert (upload.next_number, upload.received) == (1, 0)
    assert "x-document-id" in (await tus.patch(path, 0, data)).headers
