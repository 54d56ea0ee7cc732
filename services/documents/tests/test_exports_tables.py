"""Tables, as a spreadsheet opens them."""

import asyncio
import csv
import tempfile
from collections.abc import Awaitable, Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import httpx
import pytest
from common.testing import eventually
from documents.exports.csv_tables import harmless
from hypothesis import given
from hypothesis import strategies as st

LetRead = Callable[..., Awaitable[list[str]]]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "-A1",
    "--1",
    "=-12.50",
]
HARMLESS = [
    "-12.50",
    "+3",
    "- 12,50 €",
    "-1.234.567,89",
    "-€5",
    "+49 30 1234567",
    "-5%",
    "-",
    "a-b",
]


def page(number: int, *tables: tuple[list[str], list[list[str]]]) -> dict[str, Any]:
    found = [{"bbox": [0, 0, 9, 9], "headers": head, "rows": rows} for head, rows in tables]
    fixed = {"number": number, "width": 100, "height": 100, "source": "ocr", "confidence": 1}
    return {**fixed, "text": "", "words": [], "tables": found}


def sheets(workbook: bytes) -> dict[str, list[list[str]]]:
    """Return the rows of a workbook's sheets; every cell must be a string, and nothing else."""
    found = {}
    with ZipFile(BytesIO(workbook)) as archive:
        assert archive.testzip() is None
        assert not [name for name in archive.namelist() if "rels" in name and "sheet" in name]
        names = [
            str(sheet.get("name"))
            for sheet in ET.fromstring(archive.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
        for number, name in enumerate(names, 1):
            root = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(root.iter(f"{MAIN}f"))
            assert not list(root.iter(f"{MAIN}hyperlink"))
            assert {cell.get("t") for cell in root.iter(f"{MAIN}c")} <= {"inlineStr"}
            found[name] = [
                ["".join(cell.itertext()) for cell in row.iter(f"{MAIN}c")]
                for row in root.iter(f"{MAIN}row")
            ]
    return found


@pytest.fixture
def export(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead
) -> Callable[..., Awaitable[bytes]]:
    async def export(kind: str, *pages: dict[str, Any] | None) -> bytes:
        await let_read(document, *pages)
        return (await client.get(f"/documents/{document['id']}/export?format={kind}")).content

    return export


async def test_csv_has_an_empty_line_between_two_tables(
    export: Callable[..., Awaitable[bytes]],
) -> None:
    first = (["Item", "Net"], [["Tea, black", "-12.50"], ['"Rum"']])
    second: tuple[list[str], list[list[str]]] = ([], [["two\nlines", "ü"]])
    data = await export("csv", page(1), page(2, first, ([], [])), None, page(4, second))

    assert data.decode() == (
        'Item,Net\r\n"Tea, black",-12.50\r\n"""Rum""",\r\n\r\n,\r\ntwo lines,ü\r\n'
    )


async def test_without_tables_there_is_an_empty_file(
    export: Callable[..., Awaitable[bytes]],
) -> None:
    assert await export("csv", page(1)) == b""


@pytest.mark.parametrize("cell", FORMULAS)
def test_formulas_become_text(cell: str) -> None:
    formula = cell.strip()
    assert harmless([cell, "x", cell]) == [f"'{formula}", "x", f"'{formula}"]
    assert harmless([f"x;{formula};y", f"; {formula}"]) == [f"x;'{formula};y", f"; '{formula}"]


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_stay_numbers(cell: str) -> None:
    assert harmless([cell, cell, f"x;{cell};{cell}"]) == [cell, cell, f"x;{cell};{cell}"]
    assert harmless(["Tea (black)", cell]) == ["Tea (black)", cell]


def test_a_number_is_no_beginning_of_a_formula_that_the_next_cell_completes() -> None:
    """Where a comma is in numbers, the line "-1,5+cmd|…" is one formula in one cell."""
    rest = "5+cmd|' /C calc'!A0"
    assert harmless(["-1", rest]) == ["'-1", rest]
    assert harmless(["x", "y;-1", rest]) == ["x", "y;'-1", rest]
    assert harmless(["x", "-1", rest]) == ["x", "-1", rest]


@given(st.lists(st.text(st.sampled_from("=+-@;\"',|(\t\r\n 1a"))))
def test_no_cell_is_a_formula_however_the_line_is_split(row: list[str]) -> None:
    lines = StringIO()
    csv.writer(lines).writerow(harmless(row))
    for delimiter in ",;":
        for cells in csv.reader(StringIO(lines.getvalue()), delimiter=delimiter):
            for cell in (cell.strip() for cell in cells):
                assert not cell.startswith(("=", "@"))
                assert not cell.startswith(("+", "-")) or not {"(", "|"} & set(cell)


async def test_a_workbook_has_a_sheet_for_each_table_with_nothing_but_strings(
    export: Callable[..., Awaitable[bytes]],
) -> None:
    cells = [*FORMULAS, *HARMLESS, "http://example.com", "mailto:a@example.com", "0012", "1e5"]
    cells += ["{=1}", "<f>1</f>", "TRUE", "2026-11-21", "#REF!"]
    first, second = (cells, [cells]), (["b"], [["\ud83d\ude00 ü & <"]])
    book = sheets(await export("xlsx", page(1, first, second), None, page(3, ([], []))))

    shown = [cell.replace("\r", "\n") for cell in cells]
    assert [[cell.replace("_x000D_", "\n") for cell in row] for row in book["Page 1 table 1"]] == [
        shown,
        shown,
    ]
    assert book["Page 1 table 2"] == [["b"], ["😀 ü & <"]]
    assert book["Missing pages"] == [["Page", "Why it was not read"], ["2", "Too slow"]]
    assert len(book) == 3


async def test_tables_beyond_the_fiftieth_share_a_sheet(
    export: Callable[..., Awaitable[bytes]],
) -> None:
    tables = [([f"head {number}"], [[f"{number}"]]) for number in range(60)]
    book = sheets(await export("xlsx", page(1, *tables)))

    assert len(book) == 51
    assert book["Page 1 table 50"] == [["head 49"], ["49"]]
    rows = book["More tables 1"]
    assert rows[:4] == [["Page 1 table 51"], ["head 50"], ["50"], ["Page 1 table 52"]]
    assert rows[-1] == ["59"]


async def test_a_workbook_without_tables_says_so(export: Callable[..., Awaitable[bytes]]) -> None:
    book = sheets(await export("xlsx", page(1)))
    assert book == {"No tables": [["The document has no tables."]]}


async def test_a_cell_that_is_too_long_for_excel_is_cut_visibly(
    export: Callable[..., Awaitable[bytes]],
) -> None:
    book = sheets(await export("xlsx", page(1, (["x" * 40_000], []))))
    assert book["Page 1 table 1"] == [["x" * 32_766 + "…"]]


async def test_the_same_tables_make_the_same_bytes_and_nothing_stays_behind(
    export: Callable[..., Awaitable[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pages = page(1, (["a"], [["b"]]))

    assert await export("xlsx", pages) == await export("xlsx", pages)

    async def tidy() -> bool:
        return not list(tmp_path.iterdir())

    await eventually(tidy)


async def test_a_client_that_leaves_leaves_nothing_behind(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    let_read: LetRead,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await let_read(document, *(page(number, (["a"], [["b"]])) for number in range(1, 40)))
    url = f"/documents/{document['id']}/export?format=xlsx"

    async def begun() -> bool:
        return bool(list(tmp_path.iterdir()))

    async def tidy() -> bool:
        return not list(tmp_path.iterdir())

    leaving = asyncio.create_task(client.get(url))
    await eventually(begun)
    leaving.cancel()
    await eventually(tidy)
