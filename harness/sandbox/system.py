"""The few calls to the kernel that Python's library does not offer, through ctypes. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_GET_SECCOMP = 21
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int = 0) -> int:
    """Set one thing of this process; OSError when it fails."""
    result = _libc().prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    return _checked(result, f"prctl({option})")


def syscall(number: int, *arguments: Any, what: str) -> int:
    """A raw system call; ints go as longs, bytes as pointers. OSError, naming `what`, when it fails."""
    converted = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number), *converted), what)


def memory_kills(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How often the memory killer has struck in our control group, as a container sees it; None where nobody counts."""
    for name in ("memory.events", "memory/memory.oom_control"):  # version 2, version 1
        with contextlib.suppress(OSError):
            for line in (group / name).read_text(encoding="ascii").splitlines():
                what, _, number = line.partition(" ")
                if what == "oom_kill":
                    return int(number)
    return None


def memory_limit(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that our control group may take, as a container sees it; None where nobody sets a limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # version 2, version 1
        with contextlib.suppress(OSError, ValueError):  # "max"
            return int((group / name).read_text(encoding="ascii"))
    return None


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return int(result)
