"""assignment.toml, the single manifest, as frozen dataclasses.

Promises: an assignment that loads is complete and consistent in itself: names are unique, and what one entry says of
another exists. Problems that are switched off are in `disabled` and nowhere else, parts that are in `parts_off` of
their problem, and what belongs to them alone is nowhere. Does not check points against the graded tests; the catalogue
does that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness import settings
from harness.errors import SettingsError, UsageError
from harness.settings import Key, Table

#: The folder that holds `harness/` and `assignment.toml`: the checkout, or Gradescope's /autograder/source.
ROOT = Path(__file__).resolve().parent.parent

Kind = Literal["code", "params", "predictions"]
KINDS: tuple[Kind, ...] = ("code", "params", "predictions")
Audience = Literal["students", "staff"]
AUDIENCES: tuple[Audience, ...] = ("students", "staff")

#: When students see hidden graded tests, in the platform's words.
VISIBILITIES = ("visible", "after_due_date", "after_published")
#: What predictions are graded on, and a threshold can be given for.
SPLITS = ("dev", "test")

#: The platform ends a run then, and drops every result.
PLATFORM_SECONDS = 600
#: A run may take this much longer than its graded tests: staging 70 MB, importing torch, the last graded test's grace.
OVERHEAD_SECONDS = 60
#: No machine that grades has more memory, and a limit beyond it is a slip of the pen.
_LARGEST_MIB = 1 << 16

_PART = re.compile(r"\d[a-z]")


@dataclass(frozen=True)
class Part:
    """A part of the handout, with the points of all its graded tests together."""

    id: str
    title: str
    points: int
    extra_credit: bool = False
    enabled: bool = True
    needs: tuple[str, ...] = ()
    """The parts without which nobody can do this one."""
    number: int = field(default=0, compare=False)
    """Its place in the list of its problem, from 0."""
    declared: int | None = None
    """The points of its graded tests as they are declared, where a profile gives it others."""


@dataclass(frozen=True)
class Deliverable:
    """A file that students upload, or may upload."""

    name: str
    kind: Kind
    optional: bool = False
    written_in: tuple[str, ...] = ()
    """The parts in which students write or make it. None: a code file comes with the template, other files belong to
    the problem as a whole."""
    command: str = ""
    """Of `script`, makes it."""
    made_from: str = ""
    """The deliverable that `command` reads. None: it needs code and data alone."""
    answers: str = ""
    """The data file whose questions it answers, line by line."""
    script: str = "run.sh"
    """In src/, has the command; named once for all files of a problem."""
    number: int = field(default=0, compare=False)
    """Its place in the list of its problem, from 0."""

    @property
    def typed(self) -> str:
        """What is typed in src/ to make it."""
        return f"./{self.script} {self.command}"


@dataclass(frozen=True)
class Threshold:
    """The least accuracies that earn points, as fractions of the questions."""

    dev: float
    test: float

    @property
    def told(self) -> str:
        """In words: `10% on dev and on test`, or `10% on dev and 8% on test`."""
        if self.dev == self.test:
            return f"{percent(self.dev)} on dev and on test"
        return f"{percent(self.dev)} on dev and {percent(self.test)} on test"


def percent(share: float) -> str:
    """A fraction as people read it."""
    return f"{100 * share:.6g}%"


@dataclass(frozen=True)
class DataFile:
    """One of a term's data files."""

    name: str
    audience: Audience
    answers: str = ""
    """The data file whose questions it answers: `question<tab>answer` a line."""
    tells_answers: bool = False
    """Whether it states answers on purpose, and students get it all the same."""


