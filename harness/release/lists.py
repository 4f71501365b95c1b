"""allow.toml and the problems of assignment.toml: everything that may be released, by audience, and excused findings.

Promises: a list that loads is complete, and its entries name files only by paths inside the repository. There is no
list of what is forbidden: what no list names stays with staff. Nothing of a problem or part that is off is on any list.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from harness.assignment import Assignment, ProblemEntry
from harness.errors import UsageError
from harness.grading import catalogue
from harness.release.leaks.rules import Excuse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALLOW = Path(__file__).with_name("allow.toml")


@dataclass(frozen=True)
class Lists:
    """What allow.toml and assignment.toml say."""

    template: tuple[str, ...]  # paths in reference_solution/ that become student_template/
    staff_only: tuple[str, ...]  # patterns of what else may lie there
    student: tuple[str, ...]  # patterns in the repository of what goes beside the students' grader.py
    staff: tuple[str, ...]  # patterns of what students never get
    autograder: tuple[str, ...]  # patterns in the repository of what goes into autograder.zip
    off: tuple[str, ...]  # patterns in the repository of what belongs to problems that are off
    names: tuple[Excuse, ...]  # names that solution blocks bind and releases may use
    passages: tuple[Excuse, ...]  # pieces of code or prose that stand in blocks and may stand in releases
    parts: Mapping[str, bool]  # part -> whether it is on

    def stays(self, path: str) -> bool:
        """Whether a path in the reference is known to stay with staff."""
        return any(fnmatchcase(path, pattern) for pattern in self.staff_only)

    def student_paths(self, root: Path) -> list[str]:
        """What goes beside the students' grader.py, as paths in the repository at `root`."""
        return self._packed(root, self.student, (*self.staff, *self.off))

    def autograder_paths(self, root: Path) -> list[str]:
        """What goes into autograder.zip, as paths in the repository at `root`."""
        return self._packed(root, self.autograder, self.off)

    def _packed(self, root: Path, patterns: Iterable[str], without: Iterable[str]) -> list[str]:
        """The files that match, less those that match `without`, less probes that none of them mentions."""
        without = tuple(without)
        found = [path for path in expand(root, patterns) if not any(fnmatchcase(path, each) for each in without)]
        probes = {path for path in found if PurePosixPath(path).parent == _PROBES}
        forms = {path for path in found if PurePosixPath(path).parent == _FORMS}
        mentioned = _mentioned(root, {*found} - probes - forms, probes)
        return sorted({*found} - probes - forms | mentioned | _declared(forms, mentioned))


_PROBES = PurePosixPath("harness/probes")

#: The forms of the probes' replies, a module for each of theirs, and the words that they are declared in.
_FORMS = _PROBES / "schemas"
_WORDS = frozenset({"__init__", "forms"})


def _declared(forms: set[str], probes: set[str]) -> set[str]:
    """What declares the forms of these probe modules' replies."""
    topics = {PurePosixPath(path).stem for path in probes} | _WORDS
    return {path for path in forms if PurePosixPath(path).stem in topics}


def _mentioned(root: Path, files: Iterable[str], probes: set[str]) -> set[str]:
    """Those of the probe modules that these files import, and what these import in turn."""
    by_name = {PurePosixPath(path).stem: path for path in probes}
    found = {by_name["__init__"]} if "__init__" in by_name else set()
    waiting = [path for path in files if path.endswith(".py")]
    while waiting:
        named = {by_name[name] for name in _probes_in(root / waiting.pop()) if name in by_name}
        waiting += named - found
        found |= named
    return found


def _probes_in(path: Path) -> Iterator[str]:
    """The names of probe modules that a file of ours imports."""
    package = ".".join(_PROBES.parts)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            yield str(node.module).removeprefix(f"{package}.")


def load(assignment: Assignment, path: Path = ALLOW) -> Lists:
    """Read `path`, and add to it what the problems of `assignment` bring.

    Raises:
        UsageError: it is missing or not TOML, lacks a key, gives no reason for an excuse, or names a path outside.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        lists = Lists(
            template=(*raw["template"]["files"], *_template(assignment.problems)),
            staff_only=(*raw["template"]["staff_only"], *_template(assignment.disabled)),
            student=tuple(raw["student"]["files"]),
            staff=tuple(raw["student"]["staff"]),
            autograder=tuple(raw["autograder"]["files"]),
            off=tuple(_off(assignment)),
            names=tuple(_excuses(path, raw.get("names", {}))),
            passages=tuple(_excuses(path, raw.get("passages", {}))),
            parts={**dict.fromkeys(assignment.off, False), **{part.id: True for part in assignment.parts}},
        )
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the release list ({problem.strerror})") from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not valid TOML: {problem}") from problem
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{path}: missing or misshapen key: {problem}") from problem
    _check_paths(path, lists)
    return lists


def expand(root: Path, patterns: Iterable[str]) -> list[str]:
    """The files below `root` that match any pattern, as sorted posix paths; UsageError where one matches none."""
    found: set[str] = set()
    for pattern in patterns:
        matches = {path.relative_to(root).as_posix() for path in root.glob(pattern) if path.is_file()}
        if not matches:
            raise UsageError(f"{ALLOW}: '{pattern}' matches no file in {root}; correct the release list")
        found |= matches
    return sorted(found)


def _excuses(path: Path, entries: Mapping[str, Any]) -> Iterator[Excuse]:
    for text, reason in entries.items():
        if not isinstance(reason, str) or len(reason.split()) < 3:
            raise UsageError(f"{path}: '{text}' is excused without a reason; say in a few words why it is no leak")
        yield Excuse(text, reason)


def _template(problems: Iterable[ProblemEntry]) -> Iterator[str]:
    """The files in the reference that students get with these problems."""
    for each in problems:
        yield from (*each.template, *(f"src/submission/{name}" for name in each.code))


def _off(assignment: Assignment) -> Iterator[str]:
    """Patterns of what belongs to problems and parts that are off: packages, modules of graded tests, code."""
    for entry in assignment.disabled:
        yield f"{entry.package.replace('.', '/')}/*"
        yield from (f"reference_solution/src/submission/{name}" for name in entry.code)
    for module, parts in catalogue.parts_by_module().items():
        if parts <= assignment.off:
            yield f"{module.replace('.', '/')}.py"


def _check_paths(path: Path, lists: Lists) -> None:
    for name in (*lists.template, *lists.student, *lists.autograder):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise UsageError(f"{path}: '{name}' leads out of the repository; write a path below it")
    for name in lists.student:
        if any(fnmatchcase(name, pattern) for pattern in lists.staff):
            raise UsageError(f"{path}: '{name}' is for staff and cannot be listed for students")
