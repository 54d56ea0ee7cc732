"""Models that look at a picture, behind any server that speaks OpenAI's chat completions.

vLLM, SGLang, llama.cpp and Ollama do; it is how DeepSeek-OCR, GOT-OCR 2 and Surya 2 are served.
The server is the operator's choice, but what it answers is checked as if it were anybody's.
"""

import base64
import json
import math
import time
from io import BytesIO
from typing import Annotated, Any

import urllib3
from PIL import Image
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from urllib3.exceptions import HTTPError

from ocr_worker.backends.protocol import Availability, Recognition
from ocr_worker.errors import BackendFailed
from ocr_worker.reading import Reading

_PROMPT = (
    "Transcribe all text on this page exactly as it stands, in reading order, one line per line. "
    "Answer with the text only; if there is none, answer with nothing."
)
_TRIES = 3
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_WORTH_A_RETRY = frozenset({429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403})
_MOST_ANSWER_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_LOOK_SECONDS = 2.0
_CONTROLS = dict.fromkeys(set(range(32)) - {9, 10})


class VisionServer(BaseModel):
    """Where a model is served, and under which name users ask for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    url: AnyHttpUrl
    """The base that its documentation names, as in `http://ocr:8000/v1`."""
    model: str
    key: SecretStr | None = None
    prompt: str = _PROMPT
    """Some models are trained on one prompt only."""
    seconds: float = Field(default=50.0, gt=0)
    """For one page, repeated attempts included."""
    most_tokens: int = Field(default=8192, ge=1)
    logprobs: bool = True
    """Whether to ask how sure the model is; some servers refuse the question."""


class OpenAiVision:
    """One server. Knows neither where words stand nor in which language they are."""

    in_box = False
    upright = True

    def __init__(self, server: VisionServer) -> None:
        self._server = server
        self._base = str(server.url).rstrip("/")
        self._pool = urllib3.PoolManager(retries=False)

    def availability(self) -> Availability:
        """Ask the server for its models; it has two seconds."""
        install = f"Start the server of the backend {self._server.name}, or mend its settings."
        try:
            answer = self._pool.request(
                "GET",
                f"{self._base}/models",
                headers=self._headers(),
                timeout=_LOOK_SECONDS,
                redirect=False,
                preload_content=False,
            )
            status = answer.status
            answer.close()
        except HTTPError:
            return Availability(usable=False, reason="Its server does not answer.", install=install)
        if status in _REFUSED:
            return Availability(usable=False, reason="Its server refuses the key.", install=install)
        if status in _WORTH_A_RETRY:
            reason = f"Its server answers with the status {status}."
            return Availability(usable=False, reason=reason, install=install)
        return Availability(usable=True)

    def recognise(self, picture: Image.Image, *, language: str, dpi: float) -> Recognition:
        """Send the picture and return the text; see `Backend`. Raises `BackendFailed`."""
        body = self._question(picture)
        deadline = time.monotonic() + self._server.seconds
        for attempt in range(1, _TRIES + 1):
            status, answer, wait = self._ask(body, deadline)
            if status is not None and status not in _WORTH_A_RETRY:
                return _recognition(status, answer)
            pause = max(_PAUSE_SECONDS * 2 ** (attempt - 1), wait)
            if attempt == _TRIES or time.monotonic() + pause >= deadline:
                break
            time.sleep(pause)
        told = "It does not answer." if status is None else f"It answered with status {status}."
        raise BackendFailed(told)

    def _question(self, picture: Image.Image) -> bytes:
        png = BytesIO()
        picture.save(png, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
        question: dict[str, Any] = {
            "model": self._server.model,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": url}},
                        {"type": "text", "text": self._server.prompt},
                    ],
                }
            ],
            "temperature": 0,
            "max_tokens": self._server.most_tokens,
        }
        if self._server.logprobs:
            question["logprobs"] = True
        return json.dumps(question).encode()

    def _ask(self, body: bytes, deadline: float) -> tuple[int | None, bytes, float]:
        """Return status, answer and for how many seconds the server wants to be left alone.

        The status is None when it could not be reached.
        """
        left = max(deadline - time.monotonic(), 0.1)
        try:
            answer = self._pool.request(
                "POST",
                f"{self._base}/chat/completions",
                body=body,
                headers={**self._headers(), "Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=min(left, 5.0), read=left),
                redirect=False,  # the key is for this server only
                preload_content=False,
            )
        except HTTPError:
            return None, b"", 0.0
        try:
            return answer.status, _read(answer, deadline), _pause_asked_for(answer)
        except HTTPError:
            return None, b"", 0.0
        finally:
            answer.close()

    def _headers(self) -> dict[str, str]:
        key = self._server.key
        return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    read = bytearray()
    for chunk in answer.stream(_CHUNK_BYTES, decode_content=False):
        read += chunk
        if len(read) > _MOST_ANSWER_BYTES:
            raise BackendFailed("Its answer is too long.")
        if time.monotonic() > deadline:
            raise BackendFailed("Its answer takes too long.")
    return bytes(read)


def _pause_asked_for(answer: urllib3.BaseHTTPResponse) -> float:
    try:
        seconds = float(answer.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0  # a date: our own pause will do
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)


class _Message(BaseModel):
    content: str | None = None


class _Token(BaseModel):
    logprob: float


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Answer(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


def _recognition(status: int, answer: bytes) -> Recognition:
    if status != 200:
        raise BackendFailed(f"It answered with status {status}.")
    try:
        choice = _Answer.model_validate_json(answer).choices[0]
    except ValueError:
        raise BackendFailed("Its answer is not that of a chat completion.") from None
    if choice.finish_reason == "length":
        raise BackendFailed("Its answer was cut off; the page has more text than it may write.")
    text = (choice.message.content or "").replace("\r\n", "\n").translate(_CONTROLS)
    lines = [line.rstrip() for line in text.split("\n")]
    reading = Reading("\n".join(lines).strip(), [])
    return Recognition(reading, None, confidence=_confidence(choice.logprobs))


def _confidence(logprobs: _Logprobs | None) -> float:
    """Return the mean probability of the tokens, 0 when it is not known."""
    tokens = logprobs.content if logprobs and logprobs.content else []
    chances = [math.exp(min(token.logprob, 0.0)) for token in tokens]
    return sum(chances) / len(chances) if chances else 0.0
