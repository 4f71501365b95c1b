"""Preflight: whether isolation really holds here, found by trying to break out of a worker, not by reading versions."""

from __future__ import annotations

import itertools
import os
import secrets
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from harness.sandbox.model import IsolationReport, Limits, Reply, SandboxError, Status
from harness.sandbox.probe_call import PACKAGE
from harness.sandbox.scratch import SHARED_FOLDERS
from harness.sandbox.values import Value

#: Without these nothing is graded in Isolation.REQUIRED; by what they show.
MUST_HAVES = {
    "another user": "a worker runs as the grader's own user",
    "files of the grader": "a worker can read files of the grader's alone",
    "modes and times of files": "a worker can change modes and times of the grader's files",
    "processes of others": "a worker can signal, trace or read another user's processes",
    "network": "a worker can open sockets",
    "new processes": "a worker can start processes",
    "memory limit": "a worker's memory is not limited",
    "file size limit": "a worker's files are not limited",
    "disk space": "a worker can take disk space past the limit on file sizes",
    "file locks": "a worker can take memory of the kernel's by locks on files",
    "open files limit": "a worker's descriptors are not limited",
    "thread limit": "a worker's threads are not limited",
    "the submission's files": "a worker can change the submission",
    "environment": "a worker sees environment variables of the grader's",
    "descriptors": "a worker holds descriptors of the grader's",
}
#: Good to have, reported; some are the machine's owner's to set.
NICE_TO_HAVES = {
    "names of other submissions": "a worker can list other submissions",
    "the scratch's parent": "a worker can write beside its scratch folder",
    "shared folders": "a worker can write to a folder that every user may write to, such as /tmp",
}
#: What a user without root gets from Landlock and seccomp in place of user IDs and private files.
_WITHOUT_ROOT = (set(MUST_HAVES) | set(NICE_TO_HAVES)) - {"another user"}

_LIMITS = Limits(wall_seconds=30, cpu_seconds=20, memory_bytes=1 << 28, file_bytes=1 << 20, tasks=8, open_files=32)

PROMISES = {
    "gradescope-like root": (
        "Hidden files, results and grader stay intact; no network; "
        "bounded CPU, memory, processes and output; no survivors."
    ),
    "linux user + landlock": (
        "Hidden files, results and grader stay unread and unchanged, by Landlock and seccomp in place of user IDs, but "
        "can be seen to be there; no network; bounded CPU, memory, processes and output; no survivors."
    ),
    "containment only": "Accidents are contained: a fresh process, a deadline, capped output. Malice is not.",
}


_OPEN_EVERYWHERE = (
    "how long the grade has run: clocks, process IDs and what a worker's memory inherits tell it",
    "what earlier workers read of common files, by how fast the system's cache gives it",
    "files without names, until a gibibyte of the disk is missing: looked at ten times a second",
)
#: What no layer closes, by place. Nothing is promised where accidents alone are contained.
STAYS_OPEN = {
    "gradescope-like root": _OPEN_EVERYWHERE,
    "linux user + landlock": (
        *_OPEN_EVERYWHERE,
        "names, sizes, modes and times of this user's files: Landlock has no right for looking at them",
        "threads, which are counted together with those of the user's other programs",
    ),
    "containment only": (),
}
_LIBRARY_TIMES = "times of access of Python's and its packages' files: they tell later workers what earlier ones used"


@dataclass(frozen=True)
class PreflightReport:
    """What was tried, and what follows."""

    attempts: Mapping[str, bool]
    """By name: whether the attempt failed as it should. Empty where nothing was tried."""
    report: IsolationReport


class SandboxLike(Protocol):
    """What the preflight needs of a Sandbox, which imports this module and is not imported here."""

    @property
    def kind(self) -> str:
        """`fork` or `spawn`."""

    @property
    def folder(self) -> Path:
        """A folder of ours that workers can pass through, not list."""

    @property
    def private(self) -> Collection[Path]:
        """What no worker may read."""

    def run(
        self, tree: Path, probe: str, arguments: Mapping[str, Value], *, seed: int, limits: Limits, load: bool
    ) -> Reply:
        """Run a probe in a worker."""

    def facts(self) -> Mapping[str, str | bool | int]:
        """The layers that the last worker reached."""

    def foreign(self) -> tuple[int, ...]:
        """Process IDs of ours that a worker must not be able to touch."""


