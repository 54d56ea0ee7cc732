"""An event on its way: CloudEvents 1.0 in AMQP, binary mode, with the sender's trace context.

The header names (`ce-…`) are those of the RabbitMQ protocol binding that the official SDK ships:
https://github.com/knative-extensions/eventing-rabbitmq/blob/main/cloudevents-protocol-spec/spec.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage
from cloudevents.core.bindings import rabbitmq
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from contracts import Event, UnknownEventType, event_type
from pydantic import ValidationError

from common.telemetry import trace_headers

_FORMAT = JSONFormat()
_STRUCTURED = "application/cloudevents+json"


class UnreadableMessage(Exception):
    """The message is no event that this code knows; trying again cannot help."""


@dataclass(frozen=True)
class Envelope:
    """What is known about an event besides its data; `(source, id)` says that two are the same."""

    id: str
    source: str
    type: str
    routing_key: str
    time: datetime
    data: Mapping[str, Any]
    trace: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> Message:
        """Encode as a persistent AMQP message."""
        event = CloudEvent(
            attributes={
                "id": self.id,
                "source": self.source,
                "type": self.type,
                "specversion": "1.0",
                "time": self.time,
                "datacontenttype": "application/json",
            },
            data=dict(self.data),
        )
        encoded = rabbitmq.to_binary(event, _FORMAT)
        return Message(
            encoded.body,
            content_type=encoded.content_type,
            headers={**encoded.headers, **self.trace},
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=self.id,
        )


def seal(event: Event, *, source: str, event_id: str | None = None) -> Envelope:
    """Put an event into an envelope that carries the current trace on.

    `event_id` makes the same happening the same event however often it is told; default: a new one.
    """
    return Envelope(
        id=event_id or str(uuid4()),
        source=source,
        type=event.type(),
        routing_key=event.name,
        time=datetime.now(UTC),
        data=event.model_dump(mode="json"),
        trace=trace_headers(),
    )


def open_message(message: AbstractIncomingMessage) -> tuple[Envelope, Event]:
    """Decode a delivery, binary or structured mode; raises `UnreadableMessage`."""
    headers = {name: value for name, value in message.headers.items() if isinstance(value, str)}
    raw = rabbitmq.RabbitMQMessage(headers, message.content_type, message.body)
    try:
        if (message.content_type or "").startswith(_STRUCTURED):
            cloud = rabbitmq.from_structured(raw, _FORMAT)
        else:
            cloud = rabbitmq.from_binary(raw, _FORMAT)
        event = event_type(cloud.get_type()).model_validate(cloud.get_data())
    except UnknownEventType as error:
        raise UnreadableMessage(f"unknown event type {error}") from error
    except (CloudEventValidationError, ValidationError, ValueError, TypeError) as error:
        raise UnreadableMessage(f"not a valid event: {error}") from error
    envelope = Envelope(
        id=cloud.get_id(),
        source=cloud.get_source(),
        type=cloud.get_type(),
        routing_key=message.routing_key or event.name,
        time=cloud.get_time() or datetime.now(UTC),
        data=event.model_dump(mode="json"),
        trace={k: v for k, v in headers.items() if k in ("traceparent", "tracestate")},
    )
    return envelope, event
