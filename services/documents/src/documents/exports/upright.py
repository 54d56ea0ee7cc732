"""A page as it would be if it had been laid on the glass straight and the right way up.

The boxes of a page are told as it is shown. Which lines are below each other can only be seen when
they are horizontal, so everything about paragraphs asks here first.
"""

import math
from collections.abc import Callable

from documents.exports.pages import Box, ReadPage

Move = Callable[[Box], Box]


def upright(page: ReadPage) -> ReadPage:
    """Return the page with all boxes turned by its rotation, and moved to undo its skew."""
    if not page.rotation and not page.skew:
        return page
    turn, slope = _turn(page), math.tan(math.radians(page.skew))

    def move(box: Box) -> Box:
        x0, y0, x1, y1 = turn(box)
        down = slope * (x0 + x1) / 2
        return x0, y0 - down, x1, y1 - down

    words = [word.model_copy(update={"bbox": move(word.bbox)}) for word in page.words]
    tables = [table.model_copy(update={"bbox": move(table.bbox)}) for table in page.tables]
    return page.model_copy(update={"words": words, "tables": tables})


def _turn(page: ReadPage) -> Move:
    """Return how a box moves when the page is turned clockwise by its rotation."""
    width, height = page.width, page.height
    moves: dict[int, Move] = {
        0: lambda box: box,
        90: lambda box: (height - box[3], box[0], height - box[1], box[2]),
        180: lambda box: (width - box[2], height - box[3], width - box[0], height - box[1]),
        270: lambda box: (box[1], width - box[2], box[3], width - box[0]),
    }
    return moves[page.rotation]
