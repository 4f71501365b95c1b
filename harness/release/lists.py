"""allow.toml, the list of everything that may be released: paths by audience, and excused leak findings.

Promises: a list that loads is complete, and its entries name files only by paths inside the repository. There is no
list of what is forbidden: what no list names stays with staff.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from harness.errors import UsageError
from harness.release.leaks.rules import Excuse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALLOW = Path(__file__).with_name("allow.toml")

#: Rooms of the harness that no list may name for students.
STAFF_ROOMS = ("harness/tests_hidden", "harness/release", "harness/problems/birthplaces/dataset", "harness/classroom")


@dataclass(frozen=True)
class Lists:
    """What allow.toml says."""

    template: tuple[str, ...]  # paths in reference_solution/ that become student_template/
    staff_only: tuple[str, ...]  # patterns of what else may lie there
    student: tuple[str, ...]  # paths in the repository that go beside the students' grader.py
    autograder: tuple[str, ...]  # patterns in the repository that go into autograder.zip
    names: tuple[Excuse, ...]  # names that solution blocks bind and releases may use
    passages: tuple[Excuse, ...]  # pieces of code or prose that stand in blocks and may stand in releases

    def stays(self, path: str) -> bool:
        """Whether a path in the reference is known to stay with staff."""
        return any(fnmatchcase(path, pattern) for pattern in self.staff_only)


def load(path: Path = ALLOW) -> Lists:
    """Read `path`.

    Raises:
        UsageError: it is missing or not TOML, lacks a key, gives no reason for an excuse, or names a path outside.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        lists = Lists(
            template=tuple(raw["template"]["files"]),
            staff_only=tuple(raw["template"]["staff_only"]),
            student=tuple(raw["student"]["files"]),
            autograder=tuple(raw["autograder"]["files"]),
            names=tuple(_excuses(path, raw.get("names", {}))),
            passages=tuple(_excuses(path, raw.get("passages", {}))),
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


def _check_paths(path: Path, lists: Lists) -> None:
    for name in (*lists.template, *lists.student, *lists.autograder):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise UsageError(f"{path}: '{name}' leads out of the repository; write a path below it")
    for name in lists.student:
        if name.startswith(STAFF_ROOMS):
            raise UsageError(f"{path}: '{name}' is for staff and cannot be listed for students")
