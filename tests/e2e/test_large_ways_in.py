"""Files that come several at once, in chunks, or straight to the object storage."""

import asyncio
import hashlib
from pathlib import Path
from uuid import uuid4

import httpx
from client import CORPUS, Client

SCAN = CORPUS / "scans" / "phototest.tif"
CHUNK = 64 << 10


def salted(path: Path) -> bytes:
    """Return a file with the same pages that nobody has uploaded before."""
    return path.read_bytes() + uuid4().bytes


async def test_of_several_files_the_good_ones_are_read(user: Client) -> None:
    good = [salted(SCAN) for _ in range(2)]
    files = [("files", (f"{number}.tif", data)) for number, data in enumerate(good)]
    answer = await user.http.post("/documents/upload/multiple", files=files, data={"tags": "a,b"})
    assert answer.status_code == 201
    documents = answer.json()

    bad = [("files", ("again.tif", good[0])), ("files", ("page.html", b"<html>"))]
    partly = await user.http.post("/documents/upload/multiple", files=bad)
    assert partly.status_code == 207
    names = [error["error"]["type"] for error in partly.json()["errors"]]
    assert names == [
        "urn:quire:problem:duplicate-document",
        "urn:quire:problem:unsupported-type",
    ]
    ended = await asyncio.gather(*(user.ended(document["id"]) for document in documents))
    assert {(each["status"], *each["tags"]) for each in ended} == {("completed", "a", "b")}


async def test_chunks_come_through_the_gateway_in_any_order(user: Client) -> None:
    data = salted(SCAN)
    body = {"filename": SCAN.name, "file_size": len(data), "chunk_size": CHUNK}
    begun = (await user.http.post("/documents/upload/chunked/init", json=body)).json()
    path = f"/documents/upload/chunked/{begun['upload_id']}"

    async def put(number: int) -> int:
        chunk = data[(number - 1) * CHUNK : number * CHUNK]
        return (await user.http.put(f"{path}/chunk/{number}", content=chunk)).status_code

    numbers = range(1, begun["total_chunks"] + 1)
    assert set(await asyncio.gather(*map(put, reversed(numbers)))) == {200}
    completed = await user.http.post(f"{path}/complete")
    assert completed.status_code == 201
    document = completed.json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    assert (await user.http.post(f"{path}/complete")).json()["id"] == document["id"]
    assert (await user.ended(document["id"]))["status"] == "completed"


async def test_a_file_goes_to_the_object_storage_and_comes_from_there(user: Client) -> None:
    data = salted(SCAN)
    body = {"filename": SCAN.name, "file_size": len(data)}
    begun = (await user.http.post("/documents/upload/presigned", json=body)).json()
    async with httpx.AsyncClient() as anybody:
        written = await anybody.put(begun["url"], content=data, headers=begun["headers"])
        assert written.status_code == 200
        path = f"/documents/upload/presigned/{begun['upload_id']}/complete"
        document = (await user.http.post(path)).raise_for_status().json()
        assert document["file_hash"] == hashlib.sha256(data).hexdigest()

        redirect = await user.http.get(f"/documents/{document['id']}/download?redirect=true")
        assert redirect.status_code == 307
        assert (await anybody.get(redirect.headers["location"])).content == data
    assert (await user.ended(document["id"]))["status"] == "completed"
