"""Which release is live: what it was made from, what it runs by, and what has changed in the checkout since.

Promises: reads only. Says what it cannot tell, and goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from harness import manifest as manifest_of
from harness.assignment import Assignment, Threshold
from harness.errors import HoldoutError
from harness.grading.seeds import SECRET
from harness.release import git, inputs, kept, package, template
from harness.release import lists as release_list
from harness.release.handouts import handouts
from harness.release.package import STAMP, TOP
from harness.release.previous import PreviousRelease, differing

_MOST_SHOWN = 20


def lines(root: Path) -> Iterator[str]:
    """The status of the checkout at `root`, line by line. UsageError where dist/'s manifest is no manifest."""
    live = kept.live(root)
    if live is None:
        yield f"no release is live: {kept.LIVE}/ holds none"
    else:
        yield from _about(live)
        yield from _damage(live)
        yield from _since(root, live)
    yield from _kept(root)


def _about(live: PreviousRelease) -> Iterator[str]:
    stamp, terms = live.stamp, live.terms
    yield f"live release   {stamp.release}"
    if live.students.release != stamp.release:
        yield f"  students     have {live.students.release}: this one is a hotfix of it"
    yield f"  key          {_key(live)}"
    yield f"  data         {stamp.data[:12]}, preset {live.preset}"
    course = terms.get("course", {})
    if course:
        made_up = " (made up: course.toml still says example = true)" if course.get("example") else ""
        yield f"  course       {course['course']}, {course['term']}{made_up}"
        yield f"  dates        issued {course['issued']}, due {course['due'].replace('T', ' ')} {course['timezone']}"
    if terms.get("profile"):
        yield f"  profile      {terms['profile']}"
    if terms.get("thresholds"):
        yield f"  thresholds   {_thresholds(terms['thresholds'])}"
    yield f"  commit       {stamp.commit}, version {stamp.version}"


def _key(live: PreviousRelease) -> str:
    if live.demo_key:
        return f"{live.stamp.key}, THE PUBLIC DEMO KEY: everyone can make the test answers again"
    return f"{live.stamp.key}" if live.stamp.key else "none: the data was dropped in without one"


def _thresholds(told: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {Threshold(**each).told}" for name, each in told.items())


def _damage(live: PreviousRelease) -> Iterator[str]:
    """Files in dist/ that are not what the release put there."""
    for name, digest in sorted(live.artefacts.items()):
        path = live.path.parent / name
        if not path.is_file():
            yield f"  DAMAGED      {path}: missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"  DAMAGED      {path}: is not what the release put there"


def _since(root: Path, live: PreviousRelease) -> Iterator[str]:
    """What a release made now would have otherwise, beside its data."""
    commit = git.commit_of(root)
    if commit != live.stamp.commit:
        yield f"since then     the checkout stands on commit {commit}"
    try:
        changes = [*_changed_files(root, live), *_changed_terms(root, live)]
    except HoldoutError as problem:
        yield f"since then     a release could not be made now: {problem}"
        return
    yield (
        f"since then     {len(changes)} changes"
        if changes
        else "since then     nothing that a release holds has changed"
    )
    yield from (f"  {change}" for change in changes[:_MOST_SHOWN])
    if len(changes) > _MOST_SHOWN:
        yield f"  and {len(changes) - _MOST_SHOWN} more"


def _changed_files(root: Path, live: PreviousRelease) -> Iterator[str]:
    profile = inputs.profile_of(root, live.terms.get("profile"))
    assignment = manifest_of.load(root / "assignment.toml", profile)
    lists, laid = release_list.load(assignment), package.profile_files(assignment)
    student = package.student_files(root, lists, template.make(root, lists).files)
    student |= {f"src/{path}": data for path, data in laid.items()}
    now = {
        "student.zip": {f"{TOP}/{path}": data for path, data in student.items()},
        "autograder.zip": {**package.autograder_files(root, lists), **laid},
    }
    for name, files in now.items():
        before = {path: each for path, each in live.files.get(name, {}).items() if not _of_release(path, assignment)}
        for path, how in differing(before, _digests(files)):
            yield f"{name}!/{path}: {how}"
    sources = live.terms.get("handout_sources", {})
    for path, how in differing(sources, _digests(package.handout_sources(root))) if sources else ():
        yield f"handouts/{path}: {how}"


def _of_release(path: str, assignment: Assignment) -> bool:
    """Whether the release itself put this file into a zip: it does not lie in the checkout."""
    inside = PurePosixPath(path.removeprefix(f"{TOP}/src/"))
    return str(inside) in (STAMP, SECRET) or (inside.parent.name == "data" and inside.name in assignment.data_names())


def _changed_terms(root: Path, live: PreviousRelease) -> Iterator[str]:
    course, before = handouts.course_of(root / "handouts"), live.terms.get("course", {})
    for name in ("issued", "due"):
        now = getattr(course, name).isoformat()
        if before and before[name] != now:
            yield f"{name}: {before[name]} in the release, {now} in handouts/course.toml"


def _kept(root: Path) -> Iterator[str]:
    for each in kept.archives(root):
        place = each.path.parent.relative_to(root)
        key = f"key {each.stamp.key}" if each.stamp.key else "no key"
        yield f"kept           {place}/, {key}, preset {each.preset}"


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
