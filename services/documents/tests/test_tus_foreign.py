"""Clients that others have written, cut off again and again on their way."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import pytest
import tusclient.client
from common.faults import Fault, FaultProxy
from common.parts import PART_BYTES
from common.testing import TokenIssuer
from tus_client import random_pdf

CLIENTS = Path(__file__).parents[3] / "tests" / "clients"
LENGTH = 2 * PART_BYTES + 100_000
RANDOM = Random(11)
CUTS = {
    "the first bytes": (0, 1, 1, 1023, 1024),
    "the edges of parts": (PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES),
    "the last byte": (LENGTH - 1, LENGTH),
    "anywhere": tuple(RANDOM.randrange(3 << 20) for _ in range(12)),
    "nowhere": (),
}


@pytest.fixture
async def proxy(api_url: str) -> AsyncIterator[FaultProxy]:
    url = httpx.URL(api_url)
    async with FaultProxy(url.host, url.port or 80, http=True).serving() as proxy:
        yield proxy


def cut_pieces(proxy: FaultProxy, cuts: Sequence[int]) -> None:
    """Let each request that brings bytes be cut off after so many, the others pass."""
    faults = iter([Fault(cut_request=cut, reset=bool(n % 2)) for n, cut in enumerate(cuts)])
    proxy.suffer_as(lambda line: next(faults, None) if line.startswith(b"PATCH") else None)


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize("checksum", [False, True], ids=["plain", "checksums"])
async def test_tuspy(
    *,
    proxy: FaultProxy,
    client: httpx.AsyncClient,
    issuer: TokenIssuer,
    user_id: UUID,
    where: str,
    checksum: bool,
) -> None:
    data = random_pdf(LENGTH, seed=sum(CUTS[where]) * 2 + checksum)
    cut_pieces(proxy, CUTS[where])

    def upload() -> None:
        endpoint = f"http://127.0.0.1:{proxy.port}/api/v1/uploads"
        tus = tusclient.client.TusClient(endpoint, headers=issuer.headers(user_id))
        uploader = tus.uploader(
            file_stream=BytesIO(data), retries=30, retry_delay=0, upload_checksum=checksum
        )
        uploader.upload()

    await asyncio.to_thread(upload)
    assert pieces_sent(proxy) > min(1, len(CUTS[where])), "it was not cut"
    await is_stored_once(client, data)


@pytest.fixture(scope="session")
def node() -> str:
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("tus-js-client is not installed: `make clients` does it where there is Node")
    return node


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize(
    "options",
    [{}, {"chunkSize": 3_000_000}, {"uploadDataDuringCreation": True, "chunkSize": 6_000_000}],
    ids=["one request", "chunks", "with the creation"],
)
async def test_tus_js_client(
    *,
    node: str,
    proxy: FaultProxy,
    client: httpx.AsyncClient,
    issuer: TokenIssuer,
    user_id: UUID,
    tmp_path: Path,
    where: str,
    options: dict[str, object],
) -> None:
    data = random_pdf(LENGTH, seed=sum(CUTS[where]) * 10 + 1 + len(str(options)))
    file = tmp_path / "Überweisung 1.pdf"
    file.write_bytes(data)
    cut_pieces(proxy, CUTS[where])
    process = await asyncio.create_subprocess_exec(
        *(node, "tus_upload.mjs", f"http://127.0.0.1:{proxy.port}/api/v1/uploads"),
        *(issuer.token(user_id), str(file), json.dumps(options)),
        cwd=CLIENTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    assert pieces_sent(proxy) > min(1, len(CUTS[where])), "it was not cut"
    told = json.loads(out)
    document = await is_stored_once(client, data)
    assert told["url"].endswith(f"/api/v1/uploads/{document['id']}")
    assert told["document"] == document["id"]
    assert document["filename"] == file.name


def pieces_sent(proxy: FaultProxy) -> int:
    return sum(line.startswith(b"PATCH") for line in proxy.requests)


async def is_stored_once(client: httpx.AsyncClient, data: bytes) -> dict[str, str]:
    """Return the user's only document, which has these bytes."""
    (document,) = (await client.get("/documents")).json()["items"]
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    stored = (await client.get(f"/documents/{document['id']}/download")).content
    assert hashlib.sha256(stored).hexdigest() == document["file_hash"]
    found: dict[str, str] = document
    return found
