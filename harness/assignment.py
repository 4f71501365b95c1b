"""assignment.toml, the single manifest, as frozen dataclasses.

Promises: an assignment that loads is complete and consistent in itself: names are unique, and what one entry says of
another exists. Problems that are switched off are in `disabled` and nowhere else. Does not check points against the
graded tests; the catalogue does that.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The folder that holds `harness/` and `assignment.toml`: the checkout, or Gradescope's /autograder/source.
ROOT = Path(__file__).resolve().parent.parent

Kind = Literal["code", "params", "predictions"]
KINDS: tuple[Kind, ...] = ("code", "params", "predictions")
Audience = Literal["students", "staff"]
AUDIENCES: tuple[Audience, ...] = ("students", "staff")


@dataclass(frozen=True)
class Part:
    """A part of the handout, with the points of all its graded tests together."""

    id: str
    title: str
    points: int
    extra_credit: bool = False


@dataclass(frozen=True)
class Deliverable:
    """A file that students upload, or may upload."""

    name: str
    kind: Kind
    optional: bool = False
    written_in: tuple[str, ...] = ()
    """The parts in which students write it. None: a code file comes with the template, other files are made."""
    command: str = ""
    """Of run.sh, makes it."""
    made_from: str = ""
    """The deliverable that `command` reads. None: it needs code and data alone."""
    answers: str = ""
    """The data file whose questions it answers, line by line."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TypeError(f"deliverable '{self.name}': kind = {self.kind!r}: choose one of {', '.join(KINDS)}")
        object.__setattr__(self, "written_in", tuple(self.written_in))


@dataclass(frozen=True)
class DataFile:
    """One of a term's data files."""

    name: str
    audience: Audience
    answers: str = ""
    """The data file whose questions it answers: `question<tab>answer` a line."""
    tells_answers: bool = False
    """Whether it states answers on purpose, and students get it all the same."""

    def __post_init__(self) -> None:
        if self.audience not in AUDIENCES:
            raise TypeError(f"data '{self.name}': audience = {self.audience!r}: choose {' or '.join(AUDIENCES)}")


@dataclass(frozen=True)
class ProblemEntry:
    """What assignment.toml says of one problem. `harness.problem` loads the package that does its work."""

    name: str
    package: str
    enabled: bool
    parts: tuple[Part, ...]
    deliverables: tuple[Deliverable, ...] = ()
    data: tuple[DataFile, ...] = ()
    template: tuple[str, ...] = ()
    """Files of the reference that students get with it, beside its code."""
    written: str = ""
    """The solved written part, below the reference; its answers are for staff."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Least accuracies, as fractions of the questions."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The problem's own; only its package reads them."""
    presets: Mapping[str, Mapping[str, int | float | str]] = field(default_factory=dict)
    """What the generator of the data makes, by preset."""

    @property
    def part_ids(self) -> frozenset[str]:
        """The IDs of its parts."""
        return frozenset(part.id for part in self.parts)

    @property
    def code(self) -> tuple[str, ...]:
        """Its code files, in src/submission/ of the reference."""
        return tuple(each.name for each in self.deliverables if each.kind == "code")


@dataclass(frozen=True)
class RunLimits:
    """How long (seconds) and how large (MiB) grading may get."""

    run_seconds: float
    test_seconds: float
    cpu_seconds: int
    memory_mib: int
    file_mib: int
    judge_cpu_seconds: int
    judge_memory_mib: int


