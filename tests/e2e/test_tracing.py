"""One trace from the upload through outbox, broker and worker, in every process's log."""

import json
import secrets

from client import CORPUS, Client
from common.testing import eventually
from native.stack import Stack

HOPS = ["gateway", "documents-api", "documents-worker", "ocr-worker"]


def lines(stack: Stack, name: str, trace_id: str) -> list[dict[str, object]]:
    """Return what a process has logged under a trace; every line must be JSON."""
    log = (stack.profile.logs / f"{name}.log").read_text()
    return [json.loads(line) for line in log.splitlines() if trace_id in line]


async def test_the_upload_and_the_reading_share_a_trace(stack: Stack, user: Client) -> None:
    trace_id = secrets.token_hex(16)
    user.http.headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    document = await user.upload(CORPUS / "broken" / "password-example.pdf")
    del user.http.headers["traceparent"]
    await user.ended(document["id"])

    async def seen_everywhere() -> bool:
        missing = [name for name in HOPS if not lines(stack, name, trace_id)]
        assert not missing, f"no line with the trace in the logs of {missing}"
        return True

    await eventually(seen_everywhere)
    (rejected,) = [
        line for line in lines(stack, "ocr-worker", trace_id) if "rejected" in str(line["event"])
    ]
    assert rejected["trace_id"] == trace_id
    assert rejected["event_id"]
    assert rejected["reason"] == "document-encrypted"
