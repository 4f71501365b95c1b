"""What assignment.toml says in one place and does not bear out in another.

Every entry by itself has been read and is of the right form; see `harness.manifest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from harness import settings
from harness.settings import Key

if TYPE_CHECKING:
    from harness.assignment import Assignment, ProblemEntry

#: Where something stands, as keys of assignment.toml or as `file:line`, and what is wrong with it.
Finding = tuple[tuple[Key, ...] | str, str]


def contradictions(assignment: Assignment) -> Iterator[Finding]:
    """What one entry says and another one does not bear out, each with the keys where it stands."""
    problems = (*assignment.problems, *assignment.disabled)
    if not assignment.problems:
        yield ("problems",), "no problem is on: set enabled = true for one"
    yield from _repeated("part", ((each.name, "parts", [part.id for part in each.parts]) for each in problems))
    yield from _repeated(
        "deliverable", ((each.name, "deliverables", [file.name for file in each.deliverables]) for each in problems)
    )
    yield from _repeated("data file", ((each.name, "data", [file.name for file in each.data]) for each in problems))
    yield from _repeated("threshold", ((each.name, "thresholds", list(each.thresholds)) for each in problems))
    for each in problems:
        yield from _dangling(each)
    yield from _needed(assignment)
    yield from _out_of_reach(assignment)
    known = {frozenset(each.presets) for each in assignment.problems if each.presets}
    if len(known) > 1:
        yield (
            ("problems", assignment.problems[-1].name, "presets"),
            "the problems have different presets; each that generates data needs all of them",
        )


def _dangling(entry: ProblemEntry) -> Iterator[Finding]:
    data = {file.name for file in entry.data}
    parts = {part.id for part in entry.parts}
    made = {file.name: file.made_from for file in entry.deliverables if file.command}
    for number, file in enumerate(entry.deliverables):
        keys = ("problems", entry.name, "deliverables", number)
        told = (("made_from", file.made_from, set(made)), ("answers", file.answers, data))
        yield from _unknown(
            keys, f"deliverable '{file.name}'", (*told, *(("written_in", id_, parts) for id_ in file.written_in))
        )
        if file.command and not _ends(file.name, made):
            yield keys, f"deliverable '{file.name}': what it is made from goes in a circle"
    for number, each in enumerate(entry.data):
        yield from _unknown(
            ("problems", entry.name, "data", number), f"data '{each.name}'", (("answers", each.answers, data),)
        )


def _needed(assignment: Assignment) -> Iterator[Finding]:
    """Parts that are off, and that others cannot do without."""
    every = {part.id for entry in (*assignment.problems, *assignment.disabled) for part in entry.parts}
    off = every - {part.id for entry in assignment.problems for part in entry.parts if part.enabled}
    for entry in assignment.problems:
        if not any(part.enabled for part in entry.parts):
            yield ("problems", entry.name, "parts"), "all its parts are off: set enabled = false for the problem"
        for part in entry.parts:
            keys = ("problems", entry.name, "parts", part.number)
            yield from _unknown(keys, f"part {part.id}", (("needs", each, every) for each in part.needs))
            lost = [each for each in part.needs if part.enabled and each in off]
            if lost:
                place = assignment.place_of(entry.name, part, *(each for each in entry.parts if each.id in lost))
                yield place, f"part {part.id} needs {' and '.join(lost)}, and that is off: {_WAY_OUT.format(part.id)}"
        yield from _made_from_lost(entry)


def _out_of_reach(assignment: Assignment) -> Iterator[Finding]:
    """A mark that nobody can have."""
    most = sum(part.points for each in assignment.problems for part in each.parts if part.enabled)
    if assignment.grades and assignment.grades[-1].points > most:
        laid = assignment.laid is not None and "grades" in assignment.laid.values
        path = assignment.laid.path if laid and assignment.laid is not None else assignment.path
        best = assignment.grades[-1]
        told = f"grades: {best.name} is given from {best.points} points on, but the parts that are on give {most}"
        yield settings.place(path, ("grades",)), told


_WAY_OUT = "switch {0} off as well (enabled = false), or the other on"


def _made_from_lost(entry: ProblemEntry) -> Iterator[Finding]:
    """Files that are made from one that only parts make which are off."""
    on = {part.id for part in entry.parts if part.enabled}
    lost = {file.name: file for file in entry.deliverables if file.is_of_parts_alone and not on & {*file.written_in}}
    for number, file in enumerate(entry.deliverables):
        if file.made_from in lost and file.name not in lost:
            of = " and ".join(lost[file.made_from].written_in)
            user = " and ".join(each for each in file.written_in if each in on) or f"problem {entry.name}"
            told = f"is made from {file.made_from}, which part {of} makes, and that is off"
            keys = ("problems", entry.name, "deliverables", number)
            yield keys, f"deliverable '{file.name}' {told}: {_WAY_OUT.format(user)}"


def _ends(name: str, made_from: Mapping[str, str]) -> bool:
    """Whether following `made_from` from a file comes to one that is made from code and data alone."""
    for _ in made_from:
        name = made_from.get(name, "")
        if not name:
            return True
    return False


def _unknown(keys: tuple[Key, ...], what: str, told: Iterable[tuple[str, str, set[str]]]) -> Iterator[Finding]:
    for key, name, known in told:
        if name and name not in known:
            yield keys, f"{what}: {key} = '{name}' is none of {', '.join(sorted(known))}"


def _repeated(what: str, lists: Iterable[tuple[str, str, list[str]]]) -> Iterator[Finding]:
    """Names that stand in these lists (problem, key, names) more than once; at the second place."""
    seen: set[str] = set()
    for problem, key, names in lists:
        for number, name in enumerate(names):
            if name in seen:
                yield ("problems", problem, key, number), f"{what} '{name}' stands there twice; each needs its own name"
            seen.add(name)
