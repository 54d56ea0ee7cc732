"""What the reader answers is believed only after it was checked: it has read the document."""

import json
import sys
from pathlib import Path

import pytest
from ocr_worker.box import Box
from ocr_worker.errors import DocumentDamaged, DocumentEncrypted, ReaderCrashed

RESULT = json.dumps(
    {
        "result": {
            "number": 1,
            "width": 9,
            "height": 9,
            "source": "ocr",
            "backend": "tesseract",
            "language": "eng",
            "confidence": 0.5,
            "text": "word",
            "words": [{"text": "word", "bbox": [0, 0, 1, 1], "confidence": 0.5}],
        }
    }
)


@pytest.fixture
def _answers(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put a program in the reader's place that gives these answers, one after the other."""
    program = tmp_path / "reader"
    lines = "".join(f"read request\necho '{answer}'\n" for answer in request.param)
    program.write_text(f"#!/bin/sh\n{lines}")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))


async def read() -> str:
    async with Box.open(Path(__file__)) as box:
        assert box.pages == 1
        return (await box.read(1)).text


@pytest.mark.usefixtures("_answers")
@pytest.mark.parametrize("_answers", [['{"pages": 1}', RESULT]], indirect=True)
async def test_a_true_answer_is_believed() -> None:
    assert await read() == "word"


@pytest.mark.usefixtures("_answers")
@pytest.mark.parametrize(
    "_answers",
    [
        [answer]
        for answer in (
            "",
            "nonsense",
            "[]",
            "{}",
            '{"pages": 0}',
            '{"pages": 2001}',
            '{"pages": 1, "secret": 2}',
            '{"error": {"slug": "page-too-large"}}',
            '{"error": {"slug": "no-such-reason"}}',
            RESULT,
        )
    ],
    indirect=True,
)
async def test_nonsense_about_the_document_is_refused() -> None:
    with pytest.raises(DocumentDamaged):
        await read()


@pytest.mark.usefixtures("_answers")
@pytest.mark.parametrize("_answers", [['{"error": {"slug": "document-encrypted"}}']], indirect=True)
async def test_a_named_reason_is_passed_on() -> None:
    with pytest.raises(DocumentEncrypted):
        await read()


@pytest.mark.usefixtures("_answers")
@pytest.mark.parametrize(
    "_answers",
    [
        ['{"pages": 1}', answer]
        for answer in (
            "nonsense",
            "{}",
            '{"pages": 1}',
            '{"error": {"slug": "document-encrypted"}}',
            '{"error": {"slug": "page-damaged", "detail": "a\\nb"}}',
            RESULT.replace('"number": 1', '"number": 2'),
            RESULT.replace('"width": 9', '"width": -1'),
            RESULT.replace('"height": 9', '"height": 1e999'),
            RESULT.replace('"ocr"', '"magic"'),
            RESULT.replace("[0, 0, 1, 1]", "[0, 0, NaN, 1]"),
            RESULT.replace("[0, 0, 1, 1]", "[0, 0, 1]"),
            RESULT.replace('"confidence": 0.5', '"confidence": 2'),
            RESULT.replace('"text": "word"', r'"text": "a\\u0000b"'),
            RESULT.replace('"text": "word"', r'"text": "\\ud800"'),
            RESULT.replace('"text": "word"', '"text": "word", "owner": "me"'),
        )
    ],
    indirect=True,
)
async def test_nonsense_about_a_page_is_refused() -> None:
    with pytest.raises(ReaderCrashed):
        await read()


async def test_an_answer_without_an_end_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "reader"
    program.write_text("#!/bin/sh\nread request\nhead -c 100000000 /dev/zero | tr '\\0' a\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(DocumentDamaged):
        await read()
