"""Runs the stages that make sense of a document, those of other packages included.

A stage is a function that is given the pages and what is understood so far, and returns what is
understood then. Packages announce theirs as entry points of the group `quire.understanding`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import structlog

from ocr_worker.pages import PageResult
from ocr_worker.understanding.findings import Understanding

GROUP = "quire.understanding"
BUILT_IN = "rules"

Stage = Callable[[Sequence[PageResult], Understanding], Understanding]

logger = structlog.get_logger(__name__)


def understand(pages: Sequence[PageResult]) -> Understanding:
    """Return what the stages understand of the pages of a document, in their order.

    The built-in rules come first, then the others by name. A stage that fails is left out. It
    takes some milliseconds of computing for each page that is looked at, so it belongs in a thread.
    """
    so_far = Understanding()
    for point in _stages():
        try:
            stage: Stage = point.load()
            so_far = Understanding.model_validate(stage(pages, so_far), strict=True)
        except Exception:  # a stage from outside must not cost the document what others found
            logger.exception("stage failed", stage=point.name)
    return so_far


@cache
def _stages() -> Sequence[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name != BUILT_IN, point.name))
