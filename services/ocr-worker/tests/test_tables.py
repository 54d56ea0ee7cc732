"""Tables come out as people see them: their rows, their columns, and nothing that is no table."""

from collections.abc import Sequence
from pathlib import Path
from time import process_time

import pypdfium2
import pytest
from corpus import digital
from hypothesis import given, settings
from hypothesis import strategies as st
from ocr_worker.box import Box
from ocr_worker.pages import Table
from ocr_worker.reading import ReadWord
from ocr_worker.tables.alignment import aligned_tables
from ocr_worker.tables.cells import ruled_tables
from ocr_worker.tables.geometry import Rule
from ocr_worker.tables.grid import Grid
from pdf_files import page_of_text

SENATE, NICS, PRECINCT = (
    "senate-expenditures.pdf",
    "nics-background-checks-2015-11.pdf",
    "la-precinct-bulletin-2014-p1.pdf",
)
DESCRIPTION = "AIRFARE FOR E JOHNSON KANSAS CITY TO WASHINGTON DC AND RETURN"


async def tables_in(path: Path, page: int = 1) -> tuple[Table, ...]:
    async with Box.open(path) as box:
        return (await box.read(page)).tables


async def only_table(content: bytes, tmp_path: Path) -> Table:
    path = tmp_path / "document"
    path.write_bytes(content)
    (table,) = await tables_in(path)
    return table


def ruling(xs: Sequence[int], ys: Sequence[int]) -> bytes:
    """Return the operators that draw the lines of a table."""
    level = (b"%d %d m %d %d l S\n" % (xs[0], y, xs[-1], y) for y in ys)
    upright = (b"%d %d m %d %d l S\n" % (x, ys[0], x, ys[-1]) for x in xs)
    return b"".join([*level, *upright])


def texts(*placed: tuple[int, int, str]) -> bytes:
    shown = (b"1 0 0 1 %d %d Tm (%s) Tj\n" % (x, y, text.encode()) for x, y, text in placed)
    return b"BT /F 10 Tf\n" + b"".join(shown) + b"ET\n"


async def test_a_body_without_lines_is_divided_by_its_header() -> None:
    (table,) = await tables_in(digital(SENATE))
    assert table.headers == (
        *("DOCUMENT NO.", "DATE POSTED", "PAYEE NAME", "OBLIGATION/SERVICE DATES START"),
        *("OBLIGATION/SERVICE DATES END", "DESCRIPTION", "AMOUNT ($)"),
    )
    assert len(table.rows) == 37
    assert table.rows[0] == ("", "", "BAIN, J MATTHEW", "", "", "DISTRICT DIRECTOR", "37,499.96")
    assert table.rows[10] == (
        *("DHAW20190001", "05/03/2019", "CITIBANK - TRAVEL CBA CARD", "03/04/2019", "03/06/2019"),
        f"STAFF TRANSPORTATION\n{DESCRIPTION}",
        "920.68",
    )


async def test_five_rows_in_one_box_are_five_rows() -> None:
    (table,) = await tables_in(digital(NICS))
    assert len(table.rows) == 56  # states, territories, and the totals
    assert {len(row) for row in table.rows} == {len(table.headers)} == {25}
    assert table.headers[:8] == (
        *("State / Territory", "Permit", "Handgun", "Long Gun", "*Other", "**Multiple", "Admin"),
        "Pre-Pawn Handgun",
    )
    assert table.rows[1][:4] == ("Alaska", "209", "3,062", "3,209")
    assert (table.rows[-1][0], table.rows[-1][-1]) == ("Totals", "2,236,457")
    # Who adds up the permits of the states finds the total: no row is missing or twice.
    permits = [int(row[1].replace(",", "").replace(" ", "")) for row in table.rows]
    assert sum(permits[:-1]) == permits[-1]


async def test_columns_of_their_own_stay_apart() -> None:
    (table,) = await tables_in(digital(PRECINCT))
    assert len(table.headers) == 4
    assert ("NEEL KASHKARI REP 247", "NO 142", "NO 105", "NO 216") in table.rows
    assert table.rows[-1] == ("TOM LACKEY REP 249", "", "", "")


@pytest.mark.parametrize("name", ["pdflatex-4-pages.pdf", "scotus-transcript-p1.pdf", "habibi.pdf"])
async def test_text_is_no_table(name: str) -> None:
    async with Box.open(digital(name)) as box:
        for number in range(1, box.pages + 1):
            assert (await box.read(number)).tables == ()


async def test_a_book_of_drawings_has_hardly_a_table() -> None:
    async with Box.open(digital("GeoTopo-komprimiert.pdf")) as box:
        found = [number for number in range(1, 118) if (await box.read(number)).tables]
    assert len(found) <= 2


async def test_a_wrapped_text_stays_in_its_cell(tmp_path: Path) -> None:
    words = texts(
        *((55, 675, "Item"), (255, 675, "Terms")),
        *((55, 645, "A long name"), (255, 645, "Payment within"), (255, 633, "two weeks of")),
        *((55, 633, "that goes on"), (255, 621, "the delivery")),
        *((55, 585, "Short"), (255, 585, "None")),
    )
    table = await only_table(
        page_of_text(ruling((50, 250, 500), (690, 665, 600, 570)) + words), tmp_path
    )
    assert table.headers == ("Item", "Terms")
    assert table.rows == (
        ("A long name\nthat goes on", "Payment within\ntwo weeks of\nthe delivery"),
        ("Short", "None"),
    )
    assert table.bbox == pytest.approx((50, 102, 500, 222), abs=1)


