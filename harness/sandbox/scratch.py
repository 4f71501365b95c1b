"""Scratch folders: private to one worker, watched while it runs, wiped whatever it left there.

Wiping assumes the worst: names that are no text, trees deeper than a path can be long, folders without permissions,
symbolic links to anywhere. It needs one descriptor, follows no link, and never recurses.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

_BY_DESCRIPTOR = {
    os.open,
    os.rename,
    os.unlink,
    os.rmdir,
    os.stat,
} <= os.supports_dir_fd and os.scandir in os.supports_fd
_OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_LONGEST_PATH = 1024
#: Where every user of a machine may write by default.
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")  # noqa: S108 - to be swept, not to be used


def create(parent: Path, owner: int | None) -> Path:
    """A new folder of an unguessable name, readable by `owner` (default: us) alone."""
    folder = parent / secrets.token_hex(16)
    folder.mkdir(mode=0o700)
    if owner is not None:
        os.chown(folder, owner, owner)
    return folder


def closed_ancestor(path: Path) -> Path | None:
    """The first folder on the way to `path` that other users cannot pass, if there is one."""
    for folder in [*reversed(path.parents), path]:
        with contextlib.suppress(OSError):
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
    return None


@dataclass(frozen=True)
class Usage:
    """What lies in a folder: a lower bound once `entries` reaches the walk's cap."""

    entries: int
    bytes: int


def usage(folder: Path, most_entries: int) -> Usage:
    """Count files, folders and bytes beneath `folder`, stopping soon after `most_entries`.

    Folders nested so deep that their paths get very long count as too many: following them takes quadratic time. What
    changes while we look may be missed.
    """
    entries, size, pending = 0, 0, [os.fspath(folder)]
    longest = len(pending[0]) + _LONGEST_PATH
    while pending and entries <= most_entries:
        path = pending.pop()
        if len(path) > longest:
            return Usage(most_entries + 1, size)
        with contextlib.suppress(OSError), os.scandir(path) as found:
            for entry in itertools.islice(found, most_entries + 1):
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
    return Usage(entries, size)


def wipe(folder: Path, seconds: float = 30.0) -> bool:
    """Remove `folder` and everything in it; False when something is left after that time or for lack of permission."""
    if not _BY_DESCRIPTOR:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    try:
        if os.geteuid() != 0 and stat.S_ISDIR(folder.lstat().st_mode):
            folder.chmod(0o700)
        handle = os.open(folder, _OPEN_FOLDER)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    wiper = _Wiper(handle, time.monotonic() + seconds)
    try:
        done = wiper.run()
        if done:
            folder.rmdir()
    except OSError:
        return False
    finally:
        wiper.close()
    return done


@dataclass
class _Level:
    """A folder on the way down: its name in its parent, which file it is, and folders in it still to be emptied."""

    name: str
    identity: tuple[int, int]
    folders: list[str]


class _Wiper:
    """Empties a folder depth first, with one descriptor: down by name, up by `..`.

    Going up is checked: a folder that somebody moved meanwhile would lead elsewhere.
    """

    def __init__(self, handle: int, deadline: float) -> None:
        self._handle = handle
        self._deadline = deadline
        os.fchmod(handle, 0o700)
        self._levels = [_Level("", _identity(handle), [])]

    def run(self) -> bool:
        """True once the folder is empty, False when time runs out; OSError when something cannot be removed."""
        while time.monotonic() < self._deadline:
            level = self._levels[-1]
            if level.folders:
                self._descend(level.folders.pop())
            elif self._remove_files(level):
                continue
            elif len(self._levels) == 1:
                return True
            else:
                self._ascend()
        return False

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._handle)

    def _remove_files(self, level: _Level) -> bool:
        """Remove some thousands of files and note folders; False when there was nothing at all."""
        with os.scandir(self._handle) as found:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in itertools.islice(found, 4096)]
        level.folders = [name for name, is_folder in entries if is_folder]
        for name, is_folder in entries:
            if not is_folder:
                os.unlink(name, dir_fd=self._handle)
        return bool(entries)

    def _descend(self, name: str) -> None:
        if os.geteuid() != 0:
            os.chmod(name, 0o700, dir_fd=self._handle)
        self._move(os.open(name, _OPEN_FOLDER, dir_fd=self._handle))
        self._levels.append(_Level(name, _identity(self._handle), []))

    def _ascend(self) -> None:
        left = self._levels.pop()
        self._move(os.open("..", _OPEN_FOLDER, dir_fd=self._handle))
        if _identity(self._handle) != self._levels[-1].identity:
            raise OSError(f"{left.name} was moved while it was wiped")
        os.rmdir(left.name, dir_fd=self._handle)

    def _move(self, handle: int) -> None:
        os.close(self._handle)
        self._handle = handle


def _identity(handle: int) -> tuple[int, int]:
    found = os.fstat(handle)
    return found.st_dev, found.st_ino


def sweep_shared_folders(owner: int) -> int:
    """Remove what user `owner`, a worker that is gone, left in folders where everybody may write; how many things."""
    removed = 0
    for shared in SHARED_FOLDERS:
        with contextlib.suppress(OSError), os.scandir(shared) as found:
            for entry in found:
                if entry.stat(follow_symlinks=False).st_uid == owner:
                    removed += _remove(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))
    return removed


def _remove(path: Path, *, is_folder: bool) -> bool:
    if is_folder:
        return wipe(path)
    with contextlib.suppress(OSError):
        path.unlink()
        return True
    return False
