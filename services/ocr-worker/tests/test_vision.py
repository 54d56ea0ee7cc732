"""A model behind a server is asked politely, and believed no more than it has to be."""

import base64
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import pytest
from corpus import digital, scan
from ocr_worker.backends.openai_vision import OpenAiVision, VisionServer
from ocr_worker.backends.registry import Backends
from ocr_worker.bitmap import read_bitmap
from ocr_worker.box import Box
from ocr_worker.errors import BackendFailed, BackendUnavailable
from PIL import Image
from pydantic import ValidationError
from vision_servers import Reply, completion, serving_model

PICTURE = Image.new("L", (40, 20), 200)


def read(server: VisionServer) -> str:
    return OpenAiVision(server).recognise(PICTURE, language="eng", dpi=150).reading.text


def test_the_model_gets_the_picture_and_its_text_comes_back() -> None:
    with serving_model(Reply(body=completion("Hello,\r\nworld \x07\n"))) as model:
        assert read(model.server(key="sesame", prompt="Free OCR.")) == "Hello,\nworld"
    assert model.keys == ["Bearer sesame"]
    (question,) = model.asked
    picture, prompt = question["messages"][0]["content"]
    assert prompt == {"type": "text", "text": "Free OCR."}
    head, _, data = picture["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    with Image.open(BytesIO(base64.b64decode(data))) as sent:
        assert (sent.size, sent.getpixel((0, 0))) == ((40, 20), 200)


@pytest.mark.parametrize(
    ("logprobs", "confidence"),
    [(None, 0.0), ({"content": [{"logprob": 0.0}, {"logprob": -0.6931471805599453}]}, 0.75)],
)
def test_the_confidence_is_that_of_the_tokens(logprobs: object, confidence: float) -> None:
    with serving_model(Reply(body=completion("text", logprobs=logprobs))) as model:
        found = OpenAiVision(model.server()).recognise(PICTURE, language="eng", dpi=150)
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    busy, good = Reply(status), Reply(body=completion("text"))
    with serving_model(busy, good) as model:
        assert read(model.server()) == "text"
    assert len(model.asked) == 2


def test_a_server_that_stays_busy_is_left_alone() -> None:
    with serving_model(Reply(503)) as model, pytest.raises(BackendFailed, match="503"):
        read(model.server())
    assert len(model.asked) == 3


def test_a_server_may_say_when_it_wants_to_be_asked_again() -> None:
    with serving_model(Reply(429, headers={"Retry-After": "9"})) as model:
        started = time.monotonic()
        with pytest.raises(BackendFailed, match="429"):
            read(model.server(seconds=3))
        assert time.monotonic() - started < 2  # nine seconds would be too late
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400),
        Reply(401),
        Reply(404),
        Reply(302, headers={"Location": "http://127.0.0.1:1/"}),
        Reply(body=b""),
        Reply(body=b"<html>"),
        Reply(body=b"{}"),
        Reply(body=b'{"choices": []}'),
        Reply(body=b'{"choices": [{"message": {"content": 5}}]}'),
        Reply(body=completion("half a pa", finish_reason="length")),
        Reply(body=b'{"choices": [{"message": {"content": "' + b"a" * (9 << 20) + b'"}}]}'),
    ],
)
def test_nonsense_is_named_and_not_asked_for_again(reply: Reply) -> None:
    with serving_model(reply) as model, pytest.raises(BackendFailed):
        read(model.server())
    assert len(model.asked) == 1


def _drip(handler: BaseHTTPRequestHandler) -> None:
    with suppress(OSError):
        while True:
            handler.wfile.write(b" " * (1 << 16))


