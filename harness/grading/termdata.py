"""Which data a grade judges with: found where nobody says, checked, and named, so that every grade can tell.

Promises: a grade at the desk after a release uses that release's data; questions and answers of two terms are refused.
"""

from __future__ import annotations

import secrets
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

from harness.assignment import Assignment
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
    if not archive.is_file():
        return None
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


def named(data: Path, assignment: Assignment) -> str:
    """The dataset as results name it: as releases do, by the first digits of its digest, and by where it lies."""
    files = {name: (data / name).read_bytes() for name in assignment.data_names()}
    return f"{digest(files)[:8]} from {data}"
