"""User IDs for workers: fresh, below 65536, nobody's, and reserved against other graders on the same machine.

Resource limits and kill(-1) work per user ID across the whole machine, so two graders must never share one. A block of
IDs is reserved by holding an abstract socket of its name: exclusive, gone when the grader is, and no file to clean up.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from harness.sandbox.model import SandboxError

LOWEST, HIGHEST = 20_000, 60_000
BLOCK = 256
_ATTEMPTS = 200


class Identities:
    """Hands out user IDs, each once (until 65536 runs out of blocks, which one grader's life is too short for)."""

    def __init__(self) -> None:
        self._taken = _accounts()
        self._reservations: list[socket.socket] = []
        self._ids: Iterator[int] = iter(())

    def fresh(self) -> int:
        """A user ID that no account, no other grader and no earlier worker of this one has."""
        while True:
            for identity in self._ids:
                if identity not in self._taken:
                    return identity
            self._ids = iter(self._reserve())

    def _reserve(self) -> range:
        for _ in range(_ATTEMPTS):
            block = secrets.randbelow((HIGHEST - LOWEST) // BLOCK)
            reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                reservation.bind(f"\0holdout-identities-{block}")
            except OSError:
                reservation.close()
                continue
            self._reservations.append(reservation)
            return range(LOWEST + block * BLOCK, LOWEST + (block + 1) * BLOCK)
        raise SandboxError("no free block of user IDs: too many graders run on this machine at once")

    def close(self) -> None:
        """Give all blocks back."""
        for reservation in self._reservations:
            reservation.close()
        self._reservations.clear()


#: CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_KILL, CAP_SETGID and CAP_SETUID: all among Docker's defaults.
_NEEDED = sum(1 << capability for capability in (0, 1, 5, 6, 7))


def can_change_users(status: str | None = None) -> bool:
    """Whether this process may give workers user IDs and scratch folders of their own. Root in name alone may not."""
    text = status if status is not None else Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", text, re.MULTILINE)
    return os.geteuid() == 0 and found is not None and int(found[1], 16) & _NEEDED == _NEEDED


def _accounts() -> frozenset[int]:
    """User and group IDs that somebody has."""
    import grp
    import pwd

    users = {number for entry in pwd.getpwall() for number in (entry.pw_uid, entry.pw_gid)}
    return frozenset(users | {entry.gr_gid for entry in grp.getgrall()})
