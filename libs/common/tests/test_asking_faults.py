"""What becomes of questions when the broker or who answers is lost, or talks nonsense."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage
from common.answering import AnswererLost
from common.asking import (
    Asker,
    NoAnswerInTime,
    NobodyToAsk,
    UnreadableAnswer,
)
from common.broker import connect
from common.errors import Problem, Unavailable
from common.faults import Fault, FaultProxy
from common.testing import eventually
from questions_asked import (
    QUEUE,
    AskNothing,
    AskSum,
    Sum,
    add,
    answering,
    are_there,
)
from yarl import URL


@pytest.fixture
async def asker(amqp_url: str) -> AsyncIterator[Asker]:
    asker = Asker(amqp_url)
    yield asker
    await asker.close()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("answer", b"\xff\x00"),
        ("answer", b'{"total": "many"}'),
        ("answer", b"[]"),
        ("problem", b"{}"),
        ("problem", b'{"status": 200, "slug": "fine", "title": "Fine"}'),
        ("problem", b'{"status": 500, "slug": "a\\r\\nb", "title": "x"}'),
        ("gossip", b'{"total": 1}'),
        (None, b'{"total": 1}'),
    ],
)
async def test_garbage_is_refused(
    amqp_url: str, asker: Asker, kind: str | None, body: bytes
) -> None:
    async with await connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, auto_delete=True, durable=True)

        async def babble(message: AbstractIncomingMessage) -> None:
            # To nobody, with another's mark, and at last where it belongs, three times over.
            for mark in ("", "somebody else's", *[message.correlation_id] * 3):
                reply = Message(body, type=kind, correlation_id=mark)
                await channel.default_exchange.publish(
                    reply, message.reply_to or "", mandatory=False
                )
            await message.ack()

        await queue.consume(babble)
        with pytest.raises(UnreadableAnswer) as refused:
            await asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=10)
    assert refused.value.status == 502


async def test_the_broker_is_away_and_comes_back(amqp_url: str) -> None:
    broker = URL(amqp_url)
    proxy = FaultProxy(broker.host or "", broker.port or 5672, http=False)
    async with proxy.serving(), answering(amqp_url, {AskSum: add}):
        asker = Asker(str(broker.with_port(proxy.port)))
        question = AskSum(numbers=(1, 2))
        assert (await asker.ask(QUEUE, question, seconds=10)).total == 3

        proxy.suffer(Fault(black_hole=True))
        await asker.close()
        started = time.monotonic()
        with pytest.raises(Unavailable) as away:
            await asker.ask(QUEUE, question, seconds=0.5)
        assert time.monotonic() - started < 5
        assert away.value.status == 503

        proxy.heal()
        assert (await asker.ask(QUEUE, question, seconds=10)).total == 3
        await asker.close()


async def test_who_waits_while_the_broker_is_lost_is_told(amqp_url: str) -> None:
    broker = URL(amqp_url)
    proxy = FaultProxy(broker.host or "", broker.port or 5672, http=False)
    began = asyncio.Event()

    async def wait(_: AskNothing) -> Sum:
        began.set()
        await asyncio.Event().wait()
        return Sum(total=0)

    async with (
        proxy.serving(),
        answering(amqp_url, {AskSum: add, AskNothing: wait}, drain_seconds=0.1),
    ):
        asker = Asker(str(broker.with_port(proxy.port)))
        asked = asyncio.create_task(asker.ask(QUEUE, AskNothing(), seconds=30))
        await asyncio.wait_for(began.wait(), 10)
        proxy.heal()  # cuts what is open
        with pytest.raises(Unavailable):
            await asyncio.wait_for(asked, 10)
        assert (await asker.ask(QUEUE, AskSum(numbers=(4,)), seconds=10)).total == 4
        await asker.close()


HANGING = """
import asyncio, sys
from common.answering import Answerer
from contracts import Question
from pydantic import BaseModel

class Sum(BaseModel):
    total: int

class AskSum(Question[Sum]):
    name = "test.sum"

async def hang(_):
    print("taken", flush=True)
    await asyncio.Event().wait()

asyncio.run(Answerer(sys.argv[1], sys.argv[2], {AskSum: hang}, prefetch=1, drain_seconds=1).run())
"""


@asynccontextmanager
async def hanging(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that takes questions and never answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGING, url, QUEUE), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _taken(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while b"taken" not in await asyncio.wait_for(process.stdout.readline(), 20):
        pass  # its log


async def test_a_question_over_which_a_process_died_kills_no_other(
    amqp_url: str, asker: Asker
) -> None:
    began: list[AskSum] = []

    async def note(question: AskSum) -> Sum:
        began.append(question)
        return await add(question)

    async with hanging(amqp_url) as process:
        await eventually(lambda: are_there(amqp_url, 1))
        asked = asyncio.create_task(asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=20))
        await _taken(process)
        async with answering(amqp_url, {AskSum: note}):
            process.send_signal(signal.SIGKILL)
            with pytest.raises(Problem) as lost:
                await asked
            assert (lost.value.status, lost.value.slug) == (503, AnswererLost.slug)
            assert began == []
            assert (await asker.ask(QUEUE, AskSum(numbers=(2,)), seconds=10)).total == 2


async def test_the_only_one_who_could_answer_dies(amqp_url: str, asker: Asker) -> None:
    async with hanging(amqp_url) as process:
        await eventually(lambda: are_there(amqp_url, 1))
        asked = asyncio.create_task(asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=2))
        await _taken(process)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(NoAnswerInTime):
            await asked
        with pytest.raises(NobodyToAsk):
            await asker.ask(QUEUE, AskSum(numbers=(1,)), seconds=10)
    async with answering(amqp_url, {AskSum: add}):
        assert (await asker.ask(QUEUE, AskSum(numbers=(2,)), seconds=10)).total == 2
