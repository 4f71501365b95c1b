"""dist/, which holds the live release, and releases/, which keeps those before it.

Promises: a release is never deleted. The new one is written aside; what it replaces is copied to
`releases/<release>/` first, and moved out of the way last: whatever fails, dist/ is the old release or the new one.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import HoldoutError, UsageError
from harness.release import previous as previous_release
from harness.release import training
from harness.release.previous import MANIFEST, PreviousRelease
from harness.release.template import files_below

LIVE, KEPT = "dist", "releases"

#: What `build.py handouts` leaves in dist/ where there is no release: no one needs it again.
_DRAFTS = ("handouts/", "staff/")
_TRAINING = "training"


def live(root: Path) -> PreviousRelease | None:
    """The release in dist/; None where there is none. UsageError where its manifest cannot be read."""
    return previous_release.load(root / LIVE) if (root / LIVE / MANIFEST).is_file() else None


def publish(artefacts: Mapping[str, bytes], root: Path) -> Path | None:
    """Make `artefacts` the live release; where the one before it is kept, None where nothing needed keeping."""
    dist = root / LIVE
    (root / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "build") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        for path, data in artefacts.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(data)
        kept = None if _same(new, dist) else keep(root)
        if dist.exists():
            dist.rename(old)
        try:
            new.rename(dist)
        except OSError:
            if old.exists():
                old.rename(dist)
            raise
    return kept


def keep(root: Path) -> Path | None:
    """Copy what is in dist/ to releases/, with the record of its training; the folder, None where dist/ has no release.

    What is there already stays: a release that differs from one of the same name gets a number.
    """
    dist = root / LIVE
    name = _name(dist)
    if name is None:
        return None
    with tempfile.TemporaryDirectory(dir=_folder(root)) as scratch:
        aside = Path(scratch) / name
        shutil.copytree(dist, aside)
        for path in _training_of(root):
            (aside / _TRAINING).mkdir(exist_ok=True)
            shutil.copyfile(path, aside / _TRAINING / path.name)
        for place in _places(root / KEPT, name):
            if _same(dist, place, but=_TRAINING):
                return place
            if not place.exists():
                aside.rename(place)
                return place
    raise AssertionError("unreachable")


def archives(root: Path) -> list[PreviousRelease]:
    """The releases in releases/, those that can be read, by name."""
    found = []
    for path in sorted((root / KEPT).glob(f"*/{MANIFEST}")):
        try:
            found.append(previous_release.load(path))
        except UsageError:
            continue
    return found


def _folder(root: Path) -> Path:
    folder = root / KEPT
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise UsageError(f"{folder}: cannot be made ({problem.strerror}); it keeps the release in dist/") from problem
    return folder


def _name(dist: Path) -> str | None:
    """The release's ID; of what has no readable manifest, a name by its contents. None where nothing is worth it."""
    files = list(files_below(dist)) if dist.is_dir() else []
    if all(path.startswith(_DRAFTS) for path in files):
        return None
    try:
        return previous_release.load(dist).stamp.release
    except HoldoutError:
        total = hashlib.sha256(b"".join((dist / path).read_bytes() for path in files))
        return f"without-manifest-{total.hexdigest()[:8]}"


def _places(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    number = 2
    while True:
        yield folder / f"{name}-{number}"
        number += 1


def _same(one: Path, other: Path, but: str = "") -> bool:
    """Whether two folders hold the same files, less those in a folder `but`."""
    if not one.is_dir() or not other.is_dir():
        return False
    mine, theirs = (
        {path for path in files_below(each) if not (but and path.startswith(f"{but}/"))} for each in (one, other)
    )
    return mine == theirs and all(filecmp.cmp(one / path, other / path, shallow=False) for path in mine)


def _training_of(root: Path) -> list[Path]:
    try:
        raw = json.loads((root / LIVE / MANIFEST).read_bytes())
        return training.records_of(root, raw["data"], raw["preset"], demo=raw["demo_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