def _say_nothing(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.settimeout(10)
    with suppress(OSError):
        handler.connection.recv(1)  # until the other side hangs up


def test_an_answer_without_an_end_is_cut_off() -> None:
    with serving_model(Reply(body=_drip)) as model, pytest.raises(BackendFailed, match="too long"):
        read(model.server())


def test_a_server_that_says_nothing_has_its_time() -> None:
    with serving_model(Reply(body=_say_nothing)) as model:
        started = time.monotonic()
        with pytest.raises(BackendFailed, match="does not answer"):
            read(model.server(seconds=1))
        assert time.monotonic() - started < 5


def test_a_server_that_is_not_there_is_named() -> None:
    with serving_model(Reply()) as model:
        server = model.server(seconds=1)
    with pytest.raises(BackendFailed, match="does not answer"):
        read(server)
    state = OpenAiVision(server).availability()
    assert not state.usable
    assert "deepseek" in state.install


@pytest.mark.parametrize(
    ("status", "usable"), [(200, True), (404, True), (401, False), (403, False), (503, False)]
)
def test_a_server_is_usable_when_it_answers(status: int, *, usable: bool) -> None:
    with serving_model(Reply(status)) as model:
        assert OpenAiVision(model.server()).availability().usable is usable


def test_the_key_is_shown_to_nobody() -> None:
    server = VisionServer(name="x", url="http://x/v1", model="m", key="sesame")
    assert "sesame" not in f"{server!r} {server.model_dump_json()}"


@pytest.mark.parametrize(
    "wrong", [{"name": "Deep Seek"}, {"url": "ftp://x"}, {"seconds": 0}, {"colour": 1}]
)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VisionServer(**{"name": "x", "url": "http://x/v1", "model": "m", **wrong})


async def test_a_page_is_read_by_the_model_and_only_its_pixels_leave_the_box() -> None:
    with serving_model(Reply(body=completion("Read by a model"))) as model:
        backends = Backends([model.server()])
        async with Box.open(scan("phototest-rotated-180.png"), backends=backends) as box:
            result = await box.read(1, backend="deepseek")
            assert (await box.read(1)).backend == "tesseract"
    assert (result.text, result.backend, result.words) == ("Read by a model", "deepseek", ())
    assert (result.width, result.height, result.rotation) == (640, 480, 180)
    (question,) = model.asked
    url = question["messages"][0]["content"][0]["image_url"]["url"]
    with Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))) as sent:
        assert sent.mode == "L"
        dark = sum(sent.crop((0, 0, sent.width, sent.height // 4)).histogram()[:128])
        assert dark > 0  # it was turned: the upper part of the page has the text


async def test_a_text_layer_needs_no_model() -> None:
    with serving_model(Reply(500)) as model:
        async with Box.open(
            digital("pdflatex-4-pages.pdf"), backends=Backends([model.server()])
        ) as box:
            assert (await box.read(1, backend="deepseek")).source == "text_layer"
    assert model.asked == []


async def test_a_model_that_fails_costs_the_page_and_not_the_reader() -> None:
    with serving_model(Reply(500)) as model:
        backends = Backends([model.server()])
        async with Box.open(scan("phototest.tif"), backends=backends) as box:
            with pytest.raises(BackendFailed):
                await box.read(1, backend="deepseek")
            assert (await box.read(1)).source == "ocr"


async def test_a_model_without_a_server_is_named() -> None:
    async with Box.open(scan("phototest.tif")) as box:
        with pytest.raises(BackendUnavailable, match="QUIRE_VISION_SERVERS"):
            await box.read(1, backend="got_ocr")


def test_only_a_plain_file_of_the_right_size_is_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "page.grey"
    with pytest.raises(ValueError, match="no picture"):
        read_bitmap(tmp_path, width=2, height=3)
    picture.write_bytes(b"12345")
    with pytest.raises(ValueError, match="size"):
        read_bitmap(tmp_path, width=2, height=3)
    (tmp_path / "secret").write_bytes(b"123456")
    picture.unlink()
    picture.symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="no picture"):
        read_bitmap(tmp_path, width=2, height=3)
    picture.unlink()
    picture.hardlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="size"):
        read_bitmap(tmp_path, width=2, height=3)
    picture.unlink()
    picture.write_bytes(b"123456")
    assert read_bitmap(tmp_path, width=2, height=3).tobytes() == b"123456"
    assert not picture.exists()
