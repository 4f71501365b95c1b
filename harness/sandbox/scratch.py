"""Scratch folders: private to one worker, watched while it runs, wiped whatever it left there.

Wiping assumes the worst: names that are no text, trees deeper than a path can be long, folders without permissions,
symbolic links to anywhere. It needs two descriptors at a time, follows no link, and never recurses.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

_BY_DESCRIPTOR = {os.open, os.rename, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd and os.scandir in os.supports_fd
_OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")  # noqa: S108 - to be swept, not to be used


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

    Folders nested deeper than a path can be long count as too many. What changes while we look may be missed.
    """
    entries, size, pending = 0, 0, [os.fspath(folder)]
    while pending and entries <= most_entries:
        try:
            with os.scandir(pending.pop()) as found:
                for entry in itertools.islice(found, most_entries + 1):
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError as problem:
            if problem.errno == errno.ENAMETOOLONG:
                entries = most_entries + 1
    return Usage(entries, size)


def wipe(folder: Path, seconds: float = 30.0) -> bool:
    """Remove `folder` and everything in it; False when something is left after that time or for lack of permission."""
    if not _BY_DESCRIPTOR:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    deadline = time.monotonic() + seconds
    try:
        handle = os.open(folder, _OPEN_FOLDER)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        os.fchmod(handle, 0o700)
        while _remove_level(handle):
            if time.monotonic() > deadline:
                return False
        os.rmdir(folder)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _remove_level(handle: int) -> bool:
    """Remove what lies directly in the folder; lift what lies in its folders up into it. False when it is empty."""
    names = _names(handle)
    for name, is_folder in names:
        if not is_folder:
            os.unlink(name, dir_fd=handle)
            continue
        _lift(handle, name)
        os.rmdir(name, dir_fd=handle)
    return bool(names)


def _lift(handle: int, name: str) -> None:
    """Empty one folder: files go, folders in it move up a level under new names."""
    if os.geteuid() != 0:
        os.chmod(name, 0o700, dir_fd=handle)
    inner = os.open(name, _OPEN_FOLDER, dir_fd=handle)
    try:
        while names := _names(inner):
            for entry, is_folder in names:
                if is_folder:
                    if os.geteuid() != 0:
                        os.chmod(entry, 0o700, dir_fd=inner)
                    os.rename(entry, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=handle)
                else:
                    os.unlink(entry, dir_fd=inner)
    finally:
        os.close(inner)


def _names(handle: int) -> list[tuple[str, bool]]:
    """Up to some thousands of the folder's entries, and whether each is a folder itself."""
    names = []
    with os.scandir(handle) as found:
        for entry in found:
            names.append((entry.name, entry.is_dir(follow_symlinks=False)))
            if len(names) >= 4096:
                break
    return names


def sweep_shared_folders(owner: int) -> int:
    """Remove what user `owner`, a worker that is gone, left in folders where everybody may write; how many things."""
    removed = 0
    for shared in _SHARED_FOLDERS:
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