@dataclass(frozen=True)
class ProblemEntry:
    """What assignment.toml says of one problem. `harness.problem` loads the package that does its work."""

    name: str
    package: str
    enabled: bool
    parts: tuple[Part, ...]
    deliverables: tuple[Deliverable, ...] = ()
    data: tuple[DataFile, ...] = ()
    script: str = "run.sh"
    """In src/ of the reference, has the commands for its deliverables; a .py of the same name carries them out."""
    template: tuple[str, ...] = ()
    """Files of the reference that students get with it, beside its code."""
    demos: tuple[str, ...] = ()
    """What names of folders hold, in lower case, that come with the template and hold files named like deliverables."""
    written: str = ""
    """The solved written part, below the reference; its answers are for staff."""
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The problem's own; only its package reads them."""
    presets: Mapping[str, Mapping[str, int | float | str]] = field(default_factory=dict)
    """What the generator of the data makes, by preset."""
    parts_off: tuple[Part, ...] = ()
    """Those that are switched off, of a problem that is on."""

    @property
    def part_ids(self) -> frozenset[str]:
        """The IDs of its parts."""
        return frozenset(part.id for part in self.parts)

    @property
    def least_threshold(self) -> float:
        """The lowest of its thresholds; 0 where it has none."""
        return min((min(each.dev, each.test) for each in self.thresholds.values()), default=0.0)

    @property
    def code(self) -> tuple[str, ...]:
        """Its code files, in src/submission/ of the reference."""
        return tuple(each.name for each in self.deliverables if each.kind == "code")


@dataclass(frozen=True)
class Grade:
    """A mark, and the points from which on it is given."""

    points: int
    name: str


@dataclass(frozen=True)
class RunLimits:
    """How long (seconds) and how large (MiB) grading may get."""

    run_seconds: float
    test_seconds: float
    home_seconds: float
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
    hidden_tests: str = VISIBILITIES[0]
    """When students see hidden graded tests on the platform."""
    grades: tuple[Grade, ...] = ()
    """The course's scale, lowest first; none: points are all that is told."""
    profile: str = ""
    """The name of the profile that is laid over it."""
    path: Path = field(default=ROOT / "assignment.toml", compare=False)
    """Where it was read."""
    laid: Table | None = field(default=None, compare=False)
    """The profile as it was read."""

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all problems."""
        return tuple(part for problem in self.problems for part in problem.parts)

    @cached_property
    def off(self) -> frozenset[str]:
        """The IDs of all parts that are switched off, by themselves or with their problem."""
        alone = {part.id for problem in self.problems for part in problem.parts_off}
        return frozenset(alone | {part.id for problem in self.disabled for part in problem.parts})

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
    def given(self) -> frozenset[str]:
        """The code files that are given out as they are."""
        return frozenset(each.name for each in self.uploads if each.kind == "code" and not each.written_in)

    @cached_property
    def demos(self) -> tuple[str, ...]:
        """What names of folders hold that came with the assignment and are nobody's work."""
        return tuple(name for problem in self.problems for name in problem.demos)

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
    def thresholds(self) -> Mapping[str, Threshold]:
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

    def place(self, *keys: Key) -> str:
        """`file:line` of a key."""
        return settings.place(self.path, keys)

    def place_of(self, problem: str, *parts: Part) -> str:
        """`file:line` of the first of these parts that the profile speaks of; of the first part where it is of none."""
        told = self.laid.table("problems").table(problem).table("parts").values if self.laid is not None else {}
        for part in parts:
            if self.laid is not None and part.id in told:
                return settings.place(self.laid.path, ("problems", problem, "parts", part.id))
        return self.place("problems", problem, "parts", parts[0].number)

    def grade_of(self, points: float) -> str:
        """The mark for so many points; "" below the lowest."""
        return next((each.name for each in reversed(self.grades) if points >= each.points), "")

    def check_preset(self, name: str) -> str:
        """`name`; UsageError with the known names where there is no such preset."""
        if self.presets and name not in self.presets:
            raise UsageError(f"no preset '{name}' in assignment.toml: choose one of {', '.join(sorted(self.presets))}")
        return name


#: Lies beside the assignment.toml of a release that was made with one.
PROFILE = "profile.toml"
#: Names, in a checkout, the profile of the live release, for the processes of a grade.
PROFILE_VARIABLE = "HOLDOUT_PROFILE"


def load(path: Path | None = None, profile: Path | None = None) -> Assignment:
    """Read `path`, and lay `profile` over it.

    Without `path` it is what lies beside the grader, with the profile there if there is one.

    Raises:
        SettingsError: with file and line, where it is missing, no TOML, lacks or misnames a key, gives a value that
            cannot be, or contradicts itself.
    """
    if path is None:
        path, profile = ROOT / "assignment.toml", profile or _profile_here()
    laid = settings.read(profile, "the profile") if profile is not None else None
    assignment = _build(settings.read(path, "the assignment's manifest"), laid)
    for keys, contradiction in _contradictions(assignment):
        place = keys if isinstance(keys, str) else settings.place(path, keys)
        raise SettingsError(f"{place}: {contradiction}")
    return replace(assignment, problems=tuple(_reduced(each) for each in assignment.problems))


