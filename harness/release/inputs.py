"""Everything that staff give to a release, checked before anything is made.

Promises: reads only, takes a second or two, and tells everything that is wrong at once: whoever mistyped two things
learns of both. Only what must be made first (zips, handouts, grades) is judged later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from harness import manifest as manifest_of
from harness.assignment import Assignment, ProblemEntry
from harness.errors import HoldoutError, SettingsError, UsageError
from harness.grading.catalogue import GradedTest, check_points, collect
from harness.problem import check_settings
from harness.release import git, termdata, training
from harness.release import lists as release_list
from harness.release import previous as previous_release
from harness.release.handouts import handouts, staff
from harness.release.handouts.course import Course
from harness.release.keys import read_key
from harness.release.lists import Lists
from harness.release.previous import PreviousRelease
from harness.release.template import REFERENCE
from harness.release.termdata import TermData

#: The folder of other courses, a file each.
PROFILES = "profiles"

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Request:
    """What staff asked for. `root` is the checkout."""

    root: Path
    data: Path | None = None
    key_file: Path | None = None
    preset: str | None = None  # None: the hotfixed release's, or the demo's
    trained: Path | None = None  # the reference's upload, trained elsewhere
    hotfix: Path | None = None  # dist/ or manifest of the release that students have
    profile: str | None = None  # of profiles/; None: the hotfixed release's, or none
    students_too: bool = False  # a hotfix may change what students have
    dry_run: bool = False


@dataclass(frozen=True)
class Inputs:
    """What the request comes to: files read, names looked up."""

    assignment: Assignment
    lists: Lists
    course: Course
    graded_tests: tuple[GradedTest, ...]
    previous: PreviousRelease | None
    data: TermData
    """Not kept in build/ yet, where it is generated."""


def check(request: Request) -> Inputs:
    """Read and check all that a release starts from.

    Raises:
        UsageError: something given is unusable; where it is more than one thing, each in a line of its own.
    """
    root, found = request.root, _Complaints()
    previous = found.of(previous_release.load, request.hotfix) if request.hotfix else None
    profile = profile_of(root, _profile_named(request, previous))
    assignment = manifest_of.load(root / "assignment.toml", profile)
    lists = found.of(release_list.load, assignment)
    graded_tests = collect(assignment)
    found.of(check_points, graded_tests, assignment)
    found.of(check_settings, assignment)
    found.of(_check_names, assignment, root)
    sources = root / "handouts"
    course = found.of(handouts.course_of, sources)
    found.of(staff.check, assignment, sources, root / REFERENCE)
    preset = request.preset or (previous.preset if previous else termdata.DEMO_PRESET)
    found.of(assignment.check_preset, preset)
    found.of(_check_key, request)
    if request.data is not None:
        found.of(termdata.check_folder, request.data, assignment)
    if request.trained is not None:
        found.of(training.check_folder, request.trained, root, assignment)
    found.raise_any()
    assert lists is not None
    assert course is not None  # raise_any has looked
    data = _data(request, preset, assignment)
    refusal = previous.data_refusal(data) if previous else None
    if refusal is not None:
        raise UsageError(refusal)
    if request.trained is not None:
        training.check_fit(request.trained, data, assignment)
    return Inputs(assignment, lists, course, graded_tests, previous, data)


def profile_of(root: Path, name: str | None) -> Path | None:
    """The file of a profile; SettingsError, with those that there are, where there is none of this name."""
    if not name:
        return None
    known = sorted(path.stem for path in (root / PROFILES).glob("*.toml"))
    if name not in known:
        path = root / PROFILES / f"{name}.toml"
        raise SettingsError(f"{path}: no such profile; profiles here are {', '.join(known) or 'none'}")
    return root / PROFILES / f"{name}.toml"


def _profile_named(request: Request, previous: PreviousRelease | None) -> str | None:
    before = previous.terms.get("profile") if previous is not None else None
    if request.profile and previous is not None and request.profile != before:
        raise UsageError(
            f"--profile {request.profile}: the release to mend has {before or 'no profile'}; leave it away"
        )
    return request.profile or before


class _Complaints:
    """Checks that are made one after the other, and told together."""

    def __init__(self) -> None:
        self._problems: list[HoldoutError] = []

    def of(self, check: Callable[_P, _T], *given: _P.args, **options: _P.kwargs) -> _T | None:
        """What the check gives; None where it complains."""
        try:
            return check(*given, **options)
        except HoldoutError as problem:
            self._problems.append(problem)
            return None

    def raise_any(self) -> None:
        """The complaint as it came, where there is one; several as one."""
        if len(self._problems) == 1:
            raise self._problems[0]
        if self._problems:
            settings = any(isinstance(problem, SettingsError) for problem in self._problems)
            kind = SettingsError if settings else UsageError
            raise kind("\n".join(str(problem) for problem in self._problems))


#: A label of a script's `case`: `one_command | another)`.
_LABELS = re.compile(r"^[ \t]*([\w-]+(?:[ \t]*\|[ \t]*[\w-]+)*)\)", re.MULTILINE)


def _check_names(assignment: Assignment, root: Path) -> None:
    """SettingsError, each with file and line, for what assignment.toml names and the reference does not have."""
    missing = [each for entry in assignment.problems for each in _missing_names(assignment, entry, root / REFERENCE)]
    if missing:
        raise SettingsError("\n".join(missing))


def _missing_names(assignment: Assignment, entry: ProblemEntry, reference: Path) -> Iterator[str]:
    def place(*keys: str | int) -> str:
        return assignment.place("problems", entry.name, *keys)

    script = reference / "src" / entry.script
    if any(file.command for file in entry.deliverables) and not script.is_file():
        yield f"{place('script')}: script = '{entry.script}': there is no {script}"
        return
    commands = _commands_of(script)
    for name in entry.template:
        if not (reference / name).is_file():
            yield f"{place('template')}: template: there is no {reference / name}"
    for file in entry.deliverables:
        line = place("deliverables", file.number)
        path = reference / "src" / "submission" / file.name
        if file.kind == "code" and not path.is_file():
            yield f"{line}: deliverable '{file.name}': there is no {path}"
        if file.command and file.command not in commands:
            yield f"{line}: command = '{file.command}': {script} has {', '.join(commands)}"


def _commands_of(script: Path) -> list[str]:
    """The commands that a script of the reference has; none where there is no script."""
    text = script.read_text(encoding="utf-8") if script.is_file() else ""
    return [name.strip() for labels in _LABELS.findall(text) for name in labels.split("|")]


def _check_key(request: Request) -> None:
    if request.key_file is not None:
        read_key(request.key_file)
        git.refuse_committable(request.key_file, request.root)


def _data(request: Request, preset: str, assignment: Assignment) -> TermData:
    if request.data is not None:
        return termdata.dropped_in(request.data, request.key_file, preset, assignment)
    return termdata.generated(request.root, request.key_file, preset, assignment, keep=False)
