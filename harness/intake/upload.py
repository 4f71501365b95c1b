"""What lies in an upload: entries, limits, and the folder on disk, listed and opened without following anything.

Promises: every entry is reported with its real kind; `open` gives a regular file with one name or raises
`RefusedError`; no link is followed below the upload itself; listing takes no more time and memory than the caps allow.
Which files are wanted is harness.intake.layout's to say, and harness.intake.archive does the same for zips. On Windows,
where a folder cannot be opened, it is checked by path instead: good against accidents, not against an attacker who
swaps files meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from harness.errors import HoldoutError, InternalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Parts = tuple[str, ...]
EntryKind = Literal["file", "folder", "link", "special"]

#: Never looked into: machines fill them, with thousands of files.
SKIPPED = frozenset({
    "__MACOSX", "__pycache__", ".git", ".hg", ".svn", ".venv", "venv", "site-packages", "node_modules", ".idea",
    ".vscode", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache",
})  # fmt: skip
#: Skipped inside a folder that is a Python environment, whatever it is called.
_ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
_ENVIRONMENT_FOLDERS = frozenset({"bin", "conda-meta", "etc", "include", "lib", "lib64", "pkgs", "scripts", "share"})

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")
_SAFE_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


#: What a machine runs short of, or what breaks in it. No bytes of an upload can cause these; they cause all the others.
_OF_THE_MACHINE = frozenset({
    errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT, errno.EROFS,
    errno.ESTALE, errno.ETIMEDOUT,
})  # fmt: skip
#: What is wrong with a file's name, where an upload chose it: too long, or not to be told from another one here.
_OF_A_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ELOOP, errno.EEXIST})


class UploadError(HoldoutError):
    """The whole upload is unusable; `str()` names it and says what to upload instead."""

    exit_code = 2


class RefusedError(Exception):
    """One entry cannot be read; `str()` continues a sentence that begins with its name."""


@dataclass(frozen=True)
class Caps:
    """How much of an upload is looked at. Sizes in bytes, all uncompressed."""

    code: int = 1 << 20
    predictions: int = 1 << 20
    params: int = 64 << 20
    total: int = 512 << 20
    entries: int = 20_000
    depth: int = 16
    extra_files: int = 64
    wrappings: int = 2


@dataclass(frozen=True)
class Entry:
    """Something in an upload. `size` in bytes, as claimed; the reader counts for itself."""

    parts: Parts
    kind: EntryKind
    size: int = 0

    @property
    def name(self) -> str:
        """The last component."""
        return self.parts[-1]

    @property
    def folder(self) -> Parts:
        """The components above the name."""
        return self.parts[:-1]


WHAT_IT_IS: Mapping[EntryKind, str] = {
    "file": "is a file",
    "folder": "is a folder; upload a file of that name",
    "link": "is a symbolic link; upload the file itself",
    "special": "is a pipe, a socket or a device; upload an ordinary file",
}


def show(name: str | Parts) -> str:
    """A name from an upload, safe to print: no control or direction characters, at most 80 characters."""
    text = name if isinstance(name, str) else "/".join(name)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 80 else f"{text[:38]}...{text[-38:]}"


def megabytes(size: int) -> str:
    """A size in bytes for a person: `1.5 MiB`."""
    return f"{size / (1 << 20):.4g} MiB"


def is_skipped(folder: str, siblings: Iterable[str]) -> bool:
    """Whether nobody keeps deliverables in `folder`; `siblings` are the names of everything that lies beside it."""
    in_environment = folder.lower() in _ENVIRONMENT_FOLDERS and not _ENVIRONMENT_MARKS.isdisjoint(siblings)
    return folder in SKIPPED or in_environment


class Source(ABC):
    """An upload that can be listed and read."""

    label: str
    notes: list[str]  #: what is odd about it and was put up with, a sentence each

    @abstractmethod
    def entries(self) -> tuple[Entry, ...]:
        """Everything outside skipped folders and within the depth cap, sorted. UploadError if there is too much."""

    @abstractmethod
    def open(self, entry: Entry) -> IO[bytes]:
        """A stream of the entry's bytes; RefusedError unless it is a regular file that can be read."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the upload."""

    def too_many(self, caps: Caps) -> UploadError:
        """The complaint about more entries than `caps.entries`."""
        return UploadError(
            f"{self.label}: holds more than {caps.entries:,} files and folders; upload the deliverables only, without "
            "environments and data"
        )