def preflight(sandbox: SandboxLike) -> PreflightReport:
    """Try to break out of a worker of `sandbox` in every way we know.

    Raises:
        SandboxError: no worker can be run, or it does not come back from the attempts.
    """
    if sandbox.kind == "spawn":
        return PreflightReport({}, _containment(sandbox.facts()))
    attempts = _attempt(sandbox)
    return PreflightReport(attempts, judge(attempts, sandbox.facts()))


def judge(attempts: Mapping[str, bool], facts: Mapping[str, str | bool | int]) -> IsolationReport:
    """What the outcomes of the attempts amount to."""
    said = {**MUST_HAVES, **NICE_TO_HAVES}
    failures = tuple(sentence for name, sentence in said.items() if not attempts.get(name, False))
    ok = all(attempts.get(name, False) for name in MUST_HAVES)
    if ok:
        place = "gradescope-like root"
    elif all(attempts.get(name, False) for name in _WITHOUT_ROOT - {"shared folders"}):
        place = "linux user + landlock"
    else:
        place = "containment only"
    stays_open = STAYS_OPEN[place] + ((_LIBRARY_TIMES,) if STAYS_OPEN[place] and _keeps_times(np.__file__) else ())
    return IsolationReport(place, dict(facts), PROMISES[place], ok, failures, stays_open)


def _keeps_times(path: str) -> bool:
    """Whether reading this file sets its time of access, as far as its file system says so of itself.

    Overlay file systems, containers' own, do not say that they keep none for the files of an image.
    """
    if sys.platform != "linux":
        return True
    return not os.statvfs(path).f_flag & (os.ST_NOATIME | os.ST_RDONLY)


def _containment(facts: Mapping[str, str | bool | int]) -> IsolationReport:
    nothing = ("a fresh process per run is all that there is: user IDs, limits and filters need Linux",)
    return IsolationReport("containment only", dict(facts), PROMISES["containment only"], False, nothing)


def _attempt(sandbox: SandboxLike) -> Mapping[str, bool]:
    folder = sandbox.folder / "preflight"
    folder.mkdir(mode=0o711, exist_ok=True)
    folder.chmod(0o711)
    canary = folder / "canary"
    canary.write_text(secrets.token_hex(16), encoding="ascii")
    canary.chmod(0o600)
    tree = _empty_tree(folder)
    reply = sandbox.run(
        tree,
        "sandbox.attempts",
        _arguments(canary, [*_examples(sandbox.private)], folder, sandbox.foreign()),
        seed=0,
        limits=_LIMITS,
        load=False,
    )
    if reply.status is not Status.RETURNED or not isinstance(reply.value, dict):
        raise SandboxError(
            f"the preflight's worker did not come back: {reply.detail} {reply.error or ''} {reply.output}"
        )
    return {str(name): held is True for name, held in reply.value.items()}


def _empty_tree(folder: Path) -> Path:
    tree = folder / secrets.token_hex(16)
    for path in (tree, tree / PACKAGE):
        path.mkdir(mode=0o755, exist_ok=True)
        path.chmod(0o755)
    return tree


def _examples(private: Iterable[Path]) -> Iterator[Path]:
    """Each private path; of a folder also one file in it: it may be readable though the folder cannot be listed."""
    for path in private:
        yield path
        if path.is_dir():
            yield from itertools.islice((inner for inner in sorted(path.rglob("*")) if inner.is_file()), 1)


def _arguments(
    canary: Path, private: list[Path], folder: Path, foreign: tuple[int, ...]
) -> dict[str, int | str | list[int] | list[str]]:
    return {
        "canary": str(canary),
        "private": [str(path) for path in private],
        "unlisted": str(folder),
        "foreign": [os.getpid(), *foreign],
        "shared": list(SHARED_FOLDERS),
        "memory_bytes": _LIMITS.memory_bytes,
        "file_bytes": _LIMITS.file_bytes,
        "open_files": _LIMITS.open_files,
        # Without a user ID of its own, a worker shares its user's count; memory for stacks bounds it, too.
        "tasks": _LIMITS.tasks + (0 if os.geteuid() == 0 else 512),
    }
