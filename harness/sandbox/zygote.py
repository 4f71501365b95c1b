"""The zygote: imports torch once, then forks a hardened worker whenever the grader asks.

Single-threaded always, since a fork copies one thread only. It never runs a tensor operation and never imports a
submission. It is the workers' parent and, as child subreaper, becomes the parent of whatever they may start.

Requests and answers are JSON, one per packet of a SOCK_SEQPACKET socket; an answer bears its request's "id":

    {"op": "fork"} with descriptors request, reply, output              -> {"pid": n}
    {"op": "reap", "pid": n, "uid": n | null, "grace": seconds}         -> a WorkerExit's fields and "left"
    {"op": "sweep", "uid": n}                                           -> {}

What a worker is to do reaches it through its request pipe and never this process: every later worker inherits this
process's memory, and must not find paths of other submissions in it.

The end of the socket is the end of the zygote and of every worker.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from harness.sandbox import hardening, seccomp, system, worker
from harness.sandbox.nursery import fork_on_request
from harness.sandbox.preload import preload

PACKET = 1 << 16
#: How long to wait for a killed process to be gone: milliseconds, unless the machine is starved.
PATIENCE_SECONDS = 20.0


def serve(descriptor: int, probes: str, libraries: str) -> NoReturn:
    """Preload, say hello, answer until the grader is gone."""
    control = socket.socket(fileno=descriptor)
    begin(control, loaded(control, probes, libraries))


def serve_many(descriptor: int, probes: str, libraries: str) -> NoReturn:
    """Preload, say hello, and fork a zygote whenever one is asked for: the far end of a ZygoteServer."""
    server = socket.socket(fileno=descriptor)
    found = loaded(server, probes, libraries)
    system.prctl(system.PR_SET_DUMPABLE, 0)

    def become_zygote(control: int, log: int) -> None:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        begin(socket.socket(fileno=control), found)

    fork_on_request(server, become_zygote)


def loaded(control: socket.socket, probes: str, libraries: str) -> dict[str, ModuleType]:
    """The probe modules by topic, and all that workers need imported; else the grader hears why, and we end."""
    _end_with_the_grader(control)
    try:
        found = preload(probes, libraries)
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count is all
        if threads != 1:
            raise RuntimeError(f"{threads} threads after preloading; forked workers would hang")  # noqa: TRY301
    except BaseException:  # noqa: BLE001 - whatever it is, the grader must hear of it
        control.send(json.dumps({"fault": traceback.format_exc()[-4000:]}).encode())
        os._exit(1)
    seccomp.prepare()
    _listen_again(control)
    gc.freeze()  # else workers would look through all of it, and copy its pages
    return found


def begin(control: socket.socket, probes: dict[str, ModuleType]) -> NoReturn:
    """Be the zygote that answers at this socket, with everything loaded."""
    system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    system.prctl(system.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, as by some parents, nothing can be waited for
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # so that it can be waited for
    zygote = _Zygote(control, probes)
    control.send(json.dumps({"hello": os.getpid()}).encode())
    try:
        zygote.loop()
    except BaseException:  # noqa: BLE001 - into the log, from which the grader quotes
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # torch takes seconds to end in order


def _end_with_the_grader(control: socket.socket) -> None:
    """While nobody listens to the socket: have the kernel kill this process as soon as its other end is closed.

    Not the parent's ended signal: that one also comes when only the thread ends that started this process.
    """
    descriptor = control.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    with contextlib.suppress(BlockingIOError):
        if not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            os._exit(1)  # it was closed before


def _listen_again(control: socket.socket) -> None:
    """From here on the loop sees the end of the socket; a request must not kill."""
    descriptor = control.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_ASYNC)


class _Zygote:
    """The loop and what it must remember: its live workers."""

    def __init__(self, control: socket.socket, probes: dict[str, ModuleType]) -> None:
        self._control = control
        self._probes = probes
        self._base = hardening.baseline()
        self._readable = hardening.readable_by_all_workers()
        self._workers: set[int] = set()
        self._operations: dict[str, Callable[[dict[str, Any], list[int]], dict[str, Any]]] = {
            "fork": self._fork,
            "reap": self._reap,
            "sweep": self._sweep,
        }

    def loop(self) -> None:
        """Answer requests; on the grader's end, kill every worker and return."""
        while True:
            packet, descriptors, _, _ = socket.recv_fds(self._control, PACKET, 3)
            if not packet:
                break
            request = json.loads(packet)
            try:
                answer = self._operations[request["op"]](request, descriptors)
            except OSError as problem:
                answer = {"fault": str(problem)}
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            self._control.send(json.dumps({**answer, "id": request["id"]}).encode())
        for pid in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _fork(self, _: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            self._become_worker(descriptors, parent)
        self._workers.add(pid)
        return {"pid": pid}

    def _become_worker(self, descriptors: list[int], parent: int) -> NoReturn:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            os.setsid()
            self._control.detach()
            hardening.arrange_descriptors(*descriptors)
            worker.enter(self._probes, self._base, parent, self._readable)
        except BaseException:  # noqa: BLE001 - a fork must not run on into its parent's code
            traceback.print_exc()
        finally:
            os._exit(1)

    def _reap(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        pid = request["pid"]
        found = _wait(pid, request["grace"])
        killed = found is None
        if killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            found = _wait(pid, PATIENCE_SECONDS)
        if found is None:
            raise OSError(f"worker {pid} is still there {PATIENCE_SECONDS:.0f} s after SIGKILL")
        self._workers.discard(pid)
        status, usage = found
        return {
            "wait_status": status,
            "killed": killed,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * 1024,
            "shared_bytes": self._base.resident,
            "left": self._end_orphans(request["uid"]),
        }

    def _sweep(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Kill whatever an earlier zygote's worker left; those are not our children."""
        _kill_all_of(request["uid"])
        return {}

    def _end_orphans(self, uid: int | None) -> int:
        """Kill and reap whatever our last worker left; how many would not go.

        Orphans become the zygote's children, so a zygote without children proves that nothing is left. Only where there
        are some, or where the kernel does not tell, is the whole user ID killed: that takes another fork.
        """
        if uid is not None and self._orphans() != []:
            _kill_all_of(uid)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (orphans := self._orphans()) and time.monotonic() < deadline:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        return len(orphans or [])

    def _orphans(self) -> list[int] | None:
        """Children that are no known workers, so orphans that became ours. None where the kernel does not list any."""
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:  # reap the dead ones on the way
                self._workers.discard(pid)
        try:
            text = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
        except OSError:
            return None
        return [pid for pid in map(int, text.split()) if pid not in self._workers]


def _wait(pid: int, seconds: float) -> tuple[int, Any] | None:
    """The wait status and usage of a child that ends within `seconds`, else None."""
    deadline = time.monotonic() + seconds
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        signal.sigtimedwait({signal.SIGCHLD}, left)


def _kill_all_of(user: int) -> None:
    """SIGKILL to every process of `user`, sent by a process of that user, so that it cannot reach anybody else's."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
        finally:
            os._exit(1)
    done = _wait(pid, PATIENCE_SECONDS)
    if done is None or done[0] != 0:
        raise OSError(f"the sweep of user {user} failed")
