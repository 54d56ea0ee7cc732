"""Answers the questions of other services; `asking` is the other side.

A question is answered once or not at all: it changes nothing, and who asked can ask again. One
that was delivered before, to a process that then died, is refused: it may be what killed it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from contracts import Question
from opentelemetry.trace import SpanKind
from pydantic import BaseModel, ValidationError

from common.asking import ANSWER, PROBLEM, REQUEST_ID, ToldProblem
from common.broker import CONFIRM_SECONDS, CONNECTION_ERRORS
from common.deliveries import Deliveries, acknowledge
from common.errors import Problem, Unavailable
from common.telemetry import trace_context, tracer

logger = structlog.get_logger(__name__)

Answers = Mapping[type[Question[Any]], Callable[[Any], Awaitable[BaseModel]]]
"""Who answers what; a `Problem` that is raised is an answer, too."""

MOST_ANSWER_BYTES = 8 << 20
_MOST_WAITING = 200


class AnswererLost(Unavailable):
    """The process that had taken the question is gone."""

    slug = "answerer-lost"
    title = "Who was answering this is gone"


class AnswerTooLarge(Problem):
    """There is more to be told than fits into one answer."""

    status, slug, title = 422, "answer-too-large", "The answer is too long"


class UnknownQuestion(Problem):
    """Who was asked is of another version, and does not understand the question."""

    status, slug, title = 501, "unknown-question", "This cannot be answered here"


class Answerer:
    """Takes questions from one queue, `prefetch` at once, until it is cancelled."""

    def __init__(
        self, url: str, queue: str, answers: Answers, *, prefetch: int, drain_seconds: float
    ) -> None:
        self._queue = queue
        self._answers = {kind.name: (kind, answer) for kind, answer in answers.items()}
        self._deliveries = Deliveries(
            *(url, queue, self._declare, self._process),
            prefetch=prefetch,
            drain_seconds=drain_seconds,
        )

    async def run(self) -> None:
        """Answer for ever; see `Deliveries.run`."""
        await self._deliveries.run()

    async def _declare(self, channel: AbstractChannel) -> AbstractQueue:
        """Declare a queue that is there as long as somebody takes from it, and so tells of it."""
        arguments: dict[str, Any] = {
            "x-queue-type": "classic",  # the others outlive their consumers
            "x-max-length": _MOST_WAITING,
            "x-overflow": "reject-publish",
        }
        return await channel.declare_queue(
            self._queue, durable=True, auto_delete=True, arguments=arguments
        )

    async def _process(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        headers = {name: text for name, text in message.headers.items() if isinstance(text, str)}
        name = message.type or ""
        if REQUEST_ID in headers:
            structlog.contextvars.bind_contextvars(request_id=headers[REQUEST_ID])
        started = time.perf_counter()
        with tracer.start_as_current_span(
            f"answer {name}", context=trace_context(headers), kind=SpanKind.SERVER
        ):
            outcome = await self._outcome(message)
        if outcome is not None:
            await _reply(channel, message, outcome)
        await acknowledge(message)
        told = outcome.slug if isinstance(outcome, ToldProblem) else ANSWER
        ms = round((time.perf_counter() - started) * 1000, 1)
        logger.info("answered", question=name, told=told if outcome else "nobody", ms=ms)

    async def _outcome(self, message: AbstractIncomingMessage) -> BaseModel | None:
        """Return what is to be told; None when nobody waits for it any more."""
        timeout = asyncio.timeout(_seconds(message))
        try:
            async with timeout:
                return await self._answer(message)
        except Problem as problem:
            return ToldProblem.of(problem)
        except Exception:
            if timeout.expired():
                return None
            logger.exception("no answer was found", question=message.type)
            return ToldProblem.of(Problem())

    async def _answer(self, message: AbstractIncomingMessage) -> BaseModel:
        if message.redelivered:
            raise AnswererLost
        if message.type not in self._answers:
            raise UnknownQuestion
        kind, answer = self._answers[message.type]
        try:
            question = kind.model_validate_json(message.body)
        except ValidationError as error:
            raise UnknownQuestion from error
        return await answer(question)


async def _reply(
    channel: AbstractChannel, message: AbstractIncomingMessage, outcome: BaseModel
) -> None:
    body = outcome.model_dump_json().encode()
    if len(body) > MOST_ANSWER_BYTES:
        outcome = ToldProblem.of(AnswerTooLarge())
        body = outcome.model_dump_json().encode()
    reply = Message(
        body,
        content_type="application/json",
        type=PROBLEM if isinstance(outcome, ToldProblem) else ANSWER,
        correlation_id=message.correlation_id,
        delivery_mode=DeliveryMode.NOT_PERSISTENT,
    )
    try:
        # Not mandatory: who asked may be gone, and then there is nobody to be told.
        await channel.default_exchange.publish(
            reply, message.reply_to or "", mandatory=False, timeout=CONFIRM_SECONDS
        )
    except CONNECTION_ERRORS as error:
        logger.warning("could not be answered", question=message.type, error=str(error))


def _seconds(message: AbstractIncomingMessage) -> float | None:
    """Return for how long the question was asked to wait: nobody waits longer for its answer."""
    expiration = message.expiration
    return float(expiration) if isinstance(expiration, int | float) else None
