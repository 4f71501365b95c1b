"""What a problem gives the machinery, and how the machinery gets at it.

A problem is a package below harness/problems/, named in assignment.toml. Its module `problem` holds `PROBLEM`, one
frozen value of the type below. Intake, grading and release ask that value and know no more of the problem; what they
need not ask (names, points, thresholds, audiences) stands in assignment.toml. Everything here has a default,
so a problem states only what it has.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.assignment import Assignment, Deliverable, ProblemEntry
from harness.errors import InternalError
from harness.settings import Table


@dataclass(frozen=True)
class Problem:
    """What a problem gives the machinery."""

    torch: bool = True
    """Whether its code needs torch. Where none of the graded tests to run does, torch is not even loaded."""
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Module of the students' package -> the names that the package offers from it."""
    fixtures: Mapping[str, Callable[[Path], Any]] = field(default_factory=dict)
    """Fixture of its graded tests -> made from the folder with the data."""
    generate: Callable[[Mapping[str, Any], bytes], Mapping[str, bytes]] | None = None
    """(a preset's numbers, 32 secret bytes from the term's key) -> its data files; equal arguments give equal bytes."""
    convert: Callable[[Path, Mapping[str, Any], bytes], Mapping[str, bytes]] | None = None
    """(material of staff's own in a common layout, a preset's numbers, 32 secret bytes) -> its data files."""
    check_settings: Callable[[Table], None] | None = None
    """Raises SettingsError where a setting of its own in assignment.toml cannot be."""
    check_data: Callable[[Path], None] | None = None
    """Raises UsageError, with file and line, where the data in a folder is malformed or contradicts itself."""
    check_upload: Callable[[Deliverable, bytes, Path], str | None] | None = None
    """(file, content, folder with the students' data) -> a sentence where the file cannot be graded as it is."""
    accuracies: Callable[[Path, Path], Mapping[str, float]] | None = None
    """(upload, data) -> fraction of right answers by name, of a complete upload."""
    fit: Callable[[Path, Path], float | None] | None = None
    """(upload, data) -> the fraction of right answers in its best file, even of an incomplete upload; None without any.

    Tells whose data an upload was made for: answers for other data are right by chance alone.
    """
    misfit: Callable[[Any], Callable[[Path], str]] | None = None
    """`student`, as graded tests have it -> of data, a clause on what in the upload cannot come of them; "" if all can.

    Asked where the answers do not decide whose data an upload was made for.
    """
    wrong_answers: Callable[[Deliverable, Path], Callable[[bytes], dict[int, str]]] | None = None
    """(predictions file, folder with all data) -> what reads such a file: its wrong answers, by number of the question.

    Nothing is wrong in a file that cannot be scored: that is the graded tests' to say.
    """
    handout: Callable[[Path], Mapping[str, Any]] | None = None
    """The checkout's root -> what its section of the handout may use beside what every section has."""


def problem_of(entry: ProblemEntry) -> Problem:
    """The problem that an entry of assignment.toml names.

    Raises:
        InternalError: the package has no module `problem` with a `PROBLEM`.
    """
    try:
        found = importlib.import_module(f"{entry.package}.problem").PROBLEM
    except (ImportError, AttributeError) as missing:
        raise InternalError(f"assignment.toml: problem '{entry.name}': {entry.package}.problem: {missing}") from missing
    if not isinstance(found, Problem):
        raise InternalError(f"assignment.toml: problem '{entry.name}': {entry.package}.problem.PROBLEM is no Problem")
    return found


def need_torch(assignment: Assignment, parts: Iterable[str]) -> bool:
    """Whether the code of any problem with one of these parts needs torch."""
    parts = set(parts)
    return any(problem_of(entry).torch for entry in assignment.problems if parts & entry.part_ids)


def check_settings(assignment: Assignment) -> None:
    """SettingsError, with file and line, where a problem's package is not there, or its own settings cannot be."""
    for entry in assignment.problems:
        if not _is_there(f"{entry.package}.problem"):
            table = Table(assignment.path, ("problems", entry.name), {"package": entry.package})
            table.refuse("package", "there is no such package, with a module `problem`, in this checkout")
        check = problem_of(entry).check_settings
        if check is not None:
            check(Table(assignment.path, ("problems", entry.name, "settings"), entry.settings))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # of the packages around it; what breaks while they are imported is another matter
        return False
    except (TypeError, ValueError):  # no name of a module
        return False


def exports_of(assignment: Assignment) -> dict[str, tuple[str, ...]]:
    """What the students' package offers, by module, for all problems that are on."""
    return {module: names for entry in assignment.problems for module, names in problem_of(entry).exports.items()}