def _profile_here() -> Path | None:
    named = os.environ.get(PROFILE_VARIABLE)
    beside = ROOT / PROFILE
    return Path(named) if named else beside if beside.is_file() else None


def _reduced(entry: ProblemEntry) -> ProblemEntry:
    """The problem without its parts that are off, and without the files that only those make."""
    on = tuple(part for part in entry.parts if part.enabled)
    ids = {part.id for part in on}
    graded = {part.id for part in on if not part.extra_credit}
    files = (
        replace(
            file,
            written_in=tuple(each for each in file.written_in if each in ids),
            optional=file.optional and not graded.intersection(file.written_in),
        )
        for file in entry.deliverables
        if not _of_parts_alone(file) or ids.intersection(file.written_in)
    )
    off = tuple(part for part in entry.parts if not part.enabled)
    return replace(entry, parts=on, deliverables=tuple(files), parts_off=off)


def _of_parts_alone(file: Deliverable) -> bool:
    """Whether nobody needs the file but the parts in which it is written: code is imported by other code."""
    return bool(file.written_in) and (file.kind != "code" or file.optional)


def _build(table: Table, laid: Table | None) -> Assignment:
    table.only(["title", "limits", "problems"], ["hidden_tests", "grades"])
    problems = table.table("problems")
    entries = [_entry(name, problems.table(name)) for name in problems.values]
    above = laid or Table(table.path, (), {})
    above.only([], ["title", "hidden_tests", "grades", "problems"])
    more = above.table("problems")
    for name in more.values:
        if name not in problems.values:
            more.refuse(name, f"no such problem; assignment.toml has {', '.join(problems.values)}")
    entries = [_overlaid(each, more.table(each.name)) for each in entries]
    visible = table.text("hidden_tests", VISIBILITIES[0], among=VISIBILITIES)
    return Assignment(
        title=above.text("title", table.text("title")),
        problems=tuple(each for each in entries if each.enabled),
        limits=_limits(table.table("limits")),
        disabled=tuple(each for each in entries if not each.enabled),
        hidden_tests=above.text("hidden_tests", visible, among=VISIBILITIES),
        grades=_grades(above if "grades" in above.values else table),
        profile=laid.path.stem if laid is not None else "",
        path=table.path,
        laid=laid,
    )


def _overlaid(entry: ProblemEntry, table: Table) -> ProblemEntry:
    """The problem as a profile has it."""
    table.only([], ["enabled", "parts", "thresholds"])
    parts, thresholds = table.table("parts"), table.table("thresholds")
    for told, known, what in ((parts, entry.part_ids, "part"), (thresholds, entry.thresholds, "threshold")):
        for name in told.values:
            if name not in known:
                told.refuse(name, f"no such {what}; {entry.name} has {', '.join(sorted(known)) or 'none'}")
    return replace(
        entry,
        enabled=table.flag("enabled", default=entry.enabled),
        parts=tuple(_overlaid_part(part, parts.table(part.id)) for part in entry.parts),
        thresholds={**entry.thresholds, **{name: _threshold(thresholds, name) for name in thresholds.values}},
    )


def _overlaid_part(part: Part, table: Table) -> Part:
    table.only([], ["title", "points", "extra_credit", "enabled"])
    points = table.whole("points", 0) if "points" in table.values else part.points
    return replace(
        part,
        title=table.text("title", part.title),
        points=points,
        extra_credit=table.flag("extra_credit", default=part.extra_credit),
        enabled=table.flag("enabled", default=part.enabled),
        declared=part.points if points != part.points else None,
    )


def _grades(table: Table) -> tuple[Grade, ...]:
    """The scale, lowest first."""
    found: list[Grade] = []
    for each in table.tables("grades"):
        each.only(["from", "grade"])
        found.append(Grade(each.whole("from", 0), each.text("grade")))
        if len(found) > 1 and found[-1].points <= found[-2].points:
            each.refuse("from", f"more than the {found[-2].points} points of the grade before it are needed")
    return tuple(found)


