"""Makes cells out of lines, with the geometry of pdfplumber."""

from typing import Any

from ocr_worker.reading import Bbox
from ocr_worker.tables.geometry import Rule

_MOST_CROSSINGS = 6_000  # 30 columns and 200 rows; pdfplumber looks at all of them at once
_FEWEST_RULES = 3  # of each direction: two cells side by side, or a header above a row


def ruled_tables(rules: list[Rule], *, near: float) -> list[list[Bbox]]:
    """Return the cells of each table that the lines draw, from the top to the bottom.

    Lines that are not further apart than `near` count as one, and so do their ends.
    """
    level = sum(rule.horizontal for rule in rules)
    if level < 2 or len(rules) - level < 2 or len(rules) < _FEWEST_RULES + 2:
        return []
    # It takes a quarter of a second to load, and most documents have no such page.
    from pdfplumber import table as pdfplumber  # noqa: PLC0415

    edges = pdfplumber.merge_edges(
        [_edge(rule) for rule in rules],
        snap_x_tolerance=near,
        snap_y_tolerance=near,
        join_x_tolerance=near,
        join_y_tolerance=near,
    )
    level = sum(edge["orientation"] == "h" for edge in edges)
    if level * (len(edges) - level) > _MOST_CROSSINGS:
        return []
    crossings = pdfplumber.edges_to_intersections(edges, x_tolerance=near, y_tolerance=near)
    cells = pdfplumber.intersections_to_cells(crossings)
    tables: list[list[Bbox]] = pdfplumber.cells_to_tables(cells)
    return tables


def _edge(rule: Rule) -> dict[str, Any]:
    x0, y0, x1, y1 = rule
    if rule.horizontal:
        y0 = y1 = (y0 + y1) / 2
    else:
        x0 = x1 = (x0 + x1) / 2
    return {
        "x0": x0,
        "x1": x1,
        "top": y0,
        "bottom": y1,
        "width": x1 - x0,
        "height": y1 - y0,
        "orientation": "h" if rule.horizontal else "v",
    }
