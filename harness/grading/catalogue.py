"""The list of all graded tests: ID, title, points, part and kind, read from the graded tests themselves.

Importing the graded tests is safe and light: they are ours, and they import neither torch nor anything of a student.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal

from harness.assignment import SPLITS, Assignment, Part, percent
from harness.errors import InternalError, SettingsError, UsageError
from harness.points import shared

Kind = Literal["basic", "hidden"]
PACKAGES: dict[Kind, str] = {"basic": "harness.tests_basic", "hidden": "harness.tests_hidden"}
_THRESHOLD = re.compile(rf"\{{(?P<name>\w+)\.(?P<split>{'|'.join(SPLITS)})\}}")
_ID = re.compile(r"(?P<part>\d[a-z])-(?P<serial>\d+)-(?P<kind>basic|hidden)")
#: The same as people ask for it, who may leave out the kind.
_ASKED = re.compile(r"(?P<part>\d[a-z])-\d+(-(?P<kind>basic|hidden))?")


@dataclass(frozen=True)
class GradedTest:
    """One graded test as everyone may see it: nothing here tells what a hidden graded test does beyond its title."""

    id: str
    title: str
    part: str
    points: float
    kind: Kind
    module: str
    function: str

    @property
    def node(self) -> str:
        """The graded test's place, as `module::function`."""
        return f"{self.module}::{self.function}"


def collect(assignment: Assignment, kinds: Iterable[Kind] = ("basic", "hidden")) -> tuple[GradedTest, ...]:
    """All graded tests of these kinds in the order of their IDs, without those of problems and parts that are off.

    A package that is not there counts as empty: students have no hidden one.

    Raises:
        InternalError: a graded test lacks its ID, points or docstring, or two share an ID.
    """
    found = [each for kind in PACKAGES for each in _graded_tests_of(kind) if each.part not in assignment.off]
    wanted = [each for each in _worth(found, assignment) if each.kind in tuple(kinds)]
    graded_tests = sorted((_told(each, assignment) for each in wanted), key=lambda each: _order(each.id))
    for before, after in pairwise(graded_tests):
        if before.id == after.id:
            raise InternalError(
                f"{after.module}: graded test ID {after.id} is taken by {before.node}; give it the next free number"
            )
    return tuple(graded_tests)


def _worth(found: list[GradedTest], assignment: Assignment) -> Iterator[GradedTest]:
    """The graded tests with the points that the profile's parts give them, where it changes those of a part.

    Basic ones are worth the same wherever the hidden ones are not there.
    """
    points: dict[str, float] = {}
    for entry in assignment.problems:
        for part in entry.parts:
            if part.declared is not None:
                own = [each for each in found if each.part == part.id]
                try:
                    points.update(_scaled(own, part))
                except ValueError as problem:
                    place = assignment.place_of(entry.name, part)
                    raise SettingsError(f"{place}: part {part.id}: points = {part.points}: {problem}") from problem
    return (replace(each, points=points.get(each.id, each.points)) for each in found)


def _scaled(graded_tests: list[GradedTest], part: Part) -> Iterator[tuple[str, float]]:
    """(ID, points) of a part's graded tests, in halves; the basic ones keep their share of the part."""
    basic, hidden = ([each for each in graded_tests if each.kind == kind] for kind in PACKAGES)
    share = sum(each.points for each in basic) / part.declared if part.declared else 0.5
    of_basic = round(2 * part.points * share) / 2
    for found, total in ((basic, of_basic), (hidden, part.points - of_basic)):
        if found:
            try:
                points = shared(total, [each.points for each in found])
            except ValueError as problem:
                raise ValueError(f"{found[0].kind} graded tests: {problem}") from problem
            yield from zip((each.id for each in found), points, strict=True)


def thresholds(assignment: Assignment) -> dict[str, float]:
    """The least share of right answers that earns a graded test's points, for each whose title names one."""
    found: dict[str, float] = {}
    for kind in PACKAGES:
        for graded_test in _graded_tests_of(kind):
            match = _THRESHOLD.search(graded_test.title)
            if match and match["name"] in assignment.thresholds and graded_test.part not in assignment.off:
                found[graded_test.id] = getattr(assignment.thresholds[match["name"]], match["split"])
    return found


def parts_by_module(kinds: Iterable[Kind] = ("basic", "hidden")) -> dict[str, set[str]]:
    """The parts that each module of graded tests looks at, whether their problem is on or off."""
    found: dict[str, set[str]] = {}
    for kind in kinds:
        for graded_test in _graded_tests_of(kind):
            found.setdefault(graded_test.module, set()).add(graded_test.part)
    return found


