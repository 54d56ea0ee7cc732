"""A client that does not read what it is sent: it is closed, and nobody else notices."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.testing import eventually, serving
from contracts import Failure, OcrFailed
from notifier.app import create_api


def large_event(owner_id: UUID) -> OcrFailed:
    failure = Failure(type="urn:quire:problem:large", title="Large", detail="x" * 50_000)
    return OcrFailed(document_id=uuid4(), owner_id=owner_id, job_id=uuid4(), error=failure)


async def metric(url: str, name: str) -> float:
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


REFUSED = 'notifier_sockets_refused_total{code="4408"}'


@pytest.mark.parametrize(
    "limits",
    [
        {"socket_queue_bytes": 200_000, "socket_queue_seconds": 3600},
        {"socket_queue_bytes": 1 << 30, "socket_queue_seconds": 0.5},
    ],
    ids=["bytes", "seconds"],
)
async def test_a_slow_reader_harms_only_itself(
    api_settings: Any, listen: Any, tell: Any, user_id: UUID, limits: dict[str, Any]
) -> None:
    async with (
        serving(create_api(api_settings(**limits))) as url,
        listen(user_id, url=url, max_queue=1, compression=None) as slow,
        listen(user_id, url=url) as quick,
    ):
        await quick.established()
        before = await metric(url, REFUSED)

        async def refused() -> bool:
            for _ in range(20):
                await tell(large_event(user_id))
                assert (await quick.next())["type"] == "ocr_complete"
            return await metric(url, REFUSED) > before

        await eventually(refused, within=60)
        await quick.hears_nothing()
        assert await slow.close_code() == 4408
