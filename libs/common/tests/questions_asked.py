"""Some questions, and who answers them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aio_pika.exceptions import ChannelNotFoundEntity
from common.answering import Answerer, Answers
from common.broker import connect
from common.testing import eventually
from contracts import Question
from pydantic import BaseModel

QUEUE = "test.questions"


class Sum(BaseModel):
    total: int


class Text(BaseModel):
    text: str


class AskSum(Question[Sum]):
    name = "test.sum"

    numbers: tuple[int, ...]


class AskNothing(Question[Sum]):
    name = "test.nothing"


class AskText(Question[Text]):
    name = "test.text"

    size: int = 0


async def add(question: AskSum) -> Sum:
    return Sum(total=sum(question.numbers))


async def text(question: AskText) -> Text:
    return Text(text="x" * question.size)


@asynccontextmanager
async def answering(
    url: str, answers: Answers, *, prefetch: int = 4, drain_seconds: float = 5
) -> AsyncIterator[None]:
    """Answer questions meanwhile."""
    answerer = Answerer(url, QUEUE, answers, prefetch=prefetch, drain_seconds=drain_seconds)
    before, _ = await queue(url)
    task = asyncio.create_task(answerer.run())
    try:
        await eventually(lambda: are_there(url, before + 1))
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def queue(url: str) -> tuple[int, int]:
    """Return how many take questions, and how many questions wait."""
    async with await connect(url) as connection:
        channel = await connection.channel()
        try:
            found = (await channel.get_queue(QUEUE)).declaration_result
        except ChannelNotFoundEntity:
            return 0, 0
        return found.consumer_count or 0, found.message_count or 0


async def is_empty(url: str) -> bool:
    return (await queue(url))[1] == 0


async def are_there(url: str, count: int) -> bool:
    return (await queue(url))[0] >= count
