"""What a user sees while waiting."""

import asyncio

from client import CORPUS, Client


async def test_progress_starts_at_0_never_falls_ends_at_100_and_agrees_with_the_api(
    user: Client,
) -> None:
    async with user.socket() as socket:
        document = await user.upload(CORPUS / "scans" / "multipage.pdf")
        identity = document["id"]
        while not socket.of(identity, "ocr_complete"):
            message = await asyncio.wait_for(socket.receive(), 60)
            if message["type"] == "ocr_progress":
                job = (await user.http.get(f"/ocr/jobs/{message['job_id']}")).json()
                assert job["progress"] >= message["progress"], "the API knows it first"

    progress = [message["progress"] for message in socket.of(identity, "ocr_progress")]
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert len(set(progress)) == 8, "each of the six pages was seen, and the assembly"
    (complete,) = socket.of(identity, "ocr_complete")
    assert complete["success"] is True
    assert complete["result"]["pages"] == 6
    job = (await user.http.get(f"/ocr/jobs/{document['job_id']}")).json()
    assert (job["progress"], job["status"], job["pages_done"]) == (100, "completed", 6)
    offsets = [message["offset"] for message in socket.messages]
    assert len(offsets) == len(set(offsets))


async def test_a_failure_is_told_by_name(user: Client) -> None:
    async with user.socket() as socket:
        document = await user.upload(CORPUS / "broken" / "password-example.pdf")
        complete = await socket.until(lambda message: message["type"] == "ocr_complete")

    assert (complete["document_id"], complete["success"]) == (document["id"], False)
    assert complete["error"]["type"] == "urn:quire:problem:document-encrypted"


async def test_a_deletion_is_told(user: Client) -> None:
    document = await user.upload(CORPUS / "scans" / "phototest.tif")
    await user.ended(document["id"])
    async with user.socket() as socket:
        (await user.http.delete(f"/documents/{document['id']}")).raise_for_status()
        message = await socket.until(lambda message: message["type"] == "document_deleted")

    assert message["document_id"] == document["id"]


async def test_a_ping_is_answered(user: Client) -> None:
    async with user.socket() as socket:
        await socket.connection.send('{"type": "ping"}')
        await socket.until(lambda message: message["type"] == "pong")
