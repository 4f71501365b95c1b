"""The staff handout: answers and rubrics, which never enter a student artefact.

Promises: answers to problem 3 are taken from the solved written part, so that no second copy of them can go stale; a
question without an answer or without a rubric is an error. Points come from assignment.toml.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assignment import ROOT, Assignment, Part, ProblemEntry
from harness.errors import UsageError
from harness.grading.catalogue import GradedTest
from harness.points import shared
from harness.release.handouts import handouts
from harness.release.handouts.written import as_markdown
from harness.release.strip.blocks import PERCENT, scan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEMPLATE = "staff.md.j2"
NAMES = ("staff.pdf", "staff.html")
REFERENCE = ROOT / "reference_solution"

_ANSWER = re.compile(r"\\begin\{answer\}\{(?P<label>[^}]+)\}")
_KINDS = ("basic", "hidden")


@dataclass(frozen=True)
class Question:
    """A question of the written part: its label (3c ii), a title, its points in words, and what earns how much."""

    label: str
    title: str
    points: str
    rubric: str


def build(
    out: Path,
    graded_tests: Sequence[GradedTest],
    assignment: Assignment,
    sources: Path = handouts.SOURCES,
    reference: Path = REFERENCE,
) -> tuple[Path, ...]:
    """Write the staff handout, as a draft, into the folder `out`; its files' paths. Raises as `handouts.build` does."""
    context = handouts.context_of(graded_tests, assignment, sources)
    return handouts.write(handout(context, graded_tests, assignment, sources, reference, handouts.DRAFT), out)


def handout(
    context: Mapping[str, Any],
    graded_tests: Sequence[GradedTest],
    assignment: Assignment,
    sources: Path,
    reference: Path,
    release: str,
) -> dict[str, bytes]:
    """The staff handout by file name; `context` is what every handout may use. Raises as `handouts.build` does."""
    more = {
        "heading": "Answers and rubrics, for staff",
        "written": {each.name: _written(each, sources, reference) for each in assignment.problems if each.written},
        "points": {kind: {part.id: _sum(graded_tests, part.id, kind) for part in assignment.parts} for kind in _KINDS},
    }
    return handouts.typeset(sources, TEMPLATE, {**context, **more}, release)


def check(assignment: Assignment, sources: Path, reference: Path) -> None:
    """UsageError where a rubric, or the solved written part that it is for, cannot be used."""
    for entry in assignment.problems:
        if entry.written:
            _written(entry, sources, reference)


def _written(entry: ProblemEntry, sources: Path, reference: Path) -> dict[str, Any]:
    """Questions and answers of the written part of a problem."""
    rubric, solved = sources / f"{entry.name}.rubric.toml", reference / entry.written
    questions, answers = load_rubric(rubric, (*entry.parts, *entry.parts_off)), load_answers(solved)
    labels = [question.label for question in questions]
    if sorted(labels) != sorted(answers):
        odd = ", ".join(sorted(set(labels) ^ set(answers)))
        raise UsageError(f"{rubric}: {odd} has a rubric here or an answer in {solved.name}, but not both")
    off = tuple(part.id for part in entry.parts_off)
    return {"questions": [each for each in questions if not each.label.startswith(off)], "answers": answers}


def load_answers(tex: Path) -> dict[str, str]:
    """The answers in the solved written part, as Markdown by the labels of their questions.

    Raises:
        UsageError: the file is missing, a block is broken, or an answer has no label.
    """
    try:
        lines = tex.read_text(encoding="utf-8").split("\n")
    except OSError as problem:
        raise UsageError(f"{tex}: cannot read the solved written part ({problem.strerror})") from problem
    found = scan(tex.name, lines, PERCENT)
    if found.findings:
        raise UsageError(f"{tex}: {found.findings[0]}")
    bodies = {}
    for block in found.blocks:
        labels = [match["label"] for line in lines[: block.start] if (match := _ANSWER.search(line))]
        if not labels or labels[-1] in bodies:
            raise UsageError(f"{tex}:{block.start}: this block has no answer environment of its own")
        bodies[labels[-1]] = "\n".join(line for line in block.body if not line.lstrip().startswith("%"))
    return dict(zip(bodies, as_markdown(tex, list(bodies.values())), strict=True))


def load_rubric(path: Path, parts: Sequence[Part]) -> list[Question]:
    """The questions of a rubric, for a problem with these parts.

    Raises:
        UsageError: it cannot be read, or its points are not those of the parts in assignment.toml.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the rubric ({problem.strerror})") from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not valid TOML: {problem}") from problem
    try:
        rows = [dict(row) for row in raw["questions"]]
        for part in parts:
            own = [row for row in rows if row["label"].startswith(part.id)]
            _check_sum(path, part, sum(row["points"] for row in own))
            if part.declared is not None:
                for row, points in zip(own, _shared(path, part, [row["points"] for row in own]), strict=True):
                    row["points"] = points
        return [Question(row["label"], row["title"], _worth(row["points"]), row["rubric"].strip()) for row in rows]
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{path}: missing or misshapen key: {problem}") from problem


def _check_sum(path: Path, part: Part, points: int) -> None:
    wanted = part.points if part.declared is None else part.declared
    if points != wanted:
        raise UsageError(f"{path}: {part.id} has {points} points here, {wanted} in assignment.toml")


def _shared(path: Path, part: Part, weights: Sequence[float]) -> list[float]:
    """The points that a profile gives to a part, by question."""
    try:
        return shared(part.points, weights)
    except ValueError as problem:
        raise UsageError(f"{path}: {part.id}: {problem}") from problem


def _worth(points: float) -> str:
    return f"{points:g} {'point' if points == 1 else 'points'}" if points else ""


def _sum(graded_tests: Sequence[GradedTest], part: str, kind: str) -> str:
    return f"{sum(each.points for each in graded_tests if each.part == part and each.kind == kind):g}"