@pytest.mark.parametrize("rotation", [90, 180, 270])
async def test_a_table_on_a_turned_page_is_read_as_it_is_shown(
    rotation: int, tmp_path: Path
) -> None:
    turn = {90: b"0 1 -1 0 612 0", 180: b"-1 0 0 -1 612 792", 270: b"0 -1 1 0 0 792"}[rotation]
    drawn = ruling((50, 150, 250), (500, 480, 460)) + texts(
        *((60, 486, "Name"), (160, 486, "Sum"), (60, 466, "Anna"), (160, 466, "12")),
    )
    table = await only_table(
        page_of_text(b"q %s cm %s Q" % (turn, drawn), entries=b"/Rotate %d" % rotation), tmp_path
    )
    assert (table.headers, table.rows) == (("Name", "Sum"), (("Anna", "12"),))


async def test_a_list_of_prices_needs_no_lines(tmp_path: Path) -> None:
    lines = [("Pos", "Article", "Price"), ("1", "Screws", "4.20"), ("2", "Nails", "11.00")]
    lines += [("3", "Hammer", "23.50")]
    placed = [
        (x, 600 - 15 * row, text)
        for row, line in enumerate(lines)
        for x, text in zip((60, 120, 300), line, strict=True)
    ]
    placed.append((60, 400, "Thank you for buying from us, and please come back again soon."))
    table = await only_table(page_of_text(texts(*placed)), tmp_path)
    assert (table.headers, table.rows) == (lines[0], tuple(lines[1:]))


async def test_a_frame_around_a_text_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "document"
    lines = texts(*((60, 600 - 12 * row, "Some words in a frame.") for row in range(5)))
    path.write_bytes(page_of_text(ruling((50, 400), (620, 520)) + lines))
    assert await tables_in(path) == ()


async def test_a_scanned_table_is_read_like_a_digital_one(tmp_path: Path) -> None:
    page = pypdfium2.PdfDocument(digital(SENATE))[0]
    path = tmp_path / "document"
    page.render(scale=300 / 72, grayscale=True).to_pil().save(path, "PNG", dpi=(300, 300))
    (table,) = await tables_in(path)
    assert table.headers == (await tables_in(digital(SENATE)))[0].headers
    assert 36 <= len(table.rows) <= 38
    (row,) = (row for row in table.rows if row[0] == "DHAW20190001")
    assert (row[1], row[3], row[6]) == ("05/03/2019", "03/04/2019", "920.68")
    assert DESCRIPTION in row[5]


@st.composite
def grids(draw: st.DrawFn) -> list[list[str]]:
    cell = st.text(alphabet="abcdefg", min_size=1, max_size=6)
    columns = draw(st.integers(2, 5))
    row = st.lists(cell, min_size=columns, max_size=columns)
    return draw(st.lists(row, min_size=2, max_size=6))


@settings(deadline=None)  # the first one loads pdfplumber
@given(grids())
def test_a_fully_ruled_table_comes_out_as_it_went_in(rows: list[list[str]]) -> None:
    across, down = 80.0, 20.0
    words = [
        ReadWord(text, (x * across + 5, y * down + 5, x * across + 50, y * down + 15), 1)
        for y, line in enumerate(rows)
        for x, text in enumerate(line)
    ]
    width, height = across * len(rows[0]), down * len(rows)
    rules = [Rule(0, y * down, width, y * down) for y in range(len(rows) + 1)]
    rules += [Rule(x * across, 0, x * across, height) for x in range(len(rows[0]) + 1)]
    (cells,) = ruled_tables(rules, near=3)
    table = Grid(cells, words).table()
    assert table is not None
    assert [table.headers, *table.rows] == rows
    assert table.bbox == (0, 0, width, height)


PLACE = st.integers(0, 60).map(float)
BOX = st.tuples(PLACE, PLACE, st.integers(0, 40), st.integers(0, 12)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@settings(deadline=None)
@given(st.lists(BOX, max_size=30), st.lists(st.tuples(st.sampled_from(["a", "7", "|"]), BOX)))
def test_lines_and_words_anywhere_do_no_harm(
    lines: list[tuple[float, float, float, float]],
    placed: list[tuple[str, tuple[float, float, float, float]]],
) -> None:
    rules = [Rule(x0, y0, x1, y0) for x0, y0, x1, _ in lines]
    rules += [Rule(x0, y0, x0, y1 + 30) for x0, y0, _, y1 in lines]
    words = [ReadWord(text, box, 1) for text, box in placed]
    for cells in [*ruled_tables(rules, near=3), *aligned_tables(words)]:
        table = Grid(cells, words).table()
        if table is not None:
            assert {len(row) for row in table.rows} == {len(table.headers)}


def test_no_number_of_lines_takes_for_ever() -> None:
    rules = [Rule(0, 4.0 * y, 800, 4.0 * y) for y in range(1_000)]
    rules += [Rule(4.0 * x, 0, 4.0 * x, 4_000) for x in range(200)]
    began = process_time()
    assert ruled_tables(rules, near=3) == []
    assert process_time() - began < 2
