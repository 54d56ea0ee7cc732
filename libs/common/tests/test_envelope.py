"""Events on the wire, read by the official SDK as a stranger would."""

from uuid import uuid4

from cloudevents.core.bindings import rabbitmq
from cloudevents.core.formats.json import JSONFormat
from common.envelope import seal
from contracts import OcrStarted
from opentelemetry.sdk.trace import TracerProvider

EVENT = OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=3)


def test_the_official_sdk_reads_our_events() -> None:
    envelope = seal(EVENT, source="documents")
    message = envelope.message()

    foreign = rabbitmq.from_binary(
        rabbitmq.RabbitMQMessage(
            {k: v for k, v in message.headers.items() if isinstance(v, str)},
            message.content_type,
            message.body,
        ),
        JSONFormat(),
    )

    assert foreign.get_type() == "quire.ocr.started.v1"
    assert foreign.get_source() == "documents"
    assert foreign.get_id() == envelope.id
    assert foreign.get_time() == envelope.time
    assert foreign.get_data() == EVENT.model_dump(mode="json")


def test_a_given_id_is_kept_so_that_a_repeat_is_the_same_event() -> None:
    assert seal(EVENT, source="x", event_id="7").id == "7"
    assert seal(EVENT, source="x").id != seal(EVENT, source="x").id


def test_the_trace_travels_with_the_event() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("upload") as span:
        envelope = seal(EVENT, source="documents")

    trace_id = f"{span.get_span_context().trace_id:032x}"
    assert trace_id in envelope.trace["traceparent"]
    assert trace_id in str(envelope.message().headers["traceparent"])
