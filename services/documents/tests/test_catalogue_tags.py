"""Documents hold the words of their tags themselves, and yet a tag has one spelling."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import sqlalchemy as sa
from common.database import Sessions, transaction
from documents.catalogue.models import Tag
from documents.catalogue.service import remember_tags
from documents.models import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Keep = Callable[..., Awaitable[list[UUID]]]
SignIn = Callable[..., httpx.AsyncClient]


async def new_tag(client: httpx.AsyncClient, name: str) -> Any:
    return (await client.post("/tags", json={"name": name})).json()


async def test_a_tag_that_is_renamed_is_renamed_in_documents(
    client: httpx.AsyncClient, keep: Keep, sign_in: SignIn
) -> None:
    tag, *_ = [await new_tag(client, name) for name in ("Paid", "a", "z")]
    other = uuid4()
    ids = await keep({"tags": ["a", "Paid", "z"]}, {"tags": ["Paid"]}, {"tags": ["Paid 2", "a"]})
    [theirs] = await keep({"tags": ["Paid"]}, owner_id=other)
    before = [(await client.get(f"/documents/{i}")).json() for i in ids]
    await client.delete(f"/documents/{ids[1]}")

    renamed = await client.patch(f"/tags/{tag['id']}", json={"name": "{settled, 'all'}"})

    assert renamed.json()["document_count"] == 1
    first = (await client.get(f"/documents/{ids[0]}")).json()
    assert first["tags"] == ["a", "{settled, 'all'}", "z"]
    assert first["updated_at"] > before[0]["updated_at"]
    trash = (await client.get("/documents", params={"deleted": "true"})).json()["items"]
    assert [item["tags"] for item in trash] == [["{settled, 'all'}"]]
    assert (await client.get(f"/documents/{ids[2]}")).json() == before[2]
    assert (await sign_in(other).get(f"/documents/{theirs}")).json()["tags"] == ["Paid"]


async def test_only_the_case_of_a_tag_may_change(client: httpx.AsyncClient, keep: Keep) -> None:
    tag = await new_tag(client, "paid")
    [document] = await keep({"tags": ["paid"]})

    await client.patch(f"/tags/{tag['id']}", json={"name": "PAID"})

    assert (await client.get(f"/documents/{document}")).json()["tags"] == ["PAID"]


async def test_new_tags_are_remembered_as_they_are_spelled_first(
    client: httpx.AsyncClient, sessions: Sessions, user_id: UUID
) -> None:
    await new_tag(client, "Paid")
    async with transaction(sessions) as session:
        assert await remember_tags(session, user_id, []) == []
        names = await remember_tags(session, user_id, ["z", "PAID", "b", "B", "paid", "z"])

    assert names == ["z", "Paid", "b"]
    items = (await client.get("/tags")).json()["items"]
    assert [item["name"] for item in items] == ["b", "Paid", "z"]


names = st.text(st.sampled_from("aAbßẞſsSKkKσςΣİiıIéÉ"), min_size=1, max_size=3)


@given(batches=st.lists(st.lists(names, max_size=6), min_size=1, max_size=4))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_letters_a_name_has_it_is_remembered_once(
    sessions: Sessions, batches: list[list[str]]
) -> None:
    """Python and PostgreSQL do not always agree which letters are the same: the index decides."""
    user_id = uuid4()

    async def remember(batch: list[str]) -> list[str]:
        async with transaction(sessions) as session:
            return await remember_tags(session, user_id, batch)

    remembered = await asyncio.gather(*(remember(batch) for batch in batches))

    async with sessions() as session:
        kept = set(await session.scalars(sa.select(Tag.name).where(Tag.user_id == user_id)))
    assert {name for batch in remembered for name in batch} == kept
    assert kept <= {name for batch in batches for name in batch}
    for batch, found in zip(batches, remembered, strict=True):
        assert len(found) == len(set(found)) <= len(set(batch))


async def test_a_document_and_a_new_name_do_not_miss_each_other(
    client: httpx.AsyncClient, keep: Keep, sessions: Sessions, user_id: UUID
) -> None:
    """Documents get a tag while it is renamed: in the end all of them hold its only name."""
    tag = await new_tag(client, "name 0")
    ids = await keep(*({} for _ in range(10)))

    async def mark(document_id: UUID) -> None:
        async with transaction(sessions) as session:
            tags = await remember_tags(session, user_id, ["NAME 0"])
            document = await session.get_one(
                Document, document_id, with_for_update={"of": Document}
            )
            document.tags = tags

    async def rename() -> None:
        for number in (1, 2, 3):
            answer = await client.patch(f"/tags/{tag['id']}", json={"name": f"name {number}"})
            assert answer.status_code == 200, answer.text

    await asyncio.gather(*map(mark, ids[:5]), rename(), *map(mark, ids[5:]))

    entries = (await client.get("/tags", params={"page_size": 100})).json()["items"]
    by_name = {entry["name"]: entry["document_count"] for entry in entries}
    assert sum(by_name.values()) == 10
    assert set(by_name) <= {"name 3", "NAME 0"}
