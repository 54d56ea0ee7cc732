"""A document's life after it was read: described, found, thrown away, brought back, gone."""

from client import CORPUS, Client
from common.testing import eventually

FILE = CORPUS / "scans" / "phototest.tif"


async def test_a_document_is_described_and_found_by_it(user: Client) -> None:
    document = await user.ended((await user.upload(FILE))["id"])
    path = f"/documents/{document['id']}"
    category = (await user.http.post("/categories", json={"name": "Letters"})).json()
    shown = await user.http.get(path)
    changes = {
        "title": "A quick fox",
        "tags": ["fox", "dog"],
        "category_id": category["id"],
        "metadata": {"invoice": {"total": 12.5}},
    }
    etag = {"If-Match": shown.headers["etag"]}
    changed = await user.http.patch(path, json=changes, headers=etag)
    assert {name: changed.json()[name] for name in changes} == changes
    lost = await user.http.patch(path, json={"title": "Mine"}, headers=etag)
    assert lost.json()["type"] == "urn:quire:problem:precondition-failed"

    wanted = '{"and": [{"tags": {"in": ["fox"]}}, {"metadata.invoice.total": {"gt": 12}}]}'
    listed = await user.http.get("/documents", params={"filters": wanted})
    assert [each["id"] for each in listed.json()["items"]] == [document["id"]]
    wrong = await user.http.get("/documents", params={"filters": '{"owner": 1}'})
    assert wrong.json()["errors"][0]["pointer"] == "/query/filters/owner"
    feed = (await user.http.get("/documents/feed", params={"limit": 1})).json()
    assert (feed["items"][0]["title"], feed["has_more"]) == ("A quick fox", False)
    assert {tag["name"] for tag in (await user.http.get("/tags")).json()["items"]} == {"fox", "dog"}


async def test_a_part_of_the_original_is_sent_as_asked_for(user: Client) -> None:
    document = await user.upload(FILE)
    data = FILE.read_bytes()
    path = f"/documents/{document['id']}/stream"

    part = await user.http.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    known = await user.http.get(path, headers={"If-None-Match": part.headers["etag"]})
    assert known.status_code == 304
    await user.ended(document["id"])


async def test_what_is_thrown_away_comes_back_until_it_is_gone(user: Client) -> None:
    document = await user.ended((await user.upload(FILE))["id"])
    path = f"/documents/{document['id']}"
    async with user.socket() as socket:
        assert (await user.http.delete(path)).status_code == 204
        await socket.until(lambda message: message["type"] == "document_deleted")
        trash = (await user.http.get("/documents", params={"deleted": True})).json()
        assert [each["id"] for each in trash["items"]] == [document["id"]]

        assert (await user.http.post(f"{path}/restore")).json()["deleted_at"] is None
        assert "quick brown dog" in await user.text(document["id"])

        permanently = {"permanent": True}
        assert (await user.http.delete(path, params=permanently)).status_code == 204
        await socket.until(lambda message: message["type"] == "document_purged")
    assert (await user.http.get(path)).status_code == 404
    trash = (await user.http.get("/documents", params={"deleted": True})).json()
    assert trash["total"] == 0

    async def uploaded_again() -> bool:
        return bool((await user.upload(FILE))["id"] != document["id"])

    assert await eventually(uploaded_again)
