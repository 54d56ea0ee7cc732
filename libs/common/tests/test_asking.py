"""Questions and answers over a real broker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from aio_pika import Message
from common import context
from common.answering import MOST_ANSWER_BYTES, AnswerTooLarge
from common.asking import (
    Asker,
    NoAnswerInTime,
    NobodyToAsk,
    TooManyQuestions,
)
from common.broker import connect
from common.errors import InvalidInput, Problem, Unavailable
from common.telemetry import tracer
from common.testing import eventually
from opentelemetry import trace
from questions_asked import (
    QUEUE,
    AskNothing,
    AskSum,
    AskText,
    Sum,
    add,
    answering,
    is_empty,
    text,
)


@pytest.fixture
async def asker(amqp_url: str) -> AsyncIterator[Asker]:
    asker = Asker(amqp_url)
    yield asker
    await asker.close()


async def test_questions_are_answered(asker: Asker, amqp_url: str) -> None:
    async with answering(amqp_url, {AskSum: add}):
        asked = [asker.ask(QUEUE, AskSum(numbers=(n, 1)), seconds=10) for n in range(100)]
        answers = await asyncio.gather(*asked)

    assert [answer.total for answer in answers] == list(range(1, 101))


async def test_a_problem_comes_as_what_it_is(asker: Asker, amqp_url: str) -> None:
    async def refuse(_: AskSum) -> Sum:
        raise InvalidInput("Two numbers, please.")

    async def be_away(_: AskNothing) -> Sum:
        raise Unavailable("The storage is away.", retry_after=7)

    async with answering(amqp_url, {AskSum: refuse, AskNothing: be_away}):
        with pytest.raises(Problem) as refused:
            await asker.ask(QUEUE, AskSum(numbers=()), seconds=10)
        with pytest.raises(Problem) as away:
            await asker.ask(QUEUE, AskNothing(), seconds=10)

    told = refused.value
    assert (told.status, told.slug, told.title) == (422, "invalid-input", InvalidInput.title)
    assert told.detail == "Two numbers, please."
    assert told.type() == InvalidInput.type()
    assert (away.value.status, away.value.headers) == (503, {"Retry-After": "7"})


async def test_a_bug_of_who_answers_tells_nothing(asker: Asker, amqp_url: str) -> None:
    async def fail(_: AskSum) -> Sum:
        raise TimeoutError("secret detail")

    async with answering(amqp_url, {AskSum: fail}):
        with pytest.raises(Problem) as failed:
            await asker.ask(QUEUE, AskSum(numbers=()), seconds=10)

    assert (failed.value.status, failed.value.slug) == (500, "internal-error")
    assert "secret" not in str(failed.value)


async def test_nobody_there_is_told_at_once(asker: Asker, amqp_url: str) -> None:
    async def quickly_refused() -> None:
        with pytest.raises(NobodyToAsk) as refused:
            await asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=20)
        assert refused.value.status == 503

    await asyncio.wait_for(quickly_refused(), 5)
    async with answering(amqp_url, {AskSum: add}):
        assert (await asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=10)).total == 1
    await asyncio.wait_for(quickly_refused(), 5)


async def test_an_unknown_question_is_refused_by_name(asker: Asker, amqp_url: str) -> None:
    async with answering(amqp_url, {AskSum: add}):
        with pytest.raises(Problem) as refused:
            await asker.ask(QUEUE, AskNothing(), seconds=10)

    assert (refused.value.status, refused.value.slug) == (501, "unknown-question")


async def test_a_question_nobody_waits_for_is_not_worked_on(asker: Asker, amqp_url: str) -> None:
    began: list[AskSum] = []
    may_end = asyncio.Event()

    async def wait(question: AskSum) -> Sum:
        began.append(question)
        await may_end.wait()
        return Sum(total=0)

    async with answering(amqp_url, {AskSum: wait, AskText: text}, prefetch=1):
        first = asyncio.create_task(asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=10))
        await eventually(lambda: _has(began, 1))
        with pytest.raises(NoAnswerInTime) as late:
            await asker.ask(QUEUE, AskSum(numbers=(2,)), seconds=0.2)
        await eventually(lambda: is_empty(amqp_url))  # which nobody was free to do
        may_end.set()
        await first
        await asker.ask(QUEUE, AskText(), seconds=10)  # it lay behind the one that was dropped

    assert late.value.status == 504
    assert began == [AskSum(numbers=(1,))]


async def test_work_ends_with_the_time_of_its_question(asker: Asker, amqp_url: str) -> None:
    cancelled = asyncio.Event()

    async def wait(_: AskSum) -> Sum:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Sum(total=0)

    async with answering(amqp_url, {AskSum: wait, AskText: text}, prefetch=1):
        with pytest.raises(NoAnswerInTime):
            await asker.ask(QUEUE, AskSum(numbers=()), seconds=0.3)
        await asyncio.wait_for(cancelled.wait(), 5)
        assert (await asker.ask(QUEUE, AskText(size=3), seconds=10)).text == "xxx"


async def test_too_many_questions_are_refused_by_name(asker: Asker, amqp_url: str) -> None:
    may_end = asyncio.Event()

    async def wait(_: AskSum) -> Sum:
        await may_end.wait()
        return Sum(total=0)

    async with answering(amqp_url, {AskSum: wait}, prefetch=100):
        busy = [
            asyncio.create_task(asker.ask(QUEUE, AskSum(numbers=()), seconds=20)) for _ in range(32)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TooManyQuestions) as refused:
            await asker.ask(QUEUE, AskSum(numbers=()), seconds=0.2)
        may_end.set()
        assert len(await asyncio.gather(*busy)) == 32

    assert refused.value.status == 503


async def test_a_full_queue_is_told(asker: Asker, amqp_url: str) -> None:
    began = asyncio.Event()

    async def wait(_: AskSum) -> Sum:
        began.set()
        await asyncio.Event().wait()
        return Sum(total=0)

    async with answering(amqp_url, {AskSum: wait}, prefetch=1, drain_seconds=0.1):
        async with await connect(amqp_url) as connection:
            channel = await connection.channel()
            for _ in range(201):
                message = Message(AskSum(numbers=()).model_dump_json().encode(), type=AskSum.name)
                await channel.default_exchange.publish(message, QUEUE)
                await began.wait()
        with pytest.raises(TooManyQuestions):
            await asker.ask(QUEUE, AskSum(numbers=()), seconds=10)


async def test_a_huge_answer_is_refused_by_name(asker: Asker, amqp_url: str) -> None:
    async with answering(amqp_url, {AskText: text}):
        with pytest.raises(Problem) as refused:
            await asker.ask(QUEUE, AskText(size=MOST_ANSWER_BYTES), seconds=20)
        assert (await asker.ask(QUEUE, AskText(size=1), seconds=10)).text == "x"

    assert refused.value.slug == AnswerTooLarge.slug


async def test_the_trace_and_the_request_travel_along(asker: Asker, amqp_url: str) -> None:
    seen: dict[str, Any] = {}

    async def look(_: AskNothing) -> Sum:
        seen["trace"] = trace.get_current_span().get_span_context().trace_id
        seen["bound"] = structlog.contextvars.get_contextvars()
        return Sum(total=0)

    async with answering(amqp_url, {AskNothing: look}):
        context._request_id.set("asked-for-this")
        with tracer.start_as_current_span("test") as span:
            await asker.ask(QUEUE, AskNothing(), seconds=10)

    assert seen["trace"] == span.get_span_context().trace_id
    assert seen["bound"]["request_id"] == "asked-for-this"


async def _has(things: list[Any], count: int) -> bool:
    return len(things) >= count
