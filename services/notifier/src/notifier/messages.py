"""What is said on a socket, in either direction.

Every message of ours has a `type`, a `timestamp` and an `offset`: the place in the user's stream
up to which the client has now been told everything. What goes through the stream gets its offset
there; what is for one socket only repeats the socket's latest.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from contracts import Failure
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _now() -> datetime:
    return datetime.now(UTC)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


class Message(BaseModel):
    """A message to a client."""

    model_config = ConfigDict(frozen=True)

    type: str
    timestamp: Annotated[datetime, AfterValidator(_in_utc)] = Field(default_factory=_now)

    def encode(self) -> str:
        """Return the message as it is sent, but for the offset."""
        return self.model_dump_json()


class ProgressMessage(Message):
    """How far the reading of a document is; on one socket it never falls within an attempt."""

    type: Literal["ocr_progress"] = "ocr_progress"
    document_id: UUID
    job_id: UUID
    attempt: int
    progress: int
    status: str
    page: int | None
    pages_done: int
    pages_total: int | None


class CompletionResult(BaseModel):
    """How much could be read."""

    model_config = ConfigDict(frozen=True)

    pages: int
    missing_pages: Sequence[int]


class CompletionMessage(Message):
    """An attempt to read a document has ended, well or not; said once."""

    type: Literal["ocr_complete"] = "ocr_complete"
    document_id: UUID
    job_id: UUID
    attempt: int
    success: bool
    partial: bool
    result: CompletionResult | None
    error: Failure | None


class UpdateMessage(Message):
    """Its owner has said something else about a document."""

    type: Literal["document_updated"] = "document_updated"
    document_id: UUID
    changed: Sequence[str]


class DeletionMessage(Message):
    """A document is gone."""

    type: Literal["document_deleted"] = "document_deleted"
    document_id: UUID


class RestorationMessage(Message):
    """A document that was gone is there again."""

    type: Literal["document_restored"] = "document_restored"
    document_id: UUID


class PurgeMessage(Message):
    """A document that was gone will not come back."""

    type: Literal["document_purged"] = "document_purged"
    document_id: UUID


class ReportProgressMessage(Message):
    """How far a report is; on one socket it never falls."""

    type: Literal["report_progress"] = "report_progress"
    report_id: UUID
    progress: int


class ReportCompletionMessage(Message):
    """A report can be downloaded, or could not be made; said once."""

    type: Literal["report_complete"] = "report_complete"
    report_id: UUID
    success: bool
    rows: int
    error: Failure | None


class SocketMessage(Message):
    """A message that one socket gets, outside the stream."""

    offset: str


class ConnectionEstablished(SocketMessage):
    """From here on nothing is left out; what was before, the client reads from the API.

    It comes first on every socket, and again whenever something may have been left out.
    """

    type: Literal["connection_established"] = "connection_established"
    user_id: UUID
    epoch: str
    recovered: Literal[False] = False


class Pong(SocketMessage):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"


class ErrorMessage(SocketMessage):
    """The client said something that is not understood; the socket lives on."""

    type: Literal["error"] = "error"
    detail: str


class Auth(BaseModel):
    """The first message of a client that has no other way to send its token."""

    type: Literal["auth"]
    token: str


class Ping(BaseModel):
    """A client asks whether anybody is there."""

    type: Literal["ping"]
