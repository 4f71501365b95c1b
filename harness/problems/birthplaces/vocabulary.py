"""Whether an upload can come from models of a dataset, by the characters that they know. For staff; says no more.

A model knows the characters of its own wiki.txt, and can write no others. How many it knows stands in the shape of its
embedding; which ones, in part, in what it answers. Two datasets may well have equally many, so the number speaks
against a dataset and never for one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from harness.errors import HoldoutError
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.predictions import PredictionsError, parse
from harness.probes import files
from harness.problems.birthplaces.questions import Gold

#: One character that somebody's editor put there is no vocabulary.
_LEAST_LINES = 3
_MOST_SHOWN = 5


def misfit(student: Student) -> Callable[[Path], str]:
    """Read the upload; gives what says of data what in it no model of theirs can make.

    That raises UsageError where the data cannot be read.
    """
    counts, lines = _counts(student), _lines(student)

    def of(data: Path) -> str:
        known = Gold(data).vocabulary
        told = []
        if counts and len(known) not in counts:
            told.append(f"its models know {' or '.join(map(str, sorted(counts)))} characters, not {len(known)}")
        odd = _odd(lines, known)
        if odd:
            told.append(f"its answers hold {' '.join(sorted(odd)[:_MOST_SHOWN])}, which wiki.txt does not")
        return ", and ".join(told)

    return of


def _counts(student: Student) -> set[int]:
    """How many characters the models of the upload know, by the files that can be read."""
    names = [name for name in student.submission.present if name.endswith(".params")]
    if not names:
        return set()
    try:
        described = student.read(files.state_dicts, names=names)
    except (Failure, HoldoutError):  # what ends a worker here ends it in the graded tests, which say so
        return set()
    shapes = (each["shapes"].get("tok_emb.weight", ()) for each in described.values())
    return {shape[0] for shape in shapes if len(shape) == 2}


def _lines(student: Student) -> list[str]:
    found: list[str] = []
    for name, path in student.submission.present.items():
        if name.endswith(".predictions"):
            with suppress(PredictionsError):
                found += parse(path.read_bytes())
    return found


def _odd(lines: Collection[str], known: Collection[str]) -> set[str]:
    """The characters of answers that a model with this vocabulary cannot write; none where a line or two have them."""
    other = [set(line) - {*known} for line in lines]
    return set().union(*other) if sum(map(bool, other)) >= _LEAST_LINES else set()
