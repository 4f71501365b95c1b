"""A class's uploads as they come: Gradescope's export, a folder of folders or of zips, nested or flat, or a zip of it.

Promises: each upload is found once, under a name of its own; what is wrong with one becomes a sentence and leaves the
others as they are; an export is only read. What lies in an upload is not looked at beyond the names: staging does that,
and an upload out of a zip stays a zip, so that no name that a student chose is ever used on this disk.

Which folder is an upload: with a submission_metadata.yml, what lies beside it. Else each folder or zip that lies in the
export, except a folder that holds several uploads itself: several zips, or folders that have deliverables in common.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from harness.classroom import metadata
from harness.classroom.metadata import Metadata, MetadataError
from harness.classroom.records import Attempt, Results, Submitter
from harness.errors import UsageError
from harness.intake.upload import SKIPPED, Parts, UploadError, faults_are_ours, megabytes, show

#: An upload out of a zip may be so large, unpacked. The platform takes 100 MB.
LARGEST_UPLOAD = 1 << 30
#: 10,000 submissions of 40 tests, with their histories, are a third of it.
_LARGEST_METADATA = 256 << 20
#: Nobody's upload begins deeper.
_DEPTH = 8
_CHUNK_BYTES = 1 << 20
_JUNK = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_ZIP_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error)

#: A folder: its entries by name; None stands for a file.
Tree = dict[str, "Tree | None"]


@dataclass(frozen=True)
class Upload:
    """One upload that an export lists."""

    submission: str  #: its key in the export, or its path in it
    place: Parts | None  #: its path in the export; None where it is not there
    submitters: tuple[Submitter, ...] = ()
    created_at: datetime | None = None
    results: Results | None = None  #: which the platform gave it
    history: tuple[Attempt, ...] = ()
    problem: str = ""  #: the sentence that says why it cannot be graded


class Source(ABC):
    """Where the files of an export lie."""

    @abstractmethod
    def tree(self) -> tuple[Tree, list[str]]:
        """All that lies in it, as far as it matters here, and a sentence on each thing that is left out."""

    @abstractmethod
    def read(self, place: Parts, most: int) -> bytes:
        """The bytes of a file. UploadError where it cannot be read or has more than `most`."""

    @abstractmethod
    def fingerprint(self, place: Parts) -> str:
        """Differs where an upload has changed since, as far as that can be told without reading it."""

    @abstractmethod
    def path(self, place: Parts) -> Path | None:
        """Where an upload lies on the disk; None where it has to be fetched first."""

    @abstractmethod
    def fetch(self, place: Parts, target: Path) -> Path:
        """A folder or zip to grade: the upload itself, or a copy at `target`, which is written in one step.

        Raises:
            UploadError: it cannot be read, or is far too large.
            InternalError: the copy cannot be written.
        """


@dataclass(frozen=True)
class Export:
    """The uploads of a class, and what is odd about how they came, a sentence each."""

    source: Source
    uploads: tuple[Upload, ...]
    complaints: tuple[str, ...]


def read(export: Path, deliverables: Collection[str]) -> Export:
    """The export at `export`, of an assignment with these names of deliverables.

    Raises:
        UsageError: there is nothing to grade in it; the sentence says what was expected.
    """
    source = _open(export)
    tree, complaints = source.tree()
    found = _metadata_in(tree)
    if found is None:
        uploads = _without_metadata(tree, (), deliverables, complaints)
        if uploads:
            complaints.append(f"{export}: has no {metadata.NAME}; uploads are named by their folders and zips")
    else:
        uploads = _with_metadata(source, tree, found, deliverables, complaints)
    if not uploads:
        alone = not _files_in(tree).isdisjoint(deliverables)
        if alone:
            raise UsageError(f"{export}: is one upload; `python -m harness grade` grades it")
        raise UsageError(
            f"{export}: holds no uploads; give Gradescope's export, or a folder with a folder or zip for each"
        )
    return Export(source, tuple(uploads), tuple(complaints))


def _open(export: Path) -> Source:
    if export.is_dir():
        return _Folder(export)
    if not export.is_file():
        raise UsageError(f"{export}: no such folder or zip; give the class's export")
    try:
        return _Zip(export, zipfile.ZipFile(export))
    except (*_ZIP_ERRORS, OSError, ValueError) as problem:
        raise UsageError(f"{export}: is not a zip that can be read ({problem}); download the export again") from problem


def _metadata_in(tree: Tree) -> Parts | None:
    """The folder that holds the metadata, if any: the export itself, or one in it."""
    if metadata.NAME in tree and tree[metadata.NAME] is None:
        return ()
    for name, child in sorted(tree.items()):
        if child and metadata.NAME in child and child[metadata.NAME] is None:
            return (name,)
    return None


def _with_metadata(
    source: Source, tree: Tree, folder: Parts, deliverables: Collection[str], complaints: list[str]
) -> list[Upload]:
    base = tree[folder[0]] if folder else tree
    assert base is not None
    try:
        found = metadata.read(source.read((*folder, metadata.NAME), _LARGEST_METADATA))
    except (MetadataError, UploadError) as problem:
        told = str(problem).removeprefix(f"{metadata.NAME}: ")
        complaints.append(f"{metadata.NAME}: {told}; uploads are graded without names and earlier results")
        return _without_metadata(base, folder, deliverables, complaints)
    complaints += found.complaints
    return [*_listed(found, base, folder), *_unlisted(found, base, folder, complaints)]


def _listed(found: Metadata, base: Tree, folder: Parts) -> Iterator[Upload]:
    for key, entry in found.entries.items():
        name = next((name for name in (key, f"{key}.zip") if name in base and _is_upload(name, base[name])), None)
        problem = "" if name else f"{show(key)}: the export lists it, and has no folder of that name; download it again"
        place = (*folder, name) if name else None
        yield Upload(key, place, entry.submitters, entry.created_at, entry.results, entry.history, problem)


def _unlisted(found: Metadata, base: Tree, folder: Parts, complaints: list[str]) -> Iterator[Upload]:
    """What lies beside the metadata and is not in it: graded as well, since somebody handed it in."""
    for name, child in sorted(base.items()):
        if name not in found.entries and name.removesuffix(".zip") not in found.entries and _is_upload(name, child):
            complaints.append(f"{show(name)}: is not in {metadata.NAME}; it is graded without names")
            yield Upload(name, (*folder, name))


def _is_upload(name: str, child: Tree | None) -> bool:
    return child is not None or name.lower().endswith(".zip")


def _without_metadata(base: Tree, at: Parts, deliverables: Collection[str], complaints: list[str]) -> list[Upload]:
    if not _files_in(base).isdisjoint(deliverables):
        return []
    return [Upload("/".join(place[len(at) :]), place) for place in _places(base, at, deliverables, complaints)]


def _places(tree: Tree, at: Parts, deliverables: Collection[str], complaints: list[str]) -> Iterator[Parts]:
    """The paths of the uploads in the folder `at`, which is none itself."""
    for name, child in sorted(tree.items()):
        place = (*at, name)
        if child is not None and _is_group(child, deliverables):
            complaints.append(f"{show(place)}: holds several uploads; each is graded by itself")
            yield from _places(child, place, deliverables, complaints)
        elif _is_upload(name, child):
            yield place
        elif name != metadata.NAME:
            complaints.append(f"{show(place)}: is neither a folder nor a zip; it is left out")


def _is_group(tree: Tree, deliverables: Collection[str]) -> bool:
    """Whether a folder holds several uploads, and is none itself."""
    if not _files_in(tree).isdisjoint(deliverables):
        return False
    if sum(child is None and name.lower().endswith(".zip") for name, child in tree.items()) > 1:
        return True
    holders = [child for child in tree.values() if child and not _deliverables_in(child).isdisjoint(deliverables)]
    zipped = [child for child in tree.values() if child and _is_group(child, deliverables)]
    shared = Counter(name for child in holders for name in _deliverables_in(child) & set(deliverables))
    return bool(zipped) or (len(holders) > 1 and max(shared.values()) > 1)


def _files_in(tree: Tree) -> set[str]:
    return {name for name, child in tree.items() if child is None}


def _deliverables_in(tree: Tree) -> set[str]:
    """The names of all files in a folder and the folders below it."""
    return _files_in(tree).union(*(_deliverables_in(child) for child in tree.values() if child))


def _is_junk(name: str) -> bool:
    """What operating systems and editors put beside uploads."""
    return name in _JUNK or name in SKIPPED or name.startswith("._")


class _Folder(Source):
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def tree(self) -> tuple[Tree, list[str]]:
        """See Source."""
        complaints: list[str] = []
        return self._walk(self._root, (), complaints), complaints

    def _walk(self, folder: Path, at: Parts, complaints: list[str]) -> Tree:
        found: Tree = {}
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as problem:
            complaints.append(f"{show(at) or self._root}: cannot be listed ({problem.strerror})")
            return found
        for entry in entries:
            place = (*at, entry.name)
            if _is_junk(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                found[entry.name] = self._walk(Path(entry.path), place, complaints) if len(place) < _DEPTH else {}
            elif entry.is_symlink() and entry.is_dir() and len(place) < 3:
                complaints.append(f"{show(place)}: is a symbolic link, and is left out; put the folder itself there")
            else:
                found[entry.name] = None
        return found

    def read(self, place: Parts, most: int) -> bytes:
        """See Source."""
        try:
            with self._root.joinpath(*place).open("rb") as stream:
                data = stream.read(most + 1)
        except OSError as problem:
            raise UploadError(f"{show(place)}: cannot be read ({problem.strerror})") from problem
        return _at_most(data, most, place)

    def fingerprint(self, place: Parts) -> str:
        """See Source. By names, sizes and times of change."""
        top = self.path(place)
        found = [f"{path.relative_to(top)} {_size_and_time(path)}" for path in sorted(_files_below(top))]
        return _digest(found or [_size_and_time(top)])

    def path(self, place: Parts) -> Path:
        """See Source."""
        return self._root.joinpath(*place)

    def fetch(self, place: Parts, target: Path) -> Path:  # noqa: ARG002 - nothing is copied
        """See Source."""
        return self.path(place)


def _files_below(top: Path) -> Iterator[Path]:
    for folder, _, files in os.walk(top):
        yield from (Path(folder, name) for name in files)


def _size_and_time(path: Path) -> str:
    try:
        status = path.lstat()
    except OSError as problem:
        return str(problem.errno)
    return f"{status.st_size} {status.st_mtime_ns}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _at_most(data: bytes, most: int, place: Parts) -> bytes:
    if len(data) > most:
        raise UploadError(f"{show(place[-1])}: is more than {megabytes(most)}, far too large")
    return data


class _Zip(Source):
    """A zip on disk, which stays open. Several threads may fetch from it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._complaints: list[str] = []
        self._folders: set[Parts] = set()
        self._files: dict[Parts, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            self._add(info)
        self._sorted = sorted(self._files)

    def _add(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename.replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in {"", "."})
        if ".." in parts or "\0" in name or name.startswith("/"):
            self._complaints.append(f"{self._path}: '{show(name)}' is a path that leaves the zip; it is left out")
        elif any(map(_is_junk, parts)):
            return
        elif name.endswith("/"):
            self._folders.add(parts)
        elif parts:
            self._files[parts] = info  # of two with one name tools unpack the last

    def tree(self) -> tuple[Tree, list[str]]:
        """See Source."""
        found: Tree = {}
        for parts in sorted(self._folders):
            _make(found, parts)
        for parts in self._sorted:
            folder = _make(found, parts[:-1])
            if folder is not None and len(parts) <= _DEPTH:
                folder.setdefault(parts[-1], None)
        return found, list(self._complaints)

    def read(self, place: Parts, most: int) -> bytes:
        """See Source."""
        try:
            with self._archive.open(self._files[place]) as stream:
                return _at_most(stream.read(most + 1), most, place)
        except (*_ZIP_ERRORS, OSError) as problem:
            raise UploadError(f"{show(place)}: cannot be read ({problem}); download the export again") from problem

    def fingerprint(self, place: Parts) -> str:
        """See Source. By names, sizes and checksums."""
        infos = ((parts, self._files[parts]) for parts in self._below(place))
        return _digest(f"{'/'.join(parts)} {info.file_size} {info.CRC}" for parts, info in infos)

    def path(self, place: Parts) -> None:
        """See Source."""

    def fetch(self, place: Parts, target: Path) -> Path:
        """See Source. The copy is a zip: the upload's own, or one of the files that lie in its folder."""
        target = target.with_name(f"{target.name}.zip")
        if target.is_file():
            return target
        files = list(self._below(place))
        size = sum(self._files[parts].file_size for parts in files)
        if size > LARGEST_UPLOAD:
            told = f"is {megabytes(size)} unpacked, more than the {megabytes(LARGEST_UPLOAD)} that are read"
            raise UploadError(f"{show(place[-1])}: {told}; ask for the deliverables only")
        try:
            with faults_are_ours(target), _appearing(target) as stream:
                self._copy(place, files, stream)
        except _ZIP_ERRORS as problem:
            raise UploadError(
                f"{show(place[-1])}: is damaged in the export ({problem}); download the export again"
            ) from problem
        return target

    def _copy(self, place: Parts, files: list[Parts], into: IO[bytes]) -> None:
        if files == [place]:
            with self._archive.open(self._files[place]) as inner:
                shutil.copyfileobj(inner, into, _CHUNK_BYTES)
            return
        with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as copied:
            for parts in files:
                info = self._files[parts]
                entry = zipfile.ZipInfo("/".join(parts[len(place) :]), info.date_time)
                entry.create_system = 3
                mode = info.external_attr >> 16
                entry.external_attr = (mode if stat.S_IFMT(mode) else stat.S_IFREG | 0o644) << 16  # a link stays one
                entry.file_size = info.file_size
                with self._archive.open(info) as inner, copied.open(entry, "w") as outer:
                    shutil.copyfileobj(inner, outer, _CHUNK_BYTES)

    def _below(self, place: Parts) -> Iterator[Parts]:
        """The file at `place`, or all those below it."""
        for at in range(bisect_left(self._sorted, place), len(self._sorted)):
            if self._sorted[at][: len(place)] != place:
                return
            yield self._sorted[at]


def _make(tree: Tree, parts: Parts) -> Tree | None:
    """The folder at `parts`, made where it is not there; None where a file is in its way or it lies too deep."""
    folder: Tree | None = tree
    for part in parts:
        folder = folder.setdefault(part, {}) if folder is not None else None
    return folder if len(parts) < _DEPTH else None


@contextmanager
def _appearing(target: Path) -> Iterator[IO[bytes]]:
    """A file that is at `target` once the block has ended, whole and on the disk, or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
