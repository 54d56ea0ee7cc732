"""A server of the test's own that speaks as much of OpenAI's chat completions as is needed."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ocr_worker.backends.openai_vision import VisionServer


@dataclass
class Reply:
    """What the server says; `body` is called with the handler when it is not bytes."""

    status: int = 200
    body: bytes | Callable[[BaseHTTPRequestHandler], None] = b""
    headers: dict[str, str] = field(default_factory=dict)


def completion(text: str, **choice: Any) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"message": message, **choice}]}).encode()


class FakeModel:
    """Gives the replies one after the other, the last again and again, and keeps the questions."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.url = ""

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def server(self, **settings: Any) -> VisionServer:
        return VisionServer(
            **{"name": "deepseek", "url": f"{self.url}/v1", "model": "ocr", **settings}
        )


@contextmanager
def serving_model(*replies: Reply) -> Iterator[FakeModel]:
    model = FakeModel(*replies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            model.keys.append(self.headers["Authorization"])
            self._say(model.next() if self.path == "/v1/models" else Reply(404))

        def do_POST(self) -> None:
            model.keys.append(self.headers["Authorization"])
            data = self.rfile.read(int(self.headers["Content-Length"]))
            model.asked.append(json.loads(data))
            self._say(model.next() if self.path == "/v1/chat/completions" else Reply(404))

        def _say(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, bytes):
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            else:
                self.end_headers()
                reply.body(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        model.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield model
        finally:
            http.shutdown()
            thread.join()
