"""Every mutant with the points that it loses, largest first: what a fault costs, to be read by a person.

    python -m tests.judging.losses

Prints docs/losses.md's table. A mutant that loses more than a third of a part needs a reason in tests/judging/losses.toml.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.manifest import load
from tests.judging.cases import MUTANTS, Case, load_all, parse

TABLE, REASONS = ROOT / "docs" / "losses.md", ROOT / "tests" / "judging" / "losses.toml"

_HEAD = """# What a fault costs

Every mutant of `tests/mutants` and the points that it loses, largest first. `python -m tests.judging.losses` writes this
page. Where a mutant loses more than a third of a part, the last column says why that is right.

| mutant | points | parts | reason |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Loss:
    """What one mutant loses, by part."""

    case: Case
    parts: dict[str, float]

    @property
    def points(self) -> float:
        """In all."""
        return sum(self.parts.values())


def losses() -> list[Loss]:
    """Of every mutant, the largest first."""
    known = {graded_test.id: graded_test for graded_test in catalogue.collect(load())}
    found = []
    for case in load_all(MUTANTS):
        parts: dict[str, float] = defaultdict(float)
        for graded_test in sorted(case.fails):
            parts[known[graded_test].part] += known[graded_test].points
        found.append(Loss(case, dict(parts)))
    return sorted(found, key=lambda each: (-each.points, each.case.name))


def part_points() -> dict[str, float]:
    """What each part is worth."""
    parts: dict[str, float] = defaultdict(float)
    for graded_test in catalogue.collect(load()):
        parts[graded_test.part] += graded_test.points
    return dict(parts)


def needs_a_reason(loss: Loss, worth: dict[str, float]) -> bool:
    """Whether it loses more than a third of some part."""
    return any(points > worth[part] / 3 for part, points in loss.parts.items())


def table() -> str:
    """The page."""
    reasons, rows = parse(REASONS)["reasons"], []
    for each in losses():
        parts = ", ".join(f"{part} {points:g}" for part, points in each.parts.items())
        rows.append(f"| {each.case.name} | {each.points:g} | {parts} | {reasons.get(each.case.name, '')} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    sys.exit(0)