def select(graded_tests: Iterable[GradedTest], wanted: str | None) -> tuple[GradedTest, ...]:
    """The graded tests that `wanted` names, in whatever case: one by its ID or its beginning (1e-0), a part, a problem.

    All for None. A letter alone is the part of the first problem that has one of that letter.

    Raises:
        UsageError: there is none.
    """
    graded_tests = tuple(graded_tests)
    if wanted is None:
        return graded_tests
    name = wanted.strip().lower()
    if len(name) == 1 and name.isalpha():
        name = next((each.part for each in graded_tests if each.part[1] == name), name)
    chosen = tuple(each for each in graded_tests if name in (each.id, _without_kind(each), each.part, each.part[0]))
    if chosen:
        return chosen
    parts, ids = sorted({each.part for each in graded_tests}), [each.id for each in graded_tests]
    found = _ASKED.fullmatch(name)
    if found and found["kind"] != "basic" and not any(each.kind == "hidden" for each in graded_tests):
        near = [each for each in ids if each.startswith(found["part"])]
        instead = f"; here you can run {' and '.join(near)}" if near else ""
        if found["kind"]:
            raise UsageError(f"{name} is a hidden test: it runs when you upload, and is not here{instead}")
        if near:
            raise UsageError(f"{name} is no basic test: hidden ones run when you upload{instead}")
    raise UsageError(f"no graded test '{wanted}' here: use a part ({', '.join(parts)}) or one of {', '.join(ids)}")


def _without_kind(graded_test: GradedTest) -> str:
    """The beginning of an ID that is enough to tell it, such as 1e-0."""
    return graded_test.id.removesuffix(f"-{graded_test.kind}")


def check_points(graded_tests: Iterable[GradedTest], assignment: Assignment) -> None:
    """SettingsError, with file and line, unless the graded tests' points add up to those of each part."""
    sums: dict[str, float] = {}
    for graded_test in graded_tests:
        sums[graded_test.part] = sums.get(graded_test.part, 0) + graded_test.points
    wrong = [*_wrong_points(assignment, sums), *_without_a_part(assignment, sums)]
    if wrong:
        raise SettingsError("\n".join(wrong))


def _wrong_points(assignment: Assignment, sums: Mapping[str, float]) -> Iterator[str]:
    for entry in assignment.problems:
        for part in entry.parts:
            given = sums.get(part.id, 0)
            if given != part.points:
                place = assignment.place_of(entry.name, part)
                yield f"{place}: part {part.id}: points = {part.points}, but its graded tests give {given:g}"


def _without_a_part(assignment: Assignment, sums: Mapping[str, float]) -> Iterator[str]:
    for id_ in sorted(sums.keys() - assignment.parts_by_id.keys()):
        near = [entry for entry in assignment.problems if any(part.id[0] == id_[0] for part in entry.parts)]
        keys = ("problems", near[0].name, "parts") if near else ("problems",)
        told = f"graded tests give {sums[id_]:g} points to it; bring it back, with enabled = false if it is off"
        yield f"{assignment.place(*keys)}: part {id_} is missing: {told}"


def _graded_tests_of(kind: Kind) -> Iterator[GradedTest]:
    try:
        package = importlib.import_module(PACKAGES[kind])
    except ModuleNotFoundError as missing:
        if missing.name == PACKAGES[kind]:
            return
        raise
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name.startswith("test_"):
            yield from _graded_tests_in(importlib.import_module(f"{package.__name__}.{entry.name}"), kind)


def _graded_tests_in(module: ModuleType, kind: Kind) -> Iterator[GradedTest]:
    for name, function in vars(module).items():
        if name.startswith("test_") and inspect.isfunction(function) and function.__module__ == module.__name__:
            yield _describe(module, name, function, kind)


def _describe(module: ModuleType, name: str, function: Callable[..., Any], kind: Kind) -> GradedTest:
    place = f"{module.__name__}.{name}"
    number, weight = getattr(function, "__number__", None), getattr(function, "__weight__", None)
    found = _ID.fullmatch(str(number))
    if found is None or found["kind"] != kind:
        raise InternalError(f"{place}: @number must be PART-SERIAL-{kind}, such as 9z-0-{kind}, not {number!r}")
    if not isinstance(weight, (int, float)) or weight < 0:
        raise InternalError(f"{place}: @weight must give its points, not {weight!r}")
    title = (inspect.getdoc(function) or "").partition("\n")[0].strip()
    if not title:
        raise InternalError(f"{place}: its docstring's first line must say the property to the student")
    return GradedTest(str(number), title, found["part"], float(weight), kind, module.__name__, name)


def _told(graded_test: GradedTest, assignment: Assignment) -> GradedTest:
    """The graded test with its title of this term: thresholds, `{vanilla.dev}`, and whether it counts on top or not.

    Raises:
        SettingsError: assignment.toml has no such threshold.
    """

    def share(match: re.Match[str]) -> str:
        threshold = assignment.thresholds.get(match["name"])
        if threshold is None:
            own = (entry.name for entry in assignment.problems if graded_test.part in entry.part_ids)
            place = assignment.place("problems", next(own, ""), "thresholds")
            raise SettingsError(f"{place}: '{match['name']}' is missing; graded test {graded_test.id} asks for it")
        return percent(getattr(threshold, match["split"]))

    part = assignment.parts_by_id.get(graded_test.part)
    return replace(graded_test, title=_headed(_THRESHOLD.sub(share, graded_test.title), part))


def _headed(title: str, part: Part | None) -> str:
    """The title behind what it counts for, where that is not plain points."""
    if part is None or not (part.extra_credit or part.points == 0):
        return title
    head = "Extra credit" if part.points else "Practice, no points"
    return f"{head}: {title[0].lower()}{title[1:]}"


def _order(test_id: str) -> tuple[str, int]:
    part, serial, _ = test_id.split("-")
    return part, int(serial)
