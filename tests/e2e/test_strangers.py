"""One user sees nothing of another."""

from uuid import uuid4

import pytest
from client import CORPUS, Client, NewUser
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def test_documents_of_another_are_not_there(new_user: NewUser) -> None:
    owner, stranger = await new_user(), await new_user()
    document = await owner.upload(CORPUS / "scans" / "phototest.tif")
    await owner.ended(document["id"])

    for path in ("", "/download", "/text", "/pages"):
        response = await stranger.http.get(f"/documents/{document['id']}{path}")
        assert response.status_code == 404
        assert response.json()["type"] == "urn:quire:problem:document-not-found"
    assert (await stranger.http.delete(f"/documents/{document['id']}")).status_code == 404
    assert (await stranger.http.get(f"/ocr/jobs/{document['job_id']}")).status_code == 404
    assert (await stranger.http.get("/documents")).json()["total"] == 0
    assert (await owner.document(document["id"]))["status"] == "completed"


async def test_the_same_file_may_belong_to_two_users(new_user: NewUser) -> None:
    path = CORPUS / "scans" / "phototest.tif"
    first, second = await new_user(), await new_user()

    assert (await first.upload(path))["id"] != (await second.upload(path))["id"]


async def close_code(url: str) -> int | None:
    async with connect(url) as connection:
        try:
            while True:
                await connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def test_the_socket_of_another_is_closed(new_user: NewUser, url: str) -> None:
    owner, stranger = await new_user(), await new_user()
    sockets = f"{url.replace('http', 'ws', 1)}/api/v1/ws"

    ticket = await stranger.ticket()
    assert await close_code(f"{sockets}/{owner.user['id']}?ticket={ticket}") == 4403
    assert await close_code(f"{sockets}/{uuid4()}?ticket={await stranger.ticket()}") == 4403


@pytest.mark.parametrize("query", ["?ticket=forged", "?token=forged"])
async def test_a_bad_ticket_closes_the_socket(url: str, query: str) -> None:
    assert await close_code(f"{url.replace('http', 'ws', 1)}/api/v1/ws{query}") == 4401


async def test_a_ticket_opens_one_socket(user: Client, url: str) -> None:
    socket = f"{url.replace('http', 'ws', 1)}/api/v1/ws?ticket={await user.ticket()}"
    async with connect(socket) as connection:
        await connection.recv()
        assert await close_code(socket) == 4401


async def test_nothing_of_anothers_document_comes_over_ones_socket(new_user: NewUser) -> None:
    owner, stranger = await new_user(), await new_user()
    async with stranger.socket() as socket:
        document = await owner.upload(CORPUS / "scans" / "phototest.tif")
        await owner.ended(document["id"])
        own = await stranger.upload(CORPUS / "scans" / "phototest.tif")
        await socket.until(lambda message: message["type"] == "ocr_complete")

    seen = {message["document_id"] for message in socket.messages if "document_id" in message}
    assert seen == {own["id"]}
