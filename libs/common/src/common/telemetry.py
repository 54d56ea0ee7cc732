"""Traces and metrics: OpenTelemetry across HTTP and AMQP, Prometheus for the numbers."""

from collections.abc import Mapping

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Gauge, Histogram

tracer = trace.get_tracer("quire")

http_requests = Counter("http_requests", "Requests answered.", ["method", "route", "status"])
http_duration = Histogram(
    "http_request_duration_seconds", "From the request to the last byte.", ["method", "route"]
)
events_handled = Counter(
    "events_handled", "Deliveries by what became of them.", ["queue", "event", "outcome"]
)
event_duration = Histogram(
    "event_handling_duration_seconds", "Time in the handler.", ["queue", "event"]
)
outbox_waiting = Gauge("outbox_waiting", "Events recorded and not yet confirmed by the broker.")
outbox_refused = Counter("outbox_refused", "Events the broker would not take.", ["event", "reason"])


def configure_tracing(*, service: str, otlp_endpoint: str | None) -> None:
    """Make spans under the service's name, and export them when there is somewhere to."""
    provider = TracerProvider(resource=Resource({SERVICE_NAME: service}))
    if otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def trace_headers() -> dict[str, str]:
    """Return the current trace context as W3C headers, ready to travel with a message."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def trace_context(headers: Mapping[str, str]) -> Context:
    """Read the sender's trace context out of headers."""
    return propagate.extract(headers, context=context.get_current())
