"""Asks another service over RabbitMQ, and waits for its answer: direct reply-to, with a deadline.

A question is no event. It lies in a queue of its own only while somebody waits, is dropped when
its time is over, and is refused at once when nobody is there who could take it. The answer comes
straight to the channel that asked, https://www.rabbitmq.com/docs/direct-reply-to.
"""

import asyncio
from typing import Annotated, TypeVar
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError, PublishError
from contracts import Question
from opentelemetry.trace import SpanKind
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from common.broker import CONFIRM_SECONDS, CONNECTION_ERRORS, connect, open_channel
from common.context import request_id
from common.errors import Problem, Unavailable
from common.telemetry import trace_headers, tracer

ANSWER, PROBLEM = "answer", "problem"
REQUEST_ID = "x-request-id"
_REPLY_TO = "amq.rabbitmq.reply-to"
_MOST_AT_ONCE = 32

A = TypeVar("A", bound=BaseModel)


class NobodyToAsk(Unavailable):
    """No process is there that could answer the question."""

    slug = "nobody-to-ask"
    title = "Nobody is there right now who could answer this"


class TooManyQuestions(Unavailable):
    """So many questions wait already that this one would not be answered in time."""

    slug = "too-many-questions"
    title = "Too many others are asking right now"


class NoAnswerInTime(Problem):
    """The question was taken or lay in the queue, and its time is over."""

    status, slug, title = 504, "no-answer-in-time", "It took too long"


class UnreadableAnswer(Problem):
    """What came back is no answer to the question."""

    status, slug, title = 502, "unreadable-answer", "The answer makes no sense"


class ToldProblem(BaseModel):
    """A problem on its way from who was asked to who asks."""

    model_config = ConfigDict(frozen=True)

    status: int = Field(ge=400, le=599)
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
    title: str
    detail: str = ""
    retry_after: int | None = Field(default=None, ge=0)

    @classmethod
    def of(cls, problem: Problem) -> "ToldProblem":
        """Return what is told of a problem."""
        return cls(
            status=problem.status,
            slug=problem.slug,
            title=problem.title,
            detail=problem.detail,
            retry_after=int(problem.headers.get("Retry-After", 0)) or None,
        )

    def problem(self) -> Problem:
        """Return a problem of the same status, name and words."""
        described = {"status": self.status, "slug": self.slug, "title": self.title}
        kind: type[Problem] = type("Told", (Problem,), described)
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else None
        return kind(self.detail, headers=headers)


class _Line:
    """A channel, and who waits for an answer on it."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self.waiting: dict[str, asyncio.Future[AbstractIncomingMessage | None]] = {}

    async def listen(self) -> None:
        """Take answers from now on; what was asked before the channel is lost gets None."""
        self.channel.close_callbacks.add(lambda *_: self._hang_up())
        replies = await self.channel.get_queue(_REPLY_TO, ensure=False)
        await replies.consume(self._take, no_ack=True)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        waiting = self.waiting.get(message.correlation_id or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _hang_up(self) -> None:
        for waiting in self.waiting.values():
            if not waiting.done():
                waiting.set_result(None)


class Asker:
    """Asks questions, a bounded number at once; connects when first needed, and after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._connecting = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._line: _Line | None = None

    async def ask(self, queue: str, question: Question[A], *, seconds: float) -> A:
        """Return the answer of one of those who take questions from a queue.

        `seconds` is how long the answer may take, whatever has to be waited for. Raises the
        problem that was answered, `NobodyToAsk`, `TooManyQuestions`, `NoAnswerInTime`,
        `UnreadableAnswer`, and `Unavailable` when the broker is away.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        with tracer.start_as_current_span(f"ask {question.name}", kind=SpanKind.CLIENT):
            try:
                async with asyncio.timeout_at(deadline):
                    await self._slots.acquire()
            except TimeoutError:
                raise TooManyQuestions from None
            try:
                message = await self._exchange(queue, question, deadline)
            finally:
                self._slots.release()
        return _read(message, question.answer())

    async def close(self) -> None:
        """Close the connection, if there is one; who still waits gets no answer."""
        connection, self._connection, self._line = self._connection, None, None
        if connection is not None and not connection.is_closed:
            await connection.close()

    async def _exchange(
        self, queue: str, question: Question[A], deadline: float
    ) -> AbstractIncomingMessage:
        line = await self._open(deadline)
        identity = uuid4().hex
        answer: asyncio.Future[AbstractIncomingMessage | None]
        answer = line.waiting[identity] = asyncio.get_running_loop().create_future()
        try:
            await self._send(line, queue, _message(question, identity, _left(deadline)), deadline)
            async with asyncio.timeout_at(deadline):
                message = await answer
        except TimeoutError:
            raise NoAnswerInTime from None
        finally:
            del line.waiting[identity]
        if message is None:
            raise Unavailable("The message broker was lost before the answer came.")
        return message

    async def _send(self, line: _Line, queue: str, message: Message, deadline: float) -> None:
        try:
            await line.channel.default_exchange.publish(
                message, queue, mandatory=True, timeout=min(CONFIRM_SECONDS, _left(deadline))
            )
        except PublishError as error:
            raise NobodyToAsk from error
        except DeliveryError as error:  # the queue is full
            raise TooManyQuestions from error
        except TimeoutError as error:
            await self.close()  # a channel on which a confirm went missing may never confirm again
            raise _away(error) from error
        except CONNECTION_ERRORS as error:
            raise _away(error) from error

    async def _open(self, deadline: float) -> _Line:
        try:
            async with asyncio.timeout_at(deadline), self._connecting:
                if self._line is None or self._line.channel.is_closed:
                    await self.close()
                    self._connection = await connect(self._url)
                    line = _Line(await open_channel(self._connection))
                    await line.listen()
                    self._line = line
                return self._line
        except CONNECTION_ERRORS as error:
            raise _away(error) from error


def _left(deadline: float) -> float:
    return max(deadline - asyncio.get_running_loop().time(), 0.001)


def _away(error: BaseException) -> Unavailable:
    return Unavailable(f"The message broker does not answer ({type(error).__name__}).")


def _message(question: Question[A], identity: str, seconds: float) -> Message:
    headers = {**trace_headers(), REQUEST_ID: request_id()}
    return Message(
        question.model_dump_json().encode(),
        content_type="application/json",
        type=question.name,
        correlation_id=identity,
        reply_to=_REPLY_TO,
        expiration=seconds,
        headers={name: value for name, value in headers.items() if value},
        delivery_mode=DeliveryMode.NOT_PERSISTENT,
    )


def _read(message: AbstractIncomingMessage, kind: type[A]) -> A:
    try:
        if message.type == ANSWER:
            return kind.model_validate_json(message.body)
        told = ToldProblem.model_validate_json(message.body) if message.type == PROBLEM else None
    except ValidationError as error:
        raise UnreadableAnswer from error
    raise told.problem() if told is not None else UnreadableAnswer()
