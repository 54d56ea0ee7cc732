"""The documents service when the object storage fails: told in time, and nothing half stored.

Time is short here: an attempt takes 1 s and a call 3 s at most, where the defaults are 10 and 25 s,
so that what lasts a minute in production lasts a few seconds.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.database import Sessions
from common.faults import INTERNAL_ERROR, SLOW_DOWN, Fault, FaultProxy
from common.parts import PART_BYTES
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import TokenIssuer, serving
from contracts import DocumentUploaded
from documents.app import create_api
from documents.jobs.models import Page
from documents.results import read_text
from documents.settings import ApiSettings
from documents.sweeping import sweep, sweep_multiparts
from structlog.testing import capture_logs

pytestmark = pytest.mark.campaign

PATIENCE = 3.0
LARGE = b"%PDF-1.7\n" + random.Random(2).randbytes(PART_BYTES + 7)

Recorded = Callable[[Any], Any]
Slug = Callable[[httpx.Response], str]


@pytest.fixture
async def proxy(storage_settings: StorageSettings) -> AsyncIterator[FaultProxy]:
    endpoint = storage_settings.s3_endpoint
    proxy = FaultProxy(endpoint.host or "", endpoint.port or 80, http=True)
    async with proxy.serving():
        yield proxy


@pytest.fixture
def fragile_settings(settings: ApiSettings, proxy: FaultProxy) -> ApiSettings:
    values = {
        **settings.model_dump(),
        "s3_endpoint": f"http://127.0.0.1:{proxy.port}",
        "s3_attempt_seconds": PATIENCE / 3,
        "s3_patience_seconds": PATIENCE,
    }
    return ApiSettings.model_validate(values)


@pytest.fixture
async def fragile(
    fragile_settings: ApiSettings, issuer: TokenIssuer, user_id: UUID, sessions: Sessions
) -> AsyncIterator[httpx.AsyncClient]:
    """Ask a service whose way to the storage leads through the proxy."""
    assert sessions, "the outbox is emptied first"
    async with (
        serving(create_api(fragile_settings)) as url,
        httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers=issuer.headers(user_id),
            timeout=60,
            limits=httpx.Limits(max_connections=None),
        ) as client,
    ):
        yield client


async def send(client: httpx.AsyncClient, data: bytes) -> httpx.Response:
    return await client.post("/documents", files={"file": ("scan.pdf", data)})


async def originals(storage: Storage) -> set[str]:
    return {each.key async for batch in storage.objects("originals/") for each in batch}


async def unfinished(storage: Storage) -> set[str]:
    return {each.upload async for each in storage.multiparts.unfinished("originals/")}


LASTING = {
    "500": Fault(answer=INTERNAL_ERROR),
    "503": Fault(answer=SLOW_DOWN),
    "requests cut in the middle": Fault(cut_request=5),
    "lost answers": Fault(lose_answer=True),
    "silence": Fault(black_hole=True),
    "slowness": Fault(delay=9),
}


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("large", [False, True])
async def test_while_the_storage_is_away_uploads_are_refused_and_nothing_of_them_is_seen(
    fragile: httpx.AsyncClient,
    storage: Storage,
    proxy: FaultProxy,
    *,
    sessions: Sessions,
    recorded: Recorded,
    new_file: Callable[[], bytes],
    slug: Slug,
    fault: Fault,
    large: bool,
) -> None:
    data = LARGE + uuid4().bytes if large else new_file()
    before = await originals(storage)
    # A large file meets it in its middle.
    proxy.suffer(fault, where=b"partNumber=2" if large else b"")
    started = time.monotonic()
    refused = await send(fragile, data)

    assert time.monotonic() - started < PATIENCE + 5 + 1, "the call, tidying up, the rest"
    assert (refused.status_code, slug(refused)) == (503, "service-unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert (await fragile.get("/documents")).json()["total"] == 0
    assert await recorded(DocumentUploaded) == []

    proxy.heal()
    accepted = await send(fragile, data)
    assert accepted.status_code == 201
    async with sessions() as session:
        await sweep(session, storage, older_than=timedelta(seconds=-5))
        await sweep_multiparts(session, storage, older_than=timedelta(seconds=-5))
    kept = {f"originals/{accepted.json()['id']}"}
    assert await originals(storage) - before == kept, "the sweep removes what else there was"
    assert await unfinished(storage) == set()


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
async def test_a_large_file_survives_what_happens_once(
    fragile: httpx.AsyncClient, proxy: FaultProxy, fault: Fault
) -> None:
    data = LARGE + uuid4().bytes
    for where in (b"?uploads", b"partNumber=2", b"POST"):
        proxy.suffer(fault, where=where, times=1)
        data += b"."
        response = await send(fragile, data)
        assert response.status_code == 201, response.text
        assert response.json()["file_size"] == len(data)
    content = (await fragile.get(f"/documents/{response.json()['id']}/download")).content
    assert hashlib.sha256(content).digest() == hashlib.sha256(data).digest()


async def test_a_download_goes_on_where_the_storage_broke_off(
    fragile: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    data = LARGE + uuid4().bytes
    url = f"/documents/{(await send(fragile, data)).json()['id']}/download"

    proxy.suffer(Fault(cut_answer=3_000_000), where=b"GET", times=2)
    assert (await fragile.get(url)).content == data
    proxy.suffer(Fault(cut_answer=100), where=b"GET", times=2)
    some = await fragile.get(url, headers={"Range": "bytes=1000000-1000999"})
    assert (some.status_code, some.content) == (206, data[1_000_000:1_001_000])


@pytest.mark.parametrize("after", [0, 1_000_000])
async def test_a_download_that_cannot_go_on_is_refused_or_cut_off_and_never_just_short(
    fragile: httpx.AsyncClient, proxy: FaultProxy, slug: Slug, after: int
) -> None:
    data = LARGE + uuid4().bytes
    url = f"/documents/{(await send(fragile, data)).json()['id']}/download"

    def choose(_: bytes) -> Fault:
        seen = [line for line in proxy.requests if line.startswith(b"GET")]
        return Fault(cut_answer=after) if after and len(seen) == 1 else Fault(answer=SLOW_DOWN)

    proxy.requests.clear()
    proxy.suffer_as(choose)
    if after:
        with pytest.raises(httpx.RemoteProtocolError), capture_logs():
            await fragile.get(url)
    else:
        response = await fragile.get(url)
        assert (response.status_code, slug(response)) == (503, "service-unavailable")


async def test_a_file_that_is_not_what_was_stored_is_cut_off(
    fragile: httpx.AsyncClient, proxy: FaultProxy
) -> None:
    data = LARGE + uuid4().bytes
    url = f"/documents/{(await send(fragile, data)).json()['id']}/download"
    proxy.suffer(Fault(wrong_byte=4_000_000), where=b"GET")

    with pytest.raises(httpx.RemoteProtocolError), capture_logs():
        await fragile.get(url)


async def test_a_silent_storage_stops_nobody_who_does_not_need_it(
    fragile: httpx.AsyncClient, proxy: FaultProxy, new_file: Callable[[], bytes]
) -> None:
    url = f"/documents/{(await send(fragile, new_file())).json()['id']}"
    proxy.suffer(Fault(black_hole=True))
    started = time.monotonic()
    waiting = [asyncio.create_task(fragile.get(f"{url}/download")) for _ in range(60)]
    waits = []
    while not all(task.done() for task in waiting):
        asked = time.monotonic()
        assert (await fragile.get(url)).status_code == 200
        waits.append(time.monotonic() - asked)
    assert {task.result().status_code for task in waiting} == {503}
    assert time.monotonic() - started < 2 * PATIENCE + 2, "four times as long if one by one"
    assert sorted(waits)[len(waits) * 9 // 10] < 0.5

    proxy.suffer(None)  # some threads still wait for an answer that never comes
    assert (await fragile.get(f"{url}/download")).status_code == 200


async def test_when_one_call_in_ten_fails_all_uploads_and_downloads_succeed(
    fragile: httpx.AsyncClient, proxy: FaultProxy, new_file: Callable[[], bytes]
) -> None:
    chance = random.Random(3)
    faults = [*LASTING.values(), Fault(cut_answer=1000), Fault(cut_answer=9, reset=False)]
    proxy.suffer_as(lambda _: chance.choice(faults) if chance.random() < 0.1 else None)

    async def there_and_back() -> None:
        data = new_file()
        response = await send(fragile, data)
        assert response.status_code == 201, response.text
        content = await fragile.get(f"/documents/{response.json()['id']}/download")
        assert content.content == data

    for _ in range(10):
        await asyncio.gather(*(there_and_back() for _ in range(6)))
    assert len(proxy.requests) > 120, "some were repeated"


async def test_the_text_of_many_pages_is_given_up_at_the_first_that_cannot_be_read(
    fragile_settings: ApiSettings, proxy: FaultProxy
) -> None:
    proxy.suffer(Fault(answer=SLOW_DOWN))
    storage = Storage(fragile_settings)
    pages = [Page(result_key=f"results/{uuid4()}/{number}.json") for number in range(100)]
    with pytest.raises(Exception, match="does not answer"):
        await read_text(storage, pages)

    asked = len(proxy.requests)
    await asyncio.wait([asyncio.create_task(storage.exists("other"))])
    assert len(proxy.requests) < asked + 20, "nobody asks on"
    storage.close()
