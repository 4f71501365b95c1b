"""What runs a container: the interface of podman.py and, where no engine runs, emulation.py.

Both take tar archives to unpack at / and both hold root as Docker does by default: fourteen capabilities, Docker's seccomp
profile, no new namespaces, no mounts.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.container.borrowed import Borrowed

BUILD_SECONDS = 900
RUN_SECONDS = 700  # above the platform's 600, which the stand-in inside enforces


@dataclass(frozen=True)
class Machine:
    """What the container may use; None is no limit. Without `landlock` its kernel seems to be built without Landlock."""

    landlock: bool = True
    memory_mib: int | None = None
    cpus: float | None = None


@dataclass(frozen=True)
class Task:
    """One run: a tar archive to unpack at /, the command, the environment, the path inside to hand back, and its time."""

    files: Path
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    wanted: str = "/autograder"
    seconds: float = RUN_SECONDS


class Engine(Protocol):
    """Builds an image once and runs any number of fresh containers from it."""

    name: str
    limits: bool  # whether Machine.memory_mib and .cpus are honoured

    def build(self, files: Path, command: Sequence[str], borrowed: Borrowed) -> str:
        """Unpack `files` over the distribution's root, run `command` with what is borrowed, keep the result: its name."""

    def run(self, image: str, task: Task, machine: Machine, out: Path) -> str:
        """Run `task` in a fresh container of `image`; `task.wanted` is copied into `out`. Returns what it printed."""


def digest(archive: Path, *more: str) -> str:
    """12 hexadecimal digits that change with the archive's bytes or any of the texts."""
    digest = hashlib.sha256("\0".join(more).encode())
    with archive.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:12]


def empty(folder: Path) -> Path:
    """`folder`, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
