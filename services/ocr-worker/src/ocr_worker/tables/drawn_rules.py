"""Finds the lines that a PDF page draws, without drawing it.

A line of a table is stroked, or filled as a thin rectangle, or the edge of a cell's background;
a table may be one path or thousands. Curves and slanted lines belong to drawings.
"""

import ctypes
from collections.abc import Iterator

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from ocr_worker.page_frame import PageFrame
from ocr_worker.tables.geometry import Rule

_MOST_OBJECTS = 20_000  # as in `page_content`: more of them are a drawing
_MOST_RULES = 4_000  # a table of a hundred rows and thirty columns, each cell with a background
_MOST_OTHERS = 400  # slanted or very short ones make a map or a diagram
_MORE_OTHERS = 8  # of one path, which draws something else if they are the most of it
_DEEPEST = 4
_SHORTEST = 4.0
_SLANT = 0.5  # points by which the ends of a line may be off

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]
_AS_IT_IS: Matrix = (1, 0, 0, 1, 0, 0)


def drawn_rules(page: PdfPage, frame: PageFrame) -> list[Rule]:
    """Return the horizontal and vertical lines of a page, in points as it is shown.

    A page with more lines than any table, or with many of another kind, has none at all.
    """
    rules: list[Rule] = []
    all_others = 0
    for path, matrix in _paths(page):
        others = 0
        length = 0.0  # of the lines, less that of the others
        for start, end in _stretches(path, matrix):
            left, right = sorted((start[0], end[0]))
            bottom, top = sorted((start[1], end[1]))
            across, upwards = right - left, top - bottom
            if min(across, upwards) <= _SLANT and max(across, upwards) >= _SHORTEST:
                length += across + upwards
                rules.append(Rule(*frame.shown((left, bottom, right, top))))
                continue
            others += 1
            length -= across + upwards
            if others >= _MORE_OTHERS and length < 0:
                break
        if length < 0:
            all_others += others
        if all_others > _MOST_OTHERS or len(rules) > _MOST_RULES:
            return []
    return rules


def _paths(page: PdfPage) -> Iterator[tuple[object, Matrix]]:
    handle = page.raw
    count = min(pdfium.FPDFPage_CountObjects(handle), _MOST_OBJECTS)
    for index in range(count):
        yield from _paths_in(pdfium.FPDFPage_GetObject(handle, index), _AS_IT_IS, 0)


def _paths_in(item: object, outer: Matrix, depth: int) -> Iterator[tuple[object, Matrix]]:
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind == pdfium.FPDF_PAGEOBJ_PATH:
        yield item, _matrix(item, outer)
    elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
        inner = _matrix(item, outer)
        count = min(pdfium.FPDFFormObj_CountObjects(item), _MOST_OBJECTS)
        for index in range(count):
            yield from _paths_in(pdfium.FPDFFormObj_GetObject(item, index), inner, depth + 1)


def _matrix(item: object, outer: Matrix) -> Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, found):
        return outer
    a, b, c, d, e, f = found.a, found.b, found.c, found.d, found.e, found.f
    oa, ob, oc, od, oe, of = outer
    return (
        *(a * oa + b * oc, a * ob + b * od, c * oa + d * oc, c * ob + d * od),
        *(e * oa + f * oc + oe, e * ob + f * od + of),
    )


def _stretches(path: object, matrix: Matrix) -> Iterator[tuple[Point, Point]]:
    """Yield the ends of each stretch of a path, up to the first curve."""
    x, y = ctypes.c_float(), ctypes.c_float()
    a, b, c, d, e, f = matrix
    start = here = (0.0, 0.0)
    for index in range(min(pdfium.FPDFPath_CountSegments(path), _MOST_OBJECTS)):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            return
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield here, point
        here = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield here, start
            here = start