def _limits(table: Table) -> RunLimits:
    names = [each.name for each in fields(RunLimits)]
    table.only(names)
    most = PLATFORM_SECONDS - OVERHEAD_SECONDS
    told = (
        f"a number of seconds up to {most}, since Gradescope ends a run at {PLATFORM_SECONDS} and drops every result, "
        f"and all that is around the graded tests may take {OVERHEAD_SECONDS}"
    )
    run = table.number("run_seconds", 0, most, told)
    test = table.number("test_seconds", 0, run, "a number of seconds, no more than run_seconds,")
    home = table.number("home_seconds", 0, test, "a number of seconds, no more than test_seconds,")
    cpu = {name: table.whole(name, 1, run, ", as run_seconds says") for name in names if "cpu" in name}
    memory = {name: table.whole(name, 1, _LARGEST_MIB, " (64 GiB)") for name in names if name.endswith("_mib")}
    return RunLimits(run_seconds=run, test_seconds=test, home_seconds=home, **cpu, **memory)


def _entry(name: str, table: Table) -> ProblemEntry:
    needed = ("package", "enabled", "parts")
    known = [each.name for each in fields(ProblemEntry) if each.name not in ("name", "parts_off", *needed)]
    table.only(needed, known)
    script = table.text("script", "run.sh")
    return ProblemEntry(
        name,
        package=table.text("package"),
        enabled=table.flag("enabled"),
        parts=tuple(_part(each, number) for number, each in enumerate(table.tables("parts"))),
        script=script,
        deliverables=tuple(
            _deliverable(each, script, number) for number, each in enumerate(table.tables("deliverables"))
        ),
        data=tuple(_data_file(each) for each in table.tables("data")),
        template=table.texts("template"),
        demos=table.texts("demos"),
        written=table.text("written", ""),
        thresholds={each: _threshold(table.table("thresholds"), each) for each in table.table("thresholds").values},
        settings=table.table("settings").values,
        presets={each: _preset(table.table("presets").table(each)) for each in table.table("presets").values},
    )


def _part(table: Table, number: int) -> Part:
    table.only(["id", "title", "points"], ["extra_credit", "enabled", "needs"])
    if not _PART.fullmatch(table.text("id")):
        table.refuse("id", "a digit and a letter are needed, such as 1c")
    return Part(
        id=table.text("id"),
        title=table.text("title"),
        points=table.whole("points", 0),
        extra_credit=table.flag("extra_credit"),
        enabled=table.flag("enabled", default=True),
        needs=table.texts("needs"),
        number=number,
    )


def _deliverable(table: Table, script: str, number: int) -> Deliverable:
    table.only(["name", "kind"], ["optional", "written_in", "command", "made_from", "answers"])
    kind = table.text("kind", among=KINDS)
    return Deliverable(
        name=table.text("name"),
        kind=next(each for each in KINDS if each == kind),
        optional=table.flag("optional"),
        written_in=table.texts("written_in"),
        command=table.text("command", ""),
        made_from=table.text("made_from", ""),
        answers=table.text("answers", ""),
        script=script,
        number=number,
    )


def _data_file(table: Table) -> DataFile:
    table.only(["name", "audience"], ["answers", "tells_answers"])
    audience = table.text("audience", among=AUDIENCES)
    return DataFile(
        name=table.text("name"),
        audience=next(each for each in AUDIENCES if each == audience),
        answers=table.text("answers", ""),
        tells_answers=table.flag("tells_answers"),
    )


def _threshold(table: Table, name: str) -> Threshold:
    """One number for both splits, or a number for each."""
    fraction = "a fraction of the questions, above 0 and at most 1 (0.10 is 10%),"
    if isinstance(table.values[name], dict):
        each = table.table(name)
        each.only(SPLITS)
        return Threshold(*(each.number(split, 0, 1, fraction) for split in SPLITS))
    value = table.number(name, 0, 1, f"{fraction} or {{ dev = ..., test = ... }}")
    return Threshold(value, value)


def _preset(table: Table) -> Mapping[str, int | float | str]:
    for name, value in table.values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            table.refuse(name, "a number or a text is needed")
    return table.values


#: Where something stands, as keys of assignment.toml or as `file:line`, and what is wrong with it.
Finding = tuple[tuple[Key, ...] | str, str]


def _contradictions(assignment: Assignment) -> Iterator[Finding]:
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
    lost = {file.name: file for file in entry.deliverables if _of_parts_alone(file) and not on & {*file.written_in}}
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
