"""Links in mails that show whose an address is: each works once, for a while, for one thing."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from auth.base import now
from auth.links.models import EmailLink
from auth.links.service import LinkService
from auth.opaque import digest
from auth.settings import ApiSettings
from auth.users.models import User
from common.database import Sessions, transaction
from contracts import EmailLinkPurpose, EmailLinkRequested

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

VERIFY, RESEND = "/email/verify", "/email/resend"
REGISTERED = "user.registered"
RESENT = "user.email_verification_requested"
RESET = "user.password_reset_requested"
INVALID = (422, "invalid-link")


async def post(client: httpx.AsyncClient, path: str, **body: str) -> httpx.Response:
    return await client.post(f"/api/v1/auth{path}", json=body)


async def test_the_link_verifies_the_address_once(
    person: Any, mailed: Any, recorded: Any, problem: ReadProblem
) -> None:
    (secret,) = await mailed(REGISTERED, person.user["email"])
    verified = await post(person.client, VERIFY, token=secret)

    assert verified.json() == {**person.user, "email_verified": True}
    assert problem(await post(person.client, VERIFY, token=secret)) == INVALID
    (event,) = await recorded("user.verified", person)
    assert event["recipient"]["email"] == person.user["email"]


async def test_of_many_who_follow_a_link_at_once_one_succeeds(
    person: Any, mailed: Any, recorded: Any
) -> None:
    (secret,) = await mailed(REGISTERED, person.user["email"])
    answers = await asyncio.gather(*(post(person.client, VERIFY, token=secret) for _ in range(20)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 19}
    assert len(await recorded("user.verified", person)) == 1


@pytest.mark.parametrize("token", ["nothing", "é", "\0", "' OR 1=1 --"], ids=ascii)
async def test_what_was_never_mailed_verifies_nothing(
    client: httpx.AsyncClient, problem: ReadProblem, token: str
) -> None:
    assert problem(await post(client, VERIFY, token=token)) == INVALID


async def test_a_link_runs_out(
    person: Any, mailed: Any, sessions: Sessions, problem: ReadProblem
) -> None:
    (secret,) = await mailed(REGISTERED, person.user["email"])
    async with transaction(sessions) as session:
        link = await session.get_one(EmailLink, digest(secret))
        assert round((link.expires_at - link.issued_at) / timedelta(days=1)) == 3
        link.expires_at = now()

    assert problem(await post(person.client, VERIFY, token=secret)) == INVALID


async def test_a_link_is_for_one_thing_only(person: Any, mailed: Any, problem: ReadProblem) -> None:
    email = person.user["email"]
    await post(person.client, "/password/reset-request", email=email)
    (verification,), (reset,) = await mailed(REGISTERED, email), await mailed(RESET, email)
    new = {"password": "Another-Horse-7", "password_confirm": "Another-Horse-7"}

    assert problem(await post(person.client, VERIFY, token=reset)) == INVALID
    wrong = await post(person.client, "/password/reset", token=verification, **new)
    assert problem(wrong) == INVALID
    # Neither was used up by where it does not belong.
    assert (await post(person.client, "/password/reset", token=reset, **new)).status_code == 204
    assert (await post(person.client, VERIFY, token=verification)).status_code == 200


async def test_the_links_of_a_deleted_account_lead_nowhere(
    person: Any, mailed: Any, problem: ReadProblem
) -> None:
    (secret,) = await mailed(REGISTERED, person.user["email"])
    token = (await person.login())["access_token"]
    await person.call("DELETE", "/me", token, json={"password": person.password})

    assert problem(await post(person.client, VERIFY, token=secret)) == INVALID


@pytest.mark.parametrize("path", [RESEND, "/password/reset-request"])
async def test_nobody_learns_from_a_request_whether_there_is_an_account(
    register: Any, sessions: Sessions, mailed: Any, path: str
) -> None:
    known, verified, deactivated = await register(), await register(), await register()
    (secret,) = await mailed(REGISTERED, verified.user["email"])
    await post(verified.client, VERIFY, token=secret)
    async with transaction(sessions) as session:
        off = sa.update(User).where(User.id == deactivated.user["id"]).values(is_active=False)
        await session.execute(off)

    emails = [each.user["email"] for each in (known, verified, deactivated)]
    emails += ["nobody@example.com", known.user["email"].upper()]
    answers = [await post(known.client, path, email=email) for email in emails]
    shown = {
        (
            answer.status_code,
            answer.content,
            tuple(
                (name, value)
                for name, value in answer.headers.items()
                if name not in ("date", "x-request-id", "x-process-time")
            ),
        )
        for answer in answers
    }
    assert len(shown) == 1
    assert answers[0].status_code == 202

    kind = RESENT if path == RESEND else RESET
    mails = [len(await mailed(kind, email)) for email in emails[:4]]
    # Written in another case the address is the same.
    assert mails == ([2, 0, 0, 0] if path == RESEND else [2, 1, 0, 0])


async def test_at_most_five_links_are_mailed_an_hour(
    person: Any, mailed: Any, sessions: Sessions
) -> None:
    email = person.user["email"]
    for _ in range(7):
        await post(person.client, RESEND, email=email)
    first, again = await mailed(REGISTERED, email), await mailed(RESENT, email)
    assert (len(first), len(again)) == (1, 4)

    async with transaction(sessions) as session:
        older = sa.update(EmailLink).where(EmailLink.digest == digest(first[0]))
        await session.execute(older.values(issued_at=sa.text("now() - interval '61 minutes'")))
    for _ in range(2):
        await post(person.client, RESEND, email=email)
    assert len(await mailed(RESENT, email)) == 5
    # All of them work until one has been followed.
    assert (await post(person.client, VERIFY, token=first[0])).status_code == 200
    assert (await post(person.client, VERIFY, token=again[0])).status_code == 422


async def test_many_requests_at_once_send_no_more_links_than_one_after_the_other(
    person: Any, sessions: Sessions, settings: ApiSettings
) -> None:
    event = EmailLinkRequested(email=person.user["email"], purpose=EmailLinkPurpose.RESET_PASSWORD)

    async def answer() -> None:
        async with transaction(sessions) as session:
            await LinkService(session, settings.seal).answer(event)

    await asyncio.gather(*(answer() for _ in range(12)))
    async with sessions() as session:
        query = sa.select(sa.func.count()).where(
            EmailLink.user_id == person.user["id"],
            EmailLink.purpose == EmailLinkPurpose.RESET_PASSWORD.value,
        )
        assert await session.scalar(query) == 5
