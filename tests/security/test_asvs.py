"""The page on OWASP ASVS answers every requirement, and each test that it names exists."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security/asvs.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w./-]+\.py)::(\w+)`", PAGE)))

# The sections, and the level of each of their requirements; those of level 3 come last in all.
SECTIONS = (
    "6.1:122 6.2:111111112222 6.3:1122 6.4:1122 6.5:22222 6.6:222 6.8:2222 "
    "7.1:222 7.2:1111 7.3:22 7.4:11222 7.5:22 7.6:22 9.1:111 9.2:1222 10.4:11111222222"
)


@dataclass(frozen=True)
class Requirement:
    """A row of the tables."""

    id: str
    level: str
    asks: str
    how: str
    shown_by: str

    @property
    def answer(self) -> str:
        for answer in ("not applicable", "not met"):
            if re.match(rf"(\*\*)?{answer}(\*\*)?, because \S", self.shown_by):
                return answer
        return "met" if "::" in self.shown_by else ""


REQUIREMENTS = [
    Requirement(*(cell.strip() for cell in line.strip("|").split("|")))
    for line in PAGE.splitlines()
    if re.match(r"\| \d+\.\d+\.\d+ \|", line)
]


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_requirement_is_there_once() -> None:
    sections = [section.split(":") for section in SECTIONS.split()]
    expected = [(f"{name}.{n}", at) for name, levels in sections for n, at in enumerate(levels, 1)]
    assert [(requirement.id, requirement.level) for requirement in REQUIREMENTS] == expected


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.id)
def test_a_requirement_is_answered(requirement: Requirement) -> None:
    assert requirement.answer, "name a test, or why it is not applicable or not met"


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in functions(path)


def test_the_page_counts_right() -> None:
    count = Counter(requirement.answer for requirement in REQUIREMENTS)
    assert f"{len(REQUIREMENTS)} requirements {count['met']} are met" in PAGE
    assert f"{count['not applicable']} do not apply and {count['not met']} are not met." in PAGE
