"""Resumable uploads through the gateway, by clients that others have written."""

import asyncio
import hashlib
import json
import shutil
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from client import CORPUS, Client
from tusclient.client import TusClient
from tusclient.uploader.uploader import Uploader

FILE = CORPUS / "scans" / "phototest.tif"
CLIENTS = Path(__file__).parents[1] / "clients"
VERSION = {"Tus-Resumable": "1.0.0"}


async def test_tuspy_stops_and_goes_on(user: Client, url: str) -> None:
    data = FILE.read_bytes() + uuid4().bytes

    def uploader(location: str | None = None) -> Uploader:
        headers = {"Authorization": user.http.headers["Authorization"]}
        tus = TusClient(f"{url}/api/v1/uploads", headers=headers)
        return tus.uploader(
            file_stream=BytesIO(data),
            url=location,
            chunk_size=len(data) // 3,
            metadata={"filename": FILE.name, "language": "en"},
            upload_checksum=True,
        )

    first = uploader()
    await asyncio.to_thread(first.upload, len(data) // 3)
    second = await asyncio.to_thread(uploader, first.url)
    assert second.offset == len(data) // 3
    await asyncio.to_thread(second.upload)

    head = await user.http.head(str(first.url), headers=VERSION)
    assert head.headers["upload-offset"] == head.headers["upload-length"] == str(len(data))
    assert head.headers["cache-control"] == "no-store"
    document = await user.ended(head.headers["x-document-id"])
    assert document["status"] == "completed"
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    assert (document["filename"], document["language"]) == (FILE.name, "en")


async def test_tus_js_client(user: Client, url: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("tus-js-client is not installed: `make clients` does it where there is Node")
    data = FILE.read_bytes() + uuid4().bytes
    file = tmp_path / "scan.tif"
    file.write_bytes(data)
    token = user.http.headers["Authorization"].removeprefix("Bearer ")
    options = json.dumps({"chunkSize": len(data) // 2})
    process = await asyncio.create_subprocess_exec(
        *(node, "tus_upload.mjs", f"{url}/api/v1/uploads", token, str(file), options),
        cwd=CLIENTS,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    document = await user.document(json.loads(out)["document"])
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()


async def test_refusals_pass_the_gateway_as_they_are(user: Client) -> None:
    length = {"Upload-Length": "1000"}
    wrong = await user.http.post("/uploads", headers={**length, "Tus-Resumable": "0.2.2"})
    assert (wrong.status_code, wrong.headers["tus-version"]) == (412, "1.0.0")
    created = await user.http.post("/uploads", headers={**length, **VERSION})
    location = created.headers["location"]
    assert location.startswith("/api/v1/uploads/")
    path = location.removeprefix("/api/v1")
    piece = {**VERSION, "Content-Type": "application/offset+octet-stream"}
    checksum = {"Upload-Offset": "0", "Upload-Checksum": "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="}
    mismatch = await user.http.patch(path, content=b"%PDF-", headers={**piece, **checksum})
    assert mismatch.status_code == 460
    assert mismatch.json()["type"] == "urn:quire:problem:checksum-mismatch"
    assert mismatch.headers["tus-resumable"] == "1.0.0"
    assert (await user.http.delete(path, headers=VERSION)).status_code == 204
    assert (await user.http.head(path, headers=VERSION)).status_code == 404
