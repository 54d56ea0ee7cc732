"""Kill anything while a dozen documents are on their way: all arrive, none twice.

Real processes, real SIGKILLs. Each story ends with the same check of what must hold.
"""

import asyncio
from collections import Counter

import httpx
import pytest
from client import CORPUS, Client
from native.stack import Stack

DOCUMENTS = 12
VICTIMS = [
    "gateway",
    "auth-api",
    "auth-worker",
    "documents-api",
    "documents-worker",
    "ocr-worker",
    "notifier-api",
    "notifier-worker",
    "rabbitmq",
]
FILES = [
    CORPUS / "scans" / "phototest.tif",
    CORPUS / "digital" / "pdflatex-4-pages.pdf",
    CORPUS / "digital" / "la-precinct-bulletin-2014-p1.pdf",
    CORPUS / "scans" / "typewriter.png",
]


@pytest.fixture(scope="module")
async def undisturbed(url: str) -> dict[str, str]:
    """Read each file once in peace: what the text should be."""
    user = await Client(url).sign_up()
    texts = {}
    for path in FILES:
        document = await user.ended((await user.upload(path))["id"])
        texts[path.name] = await user.text(document["id"])
    await user.http.aclose()
    return texts


async def upload_until_accepted(user: Client, number: int) -> str:
    """Upload one document; a victim's absence is a 5xx, a cut, or a 409 of the first attempt."""
    path = FILES[number % len(FILES)]
    salt = b"\n%% " + str(number).encode()
    async with asyncio.timeout(90):
        while True:
            try:
                files = {"file": (path.name, path.read_bytes() + salt)}
                response = await user.http.post("/documents", files=files)
            except httpx.TransportError:
                continue
            if response.status_code == 201:
                return str(response.json()["id"])
            if response.status_code == 409:
                return response.headers["x-duplicate-id"]
            assert response.status_code in (502, 503, 504), response.text


async def check(user: Client, accepted: list[str], undisturbed: dict[str, str]) -> None:
    """The invariant: nothing lost, nothing twice, nothing stuck, no wrong text."""
    listed = (await user.http.get("/documents", params={"page_size": 100})).json()
    assert sorted(item["id"] for item in listed["items"]) == sorted(accepted), "lost or twice"
    documents = [await user.ended(identity, within=120) for identity in accepted]
    assert Counter(document["status"] for document in documents) == {"completed": len(accepted)}
    for document in documents:
        assert await user.text(document["id"]) == undisturbed[document["filename"]]
        pages = (await user.http.get(f"/documents/{document['id']}/pages")).json()
        assert [page["number"] for page in pages] == list(range(1, document["page_count"] + 1))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_loses_nothing(
    stack: Stack, user: Client, undisturbed: dict[str, str], victim: str
) -> None:
    uploads = [
        asyncio.create_task(upload_until_accepted(user, number)) for number in range(DOCUMENTS // 2)
    ]
    await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.to_thread(stack.kill, victim)
    uploads += [
        asyncio.create_task(upload_until_accepted(user, number))
        for number in range(DOCUMENTS // 2, DOCUMENTS)
    ]
    await asyncio.to_thread(stack.start, victim)
    await asyncio.to_thread(stack.wait_ready, victim)
    accepted = await asyncio.gather(*uploads)

    await check(user, accepted, undisturbed)


async def test_uploads_are_accepted_while_the_broker_is_away(
    stack: Stack, user: Client, undisturbed: dict[str, str]
) -> None:
    await asyncio.to_thread(stack.kill, "rabbitmq")
    try:
        accepted = [await upload_until_accepted(user, number) for number in range(5)]
        statuses = {(await user.document(identity))["status"] for identity in accepted}
    finally:
        await asyncio.to_thread(stack.start, "rabbitmq")
        await asyncio.to_thread(stack.wait_ready, "rabbitmq")

    assert statuses == {"pending"}
    await check(user, accepted, undisturbed)