@dataclass(frozen=True)
class Assignment:
    """Everything that assignment.toml says of a term; `problems` are those that are on."""

    title: str
    problems: tuple[ProblemEntry, ...]
    limits: RunLimits
    disabled: tuple[ProblemEntry, ...] = ()

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all problems."""
        return tuple(part for problem in self.problems for part in problem.parts)

    @cached_property
    def parts_by_id(self) -> Mapping[str, Part]:
        """The parts, by ID."""
        return {part.id: part for part in self.parts}

    @cached_property
    def uploads(self) -> tuple[Deliverable, ...]:
        """Everything that is taken from an upload: what must be in it, then what may be."""
        return (*self.deliverables, *self.optional)

    @cached_property
    def deliverables(self) -> tuple[Deliverable, ...]:
        """What a complete upload holds."""
        return tuple(each for problem in self.problems for each in problem.deliverables if not each.optional)

    @cached_property
    def optional(self) -> tuple[Deliverable, ...]:
        """What an upload may hold besides."""
        return tuple(each for problem in self.problems for each in problem.deliverables if each.optional)

    @cached_property
    def uploads_by_name(self) -> Mapping[str, Deliverable]:
        """The uploads, by name."""
        return {each.name: each for each in self.uploads}

    @cached_property
    def chains(self) -> tuple[tuple[Deliverable, ...], ...]:
        """The files that commands make, in groups that need nothing of each other, longest first; each in order."""
        chains: dict[str, list[Deliverable]] = {}
        start: dict[str, str] = {}
        made = [each for each in self.uploads if each.command]
        while made:  # a circle was refused when this was loaded
            ready = [each for each in made if not each.made_from or each.made_from in start]
            for each in ready:
                start[each.name] = start.get(each.made_from, each.name)
                chains.setdefault(start[each.name], []).append(each)
            made = [each for each in made if each.name not in start]
        return tuple(tuple(chain) for chain in sorted(chains.values(), key=len, reverse=True))

    @cached_property
    def data(self) -> tuple[DataFile, ...]:
        """The data files of all problems."""
        return tuple(each for problem in self.problems for each in problem.data)

    def data_names(self, *, students: bool = False) -> tuple[str, ...]:
        """The names of all data files, or of those that students get."""
        return tuple(each.name for each in self.data if each.audience == "students" or not students)

    @cached_property
    def thresholds(self) -> Mapping[str, float]:
        """The thresholds of all problems, by name."""
        return {name: value for problem in self.problems for name, value in problem.thresholds.items()}

    @property
    def points(self) -> int:
        """The full score, extra credit aside."""
        return sum(part.points for part in self.parts if not part.extra_credit)

    @property
    def extra_points(self) -> int:
        """What extra credit adds at most."""
        return sum(part.points for part in self.parts if part.extra_credit)

    @cached_property
    def presets(self) -> tuple[str, ...]:
        """The names of all presets; every problem with data knows each of them."""
        return tuple(dict.fromkeys(name for problem in self.problems for name in problem.presets))

    def problem(self, name: str) -> ProblemEntry:
        """The problem `name`; UsageError where it is not on."""
        for each in self.problems:
            if each.name == name:
                return each
        raise UsageError(
            f"no problem '{name}' is on in assignment.toml; on are {', '.join(p.name for p in self.problems)}"
        )

    def check_preset(self, name: str) -> str:
        """`name`; UsageError with the known names where there is no such preset."""
        if self.presets and name not in self.presets:
            raise UsageError(f"no preset '{name}' in assignment.toml: choose one of {', '.join(sorted(self.presets))}")
        return name


def load(path: Path | None = None) -> Assignment:
    """Read `path` (default: `ROOT/assignment.toml`).

    Raises:
        UsageError: the file is missing, is not TOML, lacks or misnames a key, or contradicts itself.
    """
    path = path or ROOT / "assignment.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the assignment's manifest ({problem.strerror})") from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not valid TOML: {problem}") from problem
    try:
        assignment = _build(raw)
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{path}: missing or misnamed key: {problem}") from problem
    for contradiction in _contradictions(assignment):
        raise UsageError(f"{path}: {contradiction}")
    return assignment


def _build(raw: Mapping[str, Any]) -> Assignment:
    entries = [_entry(name, table) for name, table in raw["problems"].items()]
    return Assignment(
        title=raw["title"],
        problems=tuple(each for each in entries if each.enabled),
        limits=RunLimits(**raw["limits"]),
        disabled=tuple(each for each in entries if not each.enabled),
    )


def _entry(name: str, raw: Mapping[str, Any]) -> ProblemEntry:
    known = {each.name for each in fields(ProblemEntry)} - {"name"}
    if unknown := sorted(raw.keys() - known):
        raise TypeError(f"[problems.{name}] {unknown[0]}: the keys are {', '.join(sorted(known))}")
    lists = {"parts": Part, "deliverables": Deliverable, "data": DataFile}
    made: dict[str, Any] = {key: tuple(kind(**row) for row in raw.get(key, ())) for key, kind in lists.items()}
    rest = {key: value for key, value in raw.items() if key not in lists and key != "template"}
    return ProblemEntry(name, **made, template=tuple(raw.get("template", ())), **rest)


def _contradictions(assignment: Assignment) -> Iterator[str]:
    """What one entry says and another one does not bear out."""
    problems = (*assignment.problems, *assignment.disabled)
    if not assignment.problems:
        yield "no problem is on: set enabled = true for one"
    yield from _repeated("part", (part.id for each in problems for part in each.parts))
    yield from _repeated("deliverable", (file.name for each in problems for file in each.deliverables))
    yield from _repeated("data file", (file.name for each in problems for file in each.data))
    yield from _repeated("threshold", (name for each in problems for name in each.thresholds))
    for each in problems:
        yield from _dangling(each)
    if len({frozenset(each.presets) for each in assignment.problems if each.presets}) > 1:
        yield "the problems have different presets; each that generates data needs all of them"


def _dangling(entry: ProblemEntry) -> Iterator[str]:
    data = {file.name for file in entry.data}
    parts = {part.id for part in entry.parts}
    made = {file.name: file.made_from for file in entry.deliverables if file.command}
    for file in entry.deliverables:
        told = (("made_from", file.made_from, set(made)), ("answers", file.answers, data))
        yield from _unknown(
            f"deliverable '{file.name}'", (*told, *(("written_in", id_, parts) for id_ in file.written_in))
        )
        if file.command and not _ends(file.name, made):
            yield f"deliverable '{file.name}': what it is made from goes in a circle"
    for each in entry.data:
        yield from _unknown(f"data '{each.name}'", (("answers", each.answers, data),))


def _ends(name: str, made_from: Mapping[str, str]) -> bool:
    """Whether following `made_from` from a file comes to one that is made from code and data alone."""
    for _ in made_from:
        name = made_from.get(name, "")
        if not name:
            return True
    return False


def _unknown(what: str, told: Iterable[tuple[str, str, set[str]]]) -> Iterator[str]:
    for key, name, known in told:
        if name and name not in known:
            yield f"{what}: {key} = '{name}' is none of {', '.join(sorted(known))}"


def _repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} '{name}' stands there {count} times; each needs a name of its own"
