"""Scratch folders: private to one worker, watched while it runs, wiped whatever it left there.

Watching sees files by their names, and files without names by the space that is missing on the disk: a file that was
removed stays as long as it is open or mapped, and neither limits on descriptors nor on files count the mapped ones.

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

from harness.sandbox.model import Limits

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


#: How much the disk may fill up during one run beyond what has names; half of what was free, if that is less.
HIDDEN_BYTES = 1 << 30
_RELEASE_SECONDS = 2.0


class DiskWatch:
    """Says when one worker has used too much of the disk. Counts names less often where there are many.

    `suspicious`: whether to take what is missing on the disk for the worker's, if nothing with a name explains it.
    """

    def __init__(self, folder: Path, limits: Limits, *, suspicious: bool = True) -> None:
        self._folder = folder
        self._limits = limits
        self._suspicious = suspicious
        self._free = self._lowest = _free_bytes(folder)
        self._pause_until = 0.0
        self.suspects_hidden_files = False
        """Whether the disk filled up by what has no name in the folder; `was_released` says whether by the worker."""

    def look(self) -> str:
        """What is too much, in a sentence that ends the run; else an empty one."""
        return self._look_for_hidden_files() or self._count_names()

    def _count_names(self) -> str:
        begun = time.monotonic()
        if begun < self._pause_until:
            return ""
        used = usage(self._folder, self._limits.scratch_entries)
        self._pause_until = begun + 10 * (time.monotonic() - begun)
        if used.entries > self._limits.scratch_entries:
            return f"it made more than {self._limits.scratch_entries} files and folders"
        if used.bytes > self._limits.scratch_bytes:
            return f"it wrote more than {self._limits.scratch_bytes >> 20} MiB of files"
        return ""

    def _look_for_hidden_files(self) -> str:
        free = _free_bytes(self._folder)
        taken = self._free - free
        if not self._suspicious or taken <= min(HIDDEN_BYTES, self._free // 2):
            return ""
        self._lowest = free
        self.suspects_hidden_files = True
        return f"it wrote {taken >> 20} MiB into files that it had removed"

    def was_released(self) -> bool:
        """Whether, now that the worker is gone, most of the missing space is back: then it was the worker's."""
        deadline = time.monotonic() + _RELEASE_SECONDS
        while 2 * (_free_bytes(self._folder) - self._lowest) < self._free - self._lowest:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


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
                # Where somebody removed it meanwhile, the others are looked at all the same.
                with contextlib.suppress(OSError):
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
