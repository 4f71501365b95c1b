"""Which data a grade judges with: found where nobody says, checked, and named, so that every grade can tell.

Promises: a grade at the desk after a release uses that release's data; questions and answers of two terms are refused.
"""

from __future__ import annotations

import json
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.assignment import Assignment, ProblemEntry
from harness.errors import UsageError
from harness.intake.zips import digest
from harness.problem import problem_of

_ANSWERS = "autograder.zip"


def released(root: Path, assignment: Assignment) -> Path | None:
    """A folder in build/ with the data of the release in dist/; None where there is no release.

    Raises:
        UsageError: the release cannot be read, or has other data files than assignment.toml names now.
    """
    archive = root / "dist" / _ANSWERS
    return _unpacked(archive, root, assignment) if archive.is_file() else None


def known(root: Path, assignment: Assignment) -> Iterator[Path]:
    """Folders with every dataset that is known here: of the live release, of those before it, and in build/."""
    for archive in (root / "dist" / _ANSWERS, *sorted(root.glob(f"releases/*/{_ANSWERS}"))):
        with suppress(UsageError):  # of another assignment, or damaged: no dataset that an upload could be for
            if archive.is_file():
                yield _unpacked(archive, root, assignment)
    for folder in sorted(root.glob("build/dataset*")):
        if all((folder / name).is_file() for name in assignment.data_names()):
            yield folder


def made_for_other(
    upload: Path, data: Path, root: Path, assignment: Assignment, student: Any | None = None
) -> str | None:
    """A sentence where an upload does not fit `data`, and does fit another dataset that is known here.

    Its answers decide where they can: wrong for `data`, and right for the other. Where they fit neither, or there are
    none, what else the problem can tell by `student` (as graded tests have it) decides, and is told with its limits.

    Raises:
        UsageError: `data` cannot be read.
    """
    for entry in assignment.problems:
        fit = problem_of(entry).fit
        here = fit(upload, data) if fit is not None and entry.thresholds else None
        if here is not None and here >= entry.least_threshold:
            continue
        said = _by_answers(entry, upload, data, root, assignment, here)
        if said is None and student is not None:
            said = _by_misfit(entry, student, data, root, assignment)
        if said is not None:
            return said
    return None


def _by_answers(
    entry: ProblemEntry, upload: Path, data: Path, root: Path, assignment: Assignment, here: float | None
) -> str | None:
    """By the answers, of which the fraction `here` is right for `data`; None where there are none."""
    fit = problem_of(entry).fit
    if fit is not None and here is not None:
        best, folder = max(((_fit(fit, upload, each), each) for each in known(root, assignment)), default=(0.0, data))
        if best >= max(entry.least_threshold, 2 * here):
            return (
                f"This upload was made for another dataset: {best:.0%} of the answers in its best file are right for "
                f"{named(folder, assignment, root)}, and {here:.1%} for the data of this grade, "
                f"{named(data, assignment, root)}. Grade it with --data {folder}"
            )
    return None


def _by_misfit(entry: ProblemEntry, student: Any, data: Path, root: Path, assignment: Assignment) -> str | None:
    """By what an upload for `data` could not hold."""
    reads = problem_of(entry).misfit
    if reads is None:
        return None
    misfit = reads(student)
    why = misfit(data)
    if not why:
        return None
    fitting: dict[str, Path] = {}
    for folder in known(root, assignment):
        with suppress(UsageError):  # a folder in build/ that somebody edited
            if not misfit(folder):
                fitting.setdefault(_digest(folder, assignment), folder)
    if not fitting:
        return None
    first, *others = fitting.values()
    more = f" (as well as {len(others)} more that are known here)" if others else ""
    return (
        f"This upload seems to be made for another dataset: {why}. That is not the data of this grade, "
        f"{named(data, assignment, root)}; it could be {named(first, assignment, root)}{more}. Characters are a weak "
        f"hint: many datasets have equally many. If it is so, grade it with --data {first}"
    )


def _fit(fit: Callable[[Path, Path], float | None], upload: Path, folder: Path) -> float:
    try:
        return fit(upload, folder) or 0.0
    except UsageError:  # a folder in build/ that somebody edited
        return 0.0


def _unpacked(archive: Path, root: Path, assignment: Assignment) -> Path:
    try:
        with zipfile.ZipFile(archive) as opened:
            files = {name: opened.read(f"data/{name}") for name in assignment.data_names()}
    except (OSError, KeyError, zipfile.BadZipFile) as problem:
        told = f"{archive}: its data cannot be read ({problem}); `make release` again, or give --data"
        raise UsageError(told) from problem
    folder = root / "build" / f"released-{digest(files)[:12]}"
    if not folder.is_dir():
        _write(files, folder)
    return folder


def release_in(root: Path) -> str:
    """The release in dist/ in words; what its manifest does not tell is left out."""
    try:
        told = json.loads((root / "dist" / "manifest.json").read_text(encoding="utf-8"))
        demo = ", made with the public demo key" if told["demo_key"] else ""
        profile = f", profile {told['profile']}" if told.get("profile") else ""
        return f"release {told['release']} in dist/{profile}{demo}"
    except (OSError, ValueError, KeyError, TypeError):
        return "the release in dist/"


def _write(files: dict[str, bytes], folder: Path) -> None:
    """The folder appears complete or not at all; another grade may make it meanwhile."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    try:
        aside.mkdir(parents=True)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        with suppress(OSError):
            aside.rename(folder)
        if not folder.is_dir():
            raise UsageError(f"{folder}: cannot be made; give --data")
    except OSError as problem:
        raise UsageError(f"{folder}: cannot be written ({problem.strerror}); give --data") from problem
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check(data: Path, assignment: Assignment) -> None:
    """UsageError, with file and line, where the data in a folder contradicts itself, as that of two terms does."""
    for entry in assignment.problems:
        said = problem_of(entry).check_data
        if said is not None:
            said(data)


def named(data: Path, assignment: Assignment, root: Path) -> str:
    """The dataset as results name it: the first digits of its digest, its key and release where known, its folder."""
    found = _digest(data, assignment)
    return f"{found[:8]}{_origin(found, root)}, from {data}"


def _digest(data: Path, assignment: Assignment) -> str:
    return digest({name: (data / name).read_bytes() for name in assignment.data_names()})


def _origin(data: str, root: Path) -> str:
    """The key's fingerprint and the release that the data with this digest belongs to, as far as stamps here tell."""
    live = {root / "release.json": "", root / "dist" / "manifest.json": ", the live one"}
    for path in (*live, *sorted(root.glob("releases/*/manifest.json"))):
        try:
            stamp = json.loads(path.read_bytes())
            if stamp["data"] == data:
                key = f"key {stamp['key']}" if stamp["key"] else "without a key"
                return f", {key}, of release {stamp['release']}{live.get(path, '')}"
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""
