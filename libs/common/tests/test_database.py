"""The edge of a transaction: what is kept, what is undone, and a database that is away."""

import asyncio

import pytest
import sqlalchemy as sa
from common.database import Sessions, open_database, transaction
from common.errors import Problem, Unavailable
from common.inbox import inbox


class Refused(Problem):
    """Nothing of it shall stay."""


class Revoked(Problem):
    """What was written stays although the request fails."""

    commits = True


async def write_and_raise(sessions: Sessions, problem: type[Problem]) -> None:
    async with transaction(sessions) as session:
        await session.execute(sa.insert(inbox).values(source="test", id=problem.__name__))
        raise problem


async def test_a_problem_undoes_what_was_written_unless_it_says_otherwise(
    sessions: Sessions,
) -> None:
    for problem in (Refused, Revoked):
        with pytest.raises(problem):
            await write_and_raise(sessions, problem)

    async with sessions() as session:
        assert (await session.scalars(sa.select(inbox.c.id))).all() == ["Revoked"]


async def test_a_database_that_is_away_is_a_503() -> None:
    async with open_database("postgresql+asyncpg://x:y@127.0.0.1:9/none") as (_, sessions):
        with pytest.raises(Unavailable) as caught:
            async with transaction(sessions) as session:
                await session.execute(sa.select(1))

    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "5")


async def test_a_connection_lost_in_the_middle_is_a_503(sessions: Sessions) -> None:
    with pytest.raises(Unavailable):
        async with transaction(sessions) as session:
            await session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_errors_do_not_show_what_users_have_written(sessions: Sessions) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        async with transaction(sessions) as session:
            await session.execute(sa.select(sa.cast(sa.literal("hunter2"), sa.Text) + 1))

    assert "hunter2" not in str(caught.value)


async def test_of_two_who_wait_for_each_other_one_is_told_to_try_again(sessions: Sessions) -> None:
    both_hold_one = asyncio.Barrier(2)

    async def take(first: int, second: int) -> None:
        async with transaction(sessions) as session:
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(first)))
            await both_hold_one.wait()
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(second)))

    outcomes = await asyncio.gather(take(1, 2), take(2, 1), return_exceptions=True)

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 1
    assert isinstance(refused[0], Unavailable)
    assert refused[0].headers["Retry-After"] == "1"
