"""The near end of a fork server: a process that imports what takes long once, and is copied whenever that is needed.

`ForkServer` is any such process, `ZygoteServer` the one that zygotes are copies of, for those who run many sandboxes in
a row. Each zygote begins as one that was started for itself, but for the seconds that the imports take: the process
that it is a copy of hears of nothing else. No path, no submission and no request of a grade reaches it, and it never
reads what a zygote or a worker has written. The far end, and what crosses the socket, is in `nursery`.

All of it works in every process that is forked from the one that made it, as long as one of them uses it at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.sandbox.backend import BackendLostError
from harness.sandbox.identities import can_change_users
from harness.sandbox.interpreter import ModulePath, module_path, reachable_module_path
from harness.sandbox.model import Libraries, SandboxError
from harness.sandbox.parent import ANSWER_SECONDS, START_SECONDS, Process, Zygote, open_log, start

_PACKET = 1 << 16
#: How long such a process may take to end before it is killed.
_END_SECONDS = 2.0
_LOOK_SECONDS = 0.005


class ForkServer:
    """A process that forks children, one at a time: the next one once the last has ended.

    Raises:
        SandboxError: it says why it cannot.
        BackendLostError: it ended or does not answer; so do all methods.
    """

    def __init__(self, control: socket.socket, process: Process) -> None:
        self._asked = 0
        self._control, self._process = control, process
        self._control.settimeout(START_SECONDS)
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        self._control.settimeout(ANSWER_SECONDS)

    def _wait_until_ready(self) -> None:
        hello = self._receive()
        if "fault" in hello:
            raise SandboxError(f"a process to fork from could not start:\n{hello['fault']}")

    def fork(self, descriptors: Sequence[int]) -> ForkedProcess:
        """A child that gets these descriptors."""
        number = self._ask(descriptors)
        return ForkedProcess(self, number, int(self._answer_to(number, "pid")["pid"]))

    def cpu_seconds(self) -> float:
        """What the children that have ended took, with all of theirs."""
        return float(self._answer_to(self._ask(()), "cpu_seconds")["cpu_seconds"])

    def status_of(self, number: int, seconds: float) -> int | None:
        """The wait status of the child that was asked for under this number, if it ends within so many seconds."""
        if not select.select([self._control], [], [], seconds)[0]:
            return None
        return int(self._answer_to(number, "status")["status"])

    def close(self) -> None:
        """End it. Its children end by themselves."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _ask(self, descriptors: Sequence[int]) -> int:
        # Not counted from 0: an answer to a process that was killed may still be on its way.
        self._asked = max(self._asked + 1, time.monotonic_ns())
        try:
            socket.send_fds(self._control, [json.dumps({"id": self._asked}).encode()], list(descriptors))
        except OSError as problem:
            raise BackendLostError(f"the process to fork from is gone: {problem}") from problem
        return self._asked

    def _answer_to(self, number: int, field: str) -> dict[str, Any]:
        """The answer with this field to the request of this number; others are passed over."""
        while True:
            answer = self._receive()
            if answer.get("id") == number and field in answer:
                return answer

    def _receive(self) -> dict[str, Any]:
        try:
            packet = self._control.recv(_PACKET)
        except OSError as problem:
            raise BackendLostError(f"the process to fork from does not answer: {problem}") from problem
        if not packet:
            raise BackendLostError("the process to fork from ended")
        found = json.loads(packet)
        return found if isinstance(found, dict) else {}


class ForkedProcess:
    """A process that is a fork server's child, handled as subprocess.Popen is."""

    def __init__(self, server: ForkServer, number: int, pid: int) -> None:
        self._server, self._number, self.pid = server, number, pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        if self._status is None:
            try:
                found = self._server.status_of(self._number, 0)
            except BackendLostError:  # nobody can tell; its own pipes and sockets do
                found = 0
            self._status = None if found is None else os.waitstatus_to_exitcode(found)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; subprocess.TimeoutExpired where it does not end within so many seconds."""
        deadline = time.monotonic() + (ANSWER_SECONDS if timeout is None else timeout)
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked process", timeout or ANSWER_SECONDS)
            time.sleep(_LOOK_SECONDS)
        return status

    def kill(self) -> None:
        """End it; nothing where it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class ZygoteServer(ForkServer):
    """Gives out zygotes that have torch already.

    Args:
        folder: its own, which other users can pass through; must outlive it.
        probes: as for a Sandbox.
    """

    def __init__(self, folder: Path, probes: str = "harness.probes") -> None:
        self.modules = modules_for(folder, staged=can_change_users())
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(control, start("server", far, probes, self.modules, folder / "server.log", "all"))

    def zygote(self, log: Path) -> Zygote:
        """A new zygote, which writes what it has to say into `log`."""
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptor = open_log(log)
        try:
            return Zygote(control, self.fork([far.fileno(), descriptor]), log)
        except BaseException:
            control.close()
            raise
        finally:
            far.close()
            os.close(descriptor)


def modules_for(folder: Path, libraries: Libraries = "all", *, staged: bool) -> ModulePath:
    """Where workers find their modules; `staged`: they are other users, who need copies of what is closed to them."""
    torch = libraries != "plain"
    return reachable_module_path(folder, torch=torch) if staged else module_path(torch=torch)
