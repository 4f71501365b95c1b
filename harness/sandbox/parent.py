"""The parent side: the grader's end of the zygote.

Theory of operation
===================

Three kinds of process, and who trusts whom::

    grader ──exec──> zygote ──fork──> worker (one per run, a user ID of its own)
      │ └─── control ──┘                │
      ├──────── request pipe ──────────>│  the call, then the arguments
      │<─────── reply pipe ─────────────┤  "hardened", then one reply
      │<─────── output pipe ────────────┘  stdout and stderr

* The *grader* (this process) holds the answers and passes verdicts. It never imports a submission and never unpickles.
* The *zygote* is exec'd with a clean environment before any secret matters to it: it knows paths of modules, and
  nothing else. It imports torch once, stays single-threaded, and forks workers on request. It runs no student code.
* A *worker* takes its call, hardens itself (`hardening`), says so on the reply pipe while it is still ours alone, takes
  its arguments, imports the submission, runs one probe and writes one reply. From the import on it is the student's.

One run, in `exchange`: the grader makes a scratch folder, sets the times of the submission's files, so that they tell
nothing of earlier runs, makes three pipes, and hands their far ends, and nothing else, to the zygote with the order to
fork: every worker inherits the zygote's memory, so no path of any submission may ever be in it. The grader then serves
all three pipes from one loop with one deadline: writes arguments, reads the reply into buffers whose sizes were checked
first, drains output and keeps the first part of it, and looks at the scratch folder and at the disk now and then. The
run is over when a whole reply has come, the reply pipe has ended, or time or disk is used up. Whatever it was, the
grader then orders the worker reaped: the zygote kills it, sweeps its user ID, and reports wait status and resource
usage, which are the kernel's and not the worker's word. Last, the scratch folder is wiped.

Everything that could hang has a deadline: a worker that is not ready within 60 s, a zygote that does not answer within
120 s, a process that does not die within 20 s. The zygote ends with its control socket, the workers with the zygote
(PDEATHSIG), so nothing outlives a grader that was killed. A zygote that dies is started again, a bounded number of
times; a worker that is killed before it is ready, or by the machine's memory killer, is replaced once.

What went wrong before "hardened" is an internal error (SandboxError); what went wrong after is the submission's status.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from harness.sandbox.backend import BackendLostError
from harness.sandbox.interpreter import ModulePath
from harness.sandbox.model import Libraries, SandboxError

BOOT = Path(__file__).with_name("boot.py")
ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 180.0
"""Importing torch takes 3 s on a laptop and half a minute on a cold, half-a-core machine."""
ANSWER_SECONDS = 120.0
_PACKET = 1 << 16
Process = subprocess.Popen[bytes]

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",  # a CUDA context does not survive a fork
    "MALLOC_ARENA_MAX": "2",  # else every thread reserves 64 MiB of the address space limit
    "PYTHONHASHSEED": "0",  # a set's order is the same in every run, so that a seed reproduces a run
}

#: Where a Python of a cluster's modules finds the shared libraries that it and its packages were built with.
LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def environment() -> dict[str, str]:
    """ENVIRONMENT, and of ours what shared libraries are found by. Workers scrub theirs before student code runs."""
    return {**ENVIRONMENT, **{name: os.environ[name] for name in LIBRARY_PATHS if name in os.environ}}


def command(mode: str, descriptor: int, probes: str, modules: ModulePath, libraries: Libraries = "all") -> list[str]:
    """The child side's command line. Not `-I`: it would ignore PYTHONHASHSEED; `boot` sets the whole path anyway."""
    options = ["-s", "-S", "-B", "-X", "utf8"]
    return [sys.executable, *options, str(BOOT), mode, str(descriptor), str(ROOT), probes, libraries, *modules.folders]


class ZygoteProcess(Protocol):
    """The process of a zygote, as its grader handles it: as subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""

    def wait(self, timeout: float) -> int:
        """Its exit status; TimeoutExpired where it does not end in time."""

    def kill(self) -> None:
        """End it."""


def start(mode: str, far: socket.socket, probes: str, modules: ModulePath, log: Path, libraries: Libraries) -> Process:
    """The child side as a new process, which gets `far`; closed here.

    Raises:
        SandboxError: it cannot be started.
    """
    descriptor = open_log(log)
    try:
        return subprocess.Popen(
            command(mode, far.fileno(), probes, modules, libraries), pass_fds=[far.fileno()], env=environment(),
            cwd="/", stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, start_new_session=True,
        )  # fmt: skip
    except OSError as problem:
        raise SandboxError(f"cannot start {sys.executable}: {problem}") from problem
    finally:
        far.close()
        os.close(descriptor)


def open_log(log: Path) -> int:
    """A descriptor of what the child side writes into, emptied."""
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


class Zygote:
    """One zygote process. Calls are synchronous; each either returns its answer or raises BackendLostError."""

    def __init__(self, control: socket.socket, process: ZygoteProcess, log: Path) -> None:
        self._log = log
        self._asked = 0
        self._control = control
        self._control.settimeout(START_SECONDS)
        self._process = process

    @classmethod
    def started(cls, probes: str, modules: ModulePath, log: Path, libraries: Libraries = "all") -> Zygote:
        """A new process, which imports everything for itself."""
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            return cls(control, start("zygote", far, probes, modules, log, libraries), log)
        except BaseException:
            control.close()
            raise

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return when it has preloaded everything.

        Raises:
            SandboxError: it says why it cannot.
            BackendLostError: it died or took too long.
        """
        hello = self._receive()
        if "fault" in hello:
            raise SandboxError(f"the sandbox's helper process could not start:\n{hello['fault']}")
        self._control.settimeout(ANSWER_SECONDS)

    def fork(self, descriptors: Sequence[int]) -> int:
        """Start a worker with the far ends of its pipes: request, reply, output. Its process ID."""
        return int(self._ask({"op": "fork"}, descriptors)["pid"])

    def reap(self, pid: int, uid: int | None, grace: float) -> dict[str, Any]:
        """Wait `grace` seconds for the worker's own end, kill it, sweep its user ID: status, usage, survivors."""
        return self._ask({"op": "reap", "pid": pid, "uid": uid, "grace": grace})

    def sweep(self, uid: int) -> None:
        """Kill whatever runs as `uid`."""
        self._ask({"op": "sweep", "uid": uid})

    def _ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        self._asked += 1
        packet = json.dumps({**request, "id": self._asked}).encode()
        try:
            socket.send_fds(self._control, [packet], list(descriptors))
        except OSError as problem:
            raise BackendLostError(self._with_log(f"cannot be reached: {problem}")) from problem
        answer = self._receive()
        while answer.get("id") != self._asked:  # an answer to a question whose asker was interrupted
            answer = self._receive()
        if "fault" in answer:
            raise BackendLostError(self._with_log(str(answer["fault"])))
        return answer

    def _receive(self) -> dict[str, Any]:
        try:
            packet = self._control.recv(_PACKET)
        except OSError as problem:
            raise BackendLostError(self._with_log(f"does not answer: {problem}")) from problem
        if not packet:
            raise BackendLostError(self._with_log("ended"))
        answer = json.loads(packet)
        return answer if isinstance(answer, dict) else {}

    def _with_log(self, what: str) -> str:
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(0.2)
        status = "" if code is None else f", exit status {code}"
        said = ""
        with contextlib.suppress(OSError):
            said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        return f"the sandbox's helper process {what}{status}" + (f"; it said:\n{said}" if said else "")

    def close(self) -> None:
        """End it and its workers."""
        self._control.close()
        deadline = time.monotonic() + 2
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(60)  # it is killed; a starved machine takes its time all the same
