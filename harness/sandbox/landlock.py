"""Landlock: which files a worker can reach at all, by path, whoever owns them. A bonus where the kernel has it (5.13+).

From ABI 4 on it also closes TCP, from ABI 6 on signals and abstract sockets to processes outside. What ABI 7 to 10 add
(audit logs, other threads, sockets with names, UDP) is nothing to a worker, which can make no socket and has one thread
when it is restricted. Up to ABI 10 there is no right for chmod, utime, stat or flock: `seccomp` refuses the first two.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from harness.sandbox import system

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
MAKE_CHAR, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 10, 1 << 11
TRUNCATE = 1 << 14

_READ = READ_FILE | READ_DIR
_NEVER = MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | 1  # devices, sockets, FIFOs, EXECUTE
_FOR_FILES = WRITE_FILE | READ_FILE | TRUNCATE
#: How many file rights each ABI knows (the last ABI that added one counts on).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP = 0b11
_SCOPES = 0b11  # abstract sockets, signals


def abi() -> int:
    """The kernel's Landlock version, 0 where it has none or it is switched off."""
    try:
        return system.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG, what="landlock")
    except OSError:
        return 0


def restrict(readable: Iterable[str | Path], writable: Iterable[str | Path]) -> int:
    """From now on this process reaches these paths and what lies beneath, and nothing else; the ABI in force, or 0.

    Paths that do not exist are passed over. Needs NO_NEW_PRIVS.

    Raises:
        OSError: the kernel has Landlock and refuses.
    """
    version = abi()
    if version < 1:
        return 0
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    ruleset = _create(version, rights)
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, rights & ~_NEVER)
        system.syscall(_RESTRICT_SELF, ruleset, 0, what="landlock_restrict_self")
    finally:
        os.close(ruleset)
    return version


def _create(version: int, rights: int) -> int:
    network, scopes = (_TCP if version >= 4 else 0), (_SCOPES if version >= 6 else 0)
    attributes = struct.pack("QQQ", rights, network, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    return system.syscall(_CREATE_RULESET, attributes, len(attributes), 0, what="landlock_create_ruleset")


def _allow(ruleset: int, path: str | Path, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir would need the same call
                rights &= _FOR_FILES
            rule = struct.pack("=Qi", rights, handle)
            system.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0, what=f"landlock_add_rule {path}")
        finally:
            os.close(handle)
