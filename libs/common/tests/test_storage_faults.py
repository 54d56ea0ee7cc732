"""Object storage behind a proxy that breaks what passes through it.

Time is short here: an attempt takes 0.4 s and a call 2 s at most, where the defaults are 10 and
25 s, so that what lasts a minute in production lasts two seconds. Whole parts get a little more.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from common.errors import Unavailable
from common.faults import INTERNAL_ERROR, SLOW_DOWN, Fault, FaultProxy, http_error
from common.parts import PART_BYTES
from common.s3 import MultipartMissing
from common.settings import StorageSettings
from common.storage import Chunks, ObjectMissing, Storage
from common.testing import eventually

pytestmark = pytest.mark.campaign

ATTEMPT, PATIENCE = 0.4, 2.0
SMALL = b"0123456789" * 100
LARGE = random.Random(1).randbytes(2 * PART_BYTES + 7)


@pytest.fixture
async def proxy(storage_settings: StorageSettings) -> AsyncIterator[FaultProxy]:
    endpoint = storage_settings.s3_endpoint
    proxy = FaultProxy(endpoint.host or "", endpoint.port or 80, http=True)
    async with proxy.serving():
        yield proxy


@pytest.fixture
async def storage(storage_settings: StorageSettings, proxy: FaultProxy) -> AsyncIterator[Storage]:
    """Reach the server through the proxy."""
    async with behind(proxy, storage_settings, ATTEMPT, PATIENCE) as storage:
        yield storage


@pytest.fixture
async def patient(storage_settings: StorageSettings, proxy: FaultProxy) -> AsyncIterator[Storage]:
    """Reach the server through the proxy, with time enough for parts of 8 MiB."""
    async with behind(proxy, storage_settings, 3.0, 9.0) as storage:
        yield storage


@pytest.fixture
async def direct(storage_settings: StorageSettings) -> AsyncIterator[Storage]:
    storage = Storage(storage_settings)
    yield storage
    storage.close()


@asynccontextmanager
async def behind(
    proxy: FaultProxy, settings: StorageSettings, attempt: float, patience: float
) -> AsyncIterator[Storage]:
    values = {
        **settings.model_dump(),
        "s3_endpoint": f"http://127.0.0.1:{proxy.port}",
        "s3_attempt_seconds": attempt,
        "s3_patience_seconds": patience,
    }
    storage = Storage(StorageSettings.model_validate(values))
    yield storage
    storage.close()


@pytest.fixture
def key() -> str:
    return f"faults/{uuid4()}"


async def chunks(data: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def drain(download: Chunks, received: bytearray) -> None:
    async for data in download:
        received += data


async def unfinished(storage: Storage, key: str) -> list[str]:
    return [each.upload async for each in storage.multiparts.unfinished(key)]


ONCE = {
    "500": Fault(answer=INTERNAL_ERROR),
    "503": Fault(answer=SLOW_DOWN),
    "an error that is no XML": Fault(
        answer=b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nContent-Type: a/b\r\n\r\nOops"
    ),
    "a request cut at once": Fault(cut_request=0),
    "a request cut in the middle": Fault(cut_request=500),
    "a lost answer": Fault(lose_answer=True),
    "an answer closed in good order before it began": Fault(lose_answer=True, reset=False),
    "silence": Fault(black_hole=True),
    "nonsense": Fault(answer=b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"),
}


@pytest.mark.parametrize("fault", ONCE.values(), ids=ONCE)
async def test_a_request_that_fails_once_succeeds(
    storage: Storage, proxy: FaultProxy, key: str, fault: Fault
) -> None:
    proxy.suffer(fault, times=1)
    await storage.put(key, SMALL, content_type="text/plain")
    proxy.suffer(fault, times=1)
    assert await storage.size(key) == len(SMALL)
    proxy.suffer(fault, times=1)
    assert await storage.get(key) == SMALL
    proxy.suffer(fault, times=1)
    assert [each.key async for batch in storage.objects(key) for each in batch] == [key]
    proxy.suffer(fault, times=1)
    await storage.delete_all([key])
    with pytest.raises(ObjectMissing):
        await storage.get(key)


async def test_a_body_that_came_too_slowly_is_sent_again(
    storage: Storage, proxy: FaultProxy, key: str
) -> None:
    proxy.suffer(Fault(answer=http_error(400, "Bad Request", "RequestTimeout")), times=1)
    await storage.put(key, SMALL, content_type="text/plain")


async def test_what_is_forbidden_is_asked_once(
    storage: Storage, proxy: FaultProxy, key: str
) -> None:
    proxy.suffer(Fault(answer=http_error(403, "Forbidden", "AccessDenied")))
    with pytest.raises(Unavailable):
        await storage.put(key, SMALL, content_type="text/plain")
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("name", ["503", "a request cut in the middle", "a lost answer", "silence"])
@pytest.mark.parametrize("where", [b"?uploads", b"partNumber=2", b"POST /"])
async def test_a_long_stream_bears_a_fault_anywhere(
    patient: Storage, direct: Storage, proxy: FaultProxy, *, key: str, name: str, where: bytes
) -> None:
    proxy.suffer(ONCE[name], where=where, times=1)

    await patient.put_stream(key, chunks(LARGE), content_type="application/pdf")

    assert await direct.get(key) == LARGE


async def test_a_completion_whose_answer_is_lost_is_found_out(
    storage: Storage, proxy: FaultProxy, key: str
) -> None:
    multiparts = storage.multiparts
    upload = await multiparts.begin(key, content_type="text/plain")
    sent = [(7, await multiparts.put_part(key, upload, SMALL, number=7))]
    proxy.suffer(Fault(lose_answer=True), where=b"POST", times=1)
    await multiparts.complete(key, upload, sent)
    await multiparts.complete(key, upload, sent)

    assert await storage.get(key) == SMALL
    with pytest.raises(MultipartMissing):
        await multiparts.complete(f"{key}-other", upload, sent)


FOREVER = {
    "500": Fault(answer=INTERNAL_ERROR),
    "503": Fault(answer=SLOW_DOWN),
    "lost answers": Fault(lose_answer=True),
    "answers cut in the middle": Fault(cut_answer=5),
    "silence": Fault(black_hole=True),
    "slowness": Fault(delay=5),
    "trickling": Fault(rate=20),
}


@pytest.mark.parametrize("fault", FOREVER.values(), ids=FOREVER)
async def test_what_lasts_is_told_in_time_and_nothing_hangs(
    storage: Storage, direct: Storage, proxy: FaultProxy, key: str, fault: Fault
) -> None:
    await direct.put(key, SMALL, content_type="text/plain")
    proxy.suffer(fault)
    started = time.monotonic()
    results = await asyncio.gather(
        storage.get(key), anext(await direct.open(key)), return_exceptions=True
    )
    assert isinstance(results[0], Unavailable)
    assert int(results[0].headers["Retry-After"]) > 0
    assert results[1] == SMALL
    assert time.monotonic() - started < PATIENCE + 0.5

    proxy.heal()
    assert await storage.get(key) == SMALL
    await eventually(lambda: none_open(proxy))


async def none_open(proxy: FaultProxy) -> bool:
    return proxy.connections == 0


@pytest.mark.parametrize("where", [b"?uploads", b"partNumber=2", b"POST /", b"PUT /"])
async def test_a_stream_that_cannot_be_stored_leaves_nothing(
    patient: Storage, direct: Storage, proxy: FaultProxy, key: str, where: bytes
) -> None:
    proxy.suffer(Fault(answer=SLOW_DOWN), where=where)

    with pytest.raises(Unavailable):
        await patient.put_stream(key, chunks(LARGE), content_type="application/pdf")

    assert not await direct.exists(key)
    assert await unfinished(direct, key) == []


async def test_a_stream_whose_completion_nobody_learns_of_leaves_nothing(
    patient: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    proxy.suffer_as(
        lambda line: (
            Fault(lose_answer=True)
            if line.startswith((b"HEAD", b"POST")) and b"?uploads" not in line
            else None
        )
    )
    with pytest.raises(Unavailable):
        await patient.put_stream(key, chunks(LARGE), content_type="application/pdf")

    assert not await direct.exists(key)
    assert await unfinished(direct, key) == []


async def test_a_stream_whose_parts_the_server_forgets_is_unavailable(
    direct: Storage, key: str
) -> None:
    async def forgotten() -> AsyncIterator[bytes]:
        async for chunk in chunks(LARGE):
            yield chunk
        for upload in await unfinished(direct, key):
            await direct.multiparts.abort(key, upload)

    with pytest.raises(Unavailable):
        await direct.put_stream(key, forgotten(), content_type="text/plain")
    assert not await direct.exists(key)


@pytest.mark.parametrize(
    ("cut", "reset"), [(0, False), (1, True), (300_000, True), (len(LARGE) - 1, False)]
)
async def test_a_download_goes_on_where_it_broke_off(
    patient: Storage, direct: Storage, proxy: FaultProxy, *, key: str, cut: int, reset: bool
) -> None:
    await direct.put_stream(key, chunks(LARGE), content_type="application/pdf")
    proxy.suffer(Fault(cut_answer=cut, reset=reset), where=b"GET", times=2)

    assert b"".join([data async for data in await patient.open(key)]) == LARGE
    proxy.suffer(Fault(cut_answer=min(cut, 99), reset=reset), where=b"GET", times=2)
    some = [data async for data in await patient.open(key, offset=5, length=100)]
    assert b"".join(some) == LARGE[5:105]


async def test_a_download_that_cannot_go_on_never_just_ends(
    storage: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    await direct.put_stream(key, chunks(LARGE), content_type="application/pdf")
    proxy.suffer(Fault(cut_answer=700_000), where=b"GET", times=1)
    download = await storage.open(key)
    proxy.suffer(Fault(cut_answer=0))
    received = bytearray()
    with pytest.raises(Unavailable):
        await drain(download, received)
    assert len(received) < len(LARGE)
    assert LARGE.startswith(received)


async def test_an_object_that_was_replaced_meanwhile_is_not_mixed_with_the_new_one(
    patient: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    await direct.put_stream(key, chunks(LARGE), content_type="application/pdf")
    proxy.suffer(Fault(cut_answer=100_000), where=b"GET", times=1)
    download = await patient.open(key)
    await direct.put_stream(key, chunks(LARGE[::-1]), content_type="application/pdf")

    with pytest.raises(Unavailable):
        await drain(download, bytearray())


async def test_wrong_bytes_are_noticed(
    storage: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    await direct.put(key, SMALL, content_type="text/plain")
    proxy.suffer(Fault(wrong_byte=7), times=1)
    assert await storage.get(key) == SMALL, "asked again"

    proxy.suffer(Fault(wrong_byte=7))
    with pytest.raises(Unavailable):
        await storage.get(key)
    with pytest.raises(Unavailable):
        await anext(await storage.open(key))


async def test_a_stream_with_another_hash_than_expected_lacks_its_end(
    direct: Storage, key: str
) -> None:
    await direct.put_stream(key, chunks(LARGE), content_type="text/plain")
    right, wrong = (hashlib.sha256(data).hexdigest() for data in (LARGE, SMALL))
    received = b"".join([data async for data in await direct.open(key, sha256=right)])
    assert received == LARGE

    some = bytearray()
    with pytest.raises(Unavailable):
        await drain(await direct.open(key, sha256=wrong), some)
    assert len(some) < len(LARGE)


async def test_a_silent_server_does_not_stop_the_others_for_long(
    storage: Storage, proxy: FaultProxy, key: str
) -> None:
    await storage.put(key, SMALL, content_type="text/plain")
    proxy.suffer(Fault(black_hole=True))
    started = time.monotonic()
    results = await asyncio.gather(*(storage.get(key) for _ in range(100)), return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert time.monotonic() - started < PATIENCE + 0.5

    proxy.suffer(None)  # the threads are still waiting for what will never come
    assert await storage.get(key) == SMALL
    assert time.monotonic() - started < PATIENCE + 0.5 + 2 * ATTEMPT


def parts_asked_for(proxy: FaultProxy) -> set[bytes]:
    return {line for line in proxy.requests if b"partNumber" in line}


async def test_reading_goes_on_while_parts_are_sent_but_not_far_ahead(
    patient: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        async for chunk in chunks(LARGE * 3):
            taken += len(chunk)
            yield chunk

    async def three_on_their_way() -> bool:
        return len(parts_asked_for(proxy)) == 3

    proxy.suffer(Fault(black_hole=True), where=b"partNumber")
    storing = asyncio.create_task(patient.put_stream(key, counted(), content_type="text/plain"))
    await eventually(three_on_their_way)
    assert taken <= 4 * PART_BYTES

    proxy.heal()
    await storing
    assert await direct.size(key) == taken == len(LARGE * 3)


async def test_who_stops_storing_leaves_nothing(
    patient: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    async def some_on_their_way() -> bool:
        return len(parts_asked_for(proxy)) > 1

    proxy.suffer(Fault(delay=0.5), where=b"partNumber")
    stored = patient.put_stream(key, chunks(LARGE), content_type="text/plain")
    storing = asyncio.create_task(stored)
    await eventually(some_on_their_way)
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing

    assert not await direct.exists(key)
    assert await unfinished(direct, key) == []


async def test_one_call_in_ten_may_fail(storage: Storage, proxy: FaultProxy, key: str) -> None:
    chance = random.Random(4)
    faults = [*ONCE.values(), Fault(cut_answer=3), Fault(cut_answer=3, reset=False)]
    proxy.suffer_as(lambda _: chance.choice(faults) if chance.random() < 0.1 else None)

    async def there_and_back(number: int) -> None:
        data = SMALL + b"%d" % number
        await storage.put(f"{key}/{number}", data, content_type="text/plain")
        assert await storage.get(f"{key}/{number}") == data

    for start in range(0, 100, 10):
        await asyncio.gather(*(there_and_back(start + number) for number in range(10)))
    assert len(proxy.requests) > 205, "some were repeated"


async def test_a_client_that_leaves_holds_nothing(
    storage: Storage, direct: Storage, proxy: FaultProxy, key: str
) -> None:
    await direct.put_stream(key, chunks(LARGE), content_type="application/pdf")
    proxy.suffer(Fault(rate=1e6))
    download = await storage.open(key)
    reading = asyncio.create_task(anext(download))
    await asyncio.wait({reading}, timeout=0.05)
    reading.cancel()
    await asyncio.wait({reading})
    await download.aclose()

    await eventually(lambda: none_open(proxy))
