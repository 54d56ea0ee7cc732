"""What was scanned can be found: the page, the words in their context, and where they stand."""

from client import CORPUS, Client, NewUser
from common.testing import eventually


async def test_a_scan_is_found_by_its_words(user: Client, new_user: NewUser) -> None:
    path = CORPUS / "scans" / "phototest.tif"
    document = await user.ended((await user.upload(path))["id"])

    async def hits(of: Client, q: str) -> list[dict[str, object]]:
        answer = (await of.http.get("/search", params={"q": q})).raise_for_status().json()
        return list(answer["items"])

    async def found() -> list[dict[str, object]]:
        return await hits(user, '"lazy fox" OR "quick brown dog"')

    (hit,) = await eventually(found)
    assert (hit["document_id"], hit["page"]) == (document["id"], 1)
    assert "<mark>quick</mark>" in str(hit["snippet"])
    boxes = hit["boxes"]
    assert isinstance(boxes, list)
    assert all(x0 < x1 and y0 < y1 for x0, y0, x1, y1 in boxes)
    assert boxes
    (titled,) = await hits(user, "phototest")
    assert (titled["document_id"], titled["page"]) == (document["id"], None)
    assert await hits(await new_user(), "quick OR phototest") == []
