"""What becomes of a file that is uploaded."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.outbox import outbox

NewFile = Callable[[], bytes]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]


async def test_an_upload_is_stored_and_announced(
    upload: Upload, client: httpx.AsyncClient, user_id: UUID, new_file: NewFile, sessions: Sessions
) -> None:
    data = new_file()
    response = await upload(data, name="Rechnung März.pdf", title="Invoice", language="de+en")

    assert response.status_code == 201
    document = response.json()
    assert response.headers["location"] == f"/api/v1/documents/{document['id']}"
    assert document["user_id"] == str(user_id)
    assert document["title"] == "Invoice"
    assert document["filename"] == "Rechnung März.pdf"
    assert document["mime_type"] == "application/pdf"
    assert document["file_size"] == len(data)
    assert (document["status"], document["progress"]) == ("pending", 0)
    assert (await client.get(f"/documents/{document['id']}")).json() == document
    job = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
    assert (job["status"], job["document_id"]) == ("queued", document["id"])
    async with sessions() as session:
        rows = (await session.execute(sa.select(outbox).order_by(outbox.c.position))).all()
    assert [row.routing_key for row in rows] == ["document.uploaded", "ocr.progress"]
    assert rows[0].data["document_id"] == document["id"]
    assert rows[0].data["language"] == "de+en"
    assert rows[1].data["progress"] == 0


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ('filename="a\0b\x1b[31m.pdf"', "ab[31m.pdf"),
        ("filename*=utf-8''M%C3%A4rz%00.pdf", "März.pdf"),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
        (f'filename="{"x" * 300}"', "x" * 255),
        ('filename=""', "document"),
        ("x=1", "document"),
    ],
)
async def test_a_hostile_file_name_is_only_a_name(
    client: httpx.AsyncClient, new_file: NewFile, sent: str, shown: str
) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; {sent}\r\n\r\n'
    body = head.encode() + new_file() + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await client.post("/documents", content=body, headers=headers)

    assert response.status_code == 201
    assert response.json()["filename"] == shown
    download = await client.get(f"/documents/{response.json()['id']}/download")
    assert download.status_code == 200


async def test_the_same_bytes_twice_are_a_conflict_that_names_the_first(
    upload: Upload, slug: Slug, new_file: NewFile
) -> None:
    data = new_file()
    first = (await upload(data)).json()
    second = await upload(data, name="other.pdf")

    assert (second.status_code, slug(second)) == (409, "duplicate-document")
    assert second.headers["x-duplicate-id"] == first["id"]


async def test_of_twenty_simultaneous_uploads_of_the_same_bytes_one_wins(
    upload: Upload, new_file: NewFile
) -> None:
    data = new_file()
    responses = await asyncio.gather(*(upload(data) for _ in range(20)))

    assert sorted(response.status_code for response in responses) == [201] + [409] * 19
    winner = next(r.json()["id"] for r in responses if r.status_code == 201)
    losers = {r.headers["x-duplicate-id"] for r in responses if r.status_code == 409}
    assert losers == {winner}
