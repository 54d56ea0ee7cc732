"""What a reader says of a PDF is checked as all that it says."""

import sys
from pathlib import Path

import pytest
from ocr_worker.box import Box
from ocr_worker.errors import ReaderCrashed
from ocr_worker.inspections import look

LOOK = '"width": 9, "height": 9, "rotation": 0, "text": "word", "tables": [], "pictures": []'


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        "nonsense",
        '{"inspected": {}}',
        '{"inspected": {"metadata": {}, "encrypted": false}}',
        f'{{"inspected": {{"number": 2, {LOOK}}}}}',
        f'{{"inspected": {{"number": 1, "secret": 1, {LOOK}}}}}',
        '{"pages": 1}',
        '{"error": {"slug": "no-such-reason"}}',
    ],
)
async def test_what_a_reader_says_of_a_page_is_believed_only_if_it_makes_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    program = tmp_path / "reader"
    answers = ('{"pages": 1}', f'{{"inspected": {{"number": 1, {LOOK}}}}}', answer)
    lines = "".join(f"read request\necho '{each}'\n" for each in answers)
    program.write_text(f"#!/bin/sh\n{lines}")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))

    async with Box.open(Path(__file__)) as box:
        assert (await look(box, 1)).text == "word"
        with pytest.raises(ReaderCrashed):
            await look(box, 1)
