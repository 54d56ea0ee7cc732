"""Logs: one JSON object a line, whoever logs, with the ids of what is being worked on."""

import logging
import sys

import structlog
from opentelemetry import trace
from structlog.types import EventDict, Processor


def configure_logging(*, service: str, level: str) -> None:
    """Send structlog and the standard library's loggers through one JSON formatter."""

    def add_service(_: object, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        add_service,
        _add_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # It logs whole bodies of returned messages; the outbox says the same without them.
    logging.getLogger("aiormq.channel").setLevel(logging.CRITICAL)
    # It logs the whole URL of every WebSocket, and with it a ticket or a token.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # These report every frame or reconnection on INFO; ours say the same once, with context.
    for noisy in ("aio_pika", "aiormq", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_trace(_: object, __: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event