class FolderSource(Source):
    """A folder on disk, which may change while it is read."""

    def __init__(self, root: Path, caps: Caps) -> None:
        """Open `root`, which may itself be a link: the caller chose it. UploadError if it cannot be listed."""
        self.label = show(root.name or str(root))
        self._root = root
        self._caps = caps
        self._descriptor = -1
        self.notes = []
        if _BY_DESCRIPTOR:
            try:
                self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as problem:
                raise unreadable(self.label, problem) from problem

    def entries(self) -> tuple[Entry, ...]:
        """See Source. A folder that cannot be listed counts as empty."""
        found: list[Entry] = []
        for entry in self._walk(()):
            found.append(entry)
            if len(found) > self._caps.entries:
                raise self.too_many(self._caps)
        return tuple(sorted(found, key=lambda entry: entry.parts))

    def _walk(self, folder: Parts) -> Iterator[Entry]:
        # Each level is opened afresh from the root, so no more than one descriptor is held however deep it goes.
        try:
            listed = self._list(folder)
        except OSError as problem:
            if not folder or is_ours(problem):
                raise unreadable(self.label, problem) from problem
            return
        names = {entry.name for entry in listed}
        for entry in listed:
            yield entry
            if entry.kind == "folder" and len(entry.parts) < self._caps.depth and not is_skipped(entry.name, names):
                yield from self._walk(entry.parts)

    def _list(self, folder: Parts) -> list[Entry]:
        listed: list[Entry] = []
        with self._opened(folder) as handle, os.scandir(handle) as scan:
            for item in scan:
                listed.append(_entry_on_disk(folder, item))
                if len(listed) > self._caps.entries:
                    raise self.too_many(self._caps)
        return sorted(listed, key=lambda entry: entry.parts)

    @contextmanager
    def _opened(self, folder: Parts) -> Iterator[int | Path]:
        """The folder as something that scandir takes, reached without following a link."""
        if not _BY_DESCRIPTOR:
            yield self._checked_path(folder)
            return
        descriptor = os.dup(self._descriptor)
        try:
            for part in folder:
                below = os.open(part, _SAFE_OPEN | os.O_DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _checked_path(self, parts: Parts) -> Path:
        path = self._root
        for part in parts:
            path /= part
            if stat.S_ISLNK(path.lstat().st_mode):
                raise OSError(f"{show(part)} is a link")
        return path

    def open(self, entry: Entry) -> IO[bytes]:
        """See Source."""
        if entry.kind != "file":
            raise RefusedError(WHAT_IT_IS[entry.kind])
        try:
            descriptor = self._open_file(entry.parts)
        except OSError as problem:
            if is_ours(problem):
                raise unreadable(self.label, problem) from problem
            raise RefusedError(f"cannot be read ({problem.strerror or problem}); upload it again") from problem
        try:
            _require_plain_file(os.fstat(descriptor))
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise

    def _open_file(self, parts: Parts) -> int:
        with self._opened(parts[:-1]) as handle:
            if isinstance(handle, int):
                return os.open(parts[-1], _SAFE_OPEN, dir_fd=handle)
            return os.open(self._checked_path(parts), _SAFE_OPEN | getattr(os, "O_BINARY", 0))

    def close(self) -> None:
        """See Source."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _entry_on_disk(folder: Parts, item: os.DirEntry[str]) -> Entry:
    parts = (*folder, item.name)
    try:
        status = item.stat(follow_symlinks=False)
    except OSError as problem:  # it went away, or we may not look
        if is_ours(problem):
            raise
        return Entry(parts, "special")
    return Entry(parts, kind_of(status.st_mode), status.st_size)


def _require_plain_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(WHAT_IT_IS["special"])
    if status.st_nlink > 1:  # another name for a file that is not the student's to hand in, perhaps
        raise RefusedError(f"has {status.st_nlink} names on this disk (a hard link); upload a copy of its own")


def kind_of(mode: int) -> EntryKind:
    """The kind that a Unix file mode tells."""
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special"


def is_ours(problem: OSError) -> bool:
    """Whether a failure to read tells of this machine and nothing of the upload."""
    return problem.errno in _OF_THE_MACHINE


def unreadable(label: str, problem: OSError) -> HoldoutError:
    """The complaint about an upload that the system does not let us read: whose it is follows from the reason."""
    if is_ours(problem):
        return InternalError(f"{label}: cannot be read here ({problem.strerror}), which is not the upload's doing")
    return UploadError(f"{label}: cannot be read ({problem.strerror or problem}); give a folder or a zip")


@contextmanager
def names_are_theirs() -> Iterator[None]:
    """RefusedError where a file cannot be made under a name that the upload chose, and the name is the reason."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in _OF_A_NAME:
            raise
        said = f"cannot be stored under this name ({problem.strerror}); give it a short one of its own"
        raise RefusedError(said) from problem


@contextmanager
def faults_are_ours(path: Path) -> Iterator[None]:
    """Turn a failure to write `path`, a full disk say, into an InternalError: no student is to blame for it."""
    try:
        yield
    except OSError as problem:
        raise InternalError(f"{path}: cannot be written ({problem.strerror or problem}); free some space") from problem
