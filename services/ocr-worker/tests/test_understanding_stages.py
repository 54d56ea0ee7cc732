"""Other packages add stages of their own by an entry point."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ocr_worker.understanding import FieldName, understand
from ocr_worker.understanding.stages import _stages
from paper import paper

Install = Callable[[str, str], None]

_ADDS_A_FIELD = """
from ocr_worker.understanding import FoundField

def stage(pages, so_far):
    number = so_far.fields["number"]
    seen = FoundField(value="yes", text=number.text, page=1, bbox=None, confidence=0.5)
    return so_far.model_copy(update={"fields": {**so_far.fields, "approved": seen}})
"""
_FAILS = "def stage(pages, so_far):\n    raise RuntimeError('oh')\n"
_RETURNS_NONSENSE = "def stage(pages, so_far):\n    return {'document_type': 'invoice'}\n"
_CANNOT_BE_IMPORTED = "import no_such_module\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    def install(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[quire.understanding]\n{name} = {name}:stage\n")
        _stages.cache_clear()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    _stages.cache_clear()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_a_stage_adds_to_what_the_rules_found(install: Install) -> None:
    install("a_stage_that_approves", _ADDS_A_FIELD)
    fields = understand([paper("en-invoice-uk").page()]).fields
    assert fields["approved"].value == "yes"
    assert fields[FieldName.NUMBER].value == "TV-20931"


@pytest.mark.parametrize("code", [_FAILS, _RETURNS_NONSENSE, _CANNOT_BE_IMPORTED])
def test_a_stage_that_fails_costs_nothing_but_itself(install: Install, code: str) -> None:
    pages = [paper("en-invoice-uk").page()]
    before = understand(pages)
    install("a_stage_that_fails", code)
    install("b_stage_that_approves", _ADDS_A_FIELD)
    after = understand(pages)
    assert "approved" in after.fields
    assert before.fields.items() <= after.fields.items()
