"""An assignment as frozen dataclasses: what `harness.manifest` makes of assignment.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness import settings
from harness.errors import UsageError
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

    @property
    def is_of_parts_alone(self) -> bool:
        """Whether nobody needs it but the parts in which it is written: code is imported by other code."""
        return bool(self.written_in) and (self.kind != "code" or self.optional)


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
