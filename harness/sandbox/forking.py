"""The way to run workers on Linux: a zygote forks them, each with a user ID and a scratch folder of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.sandbox import scratch, system, times
from harness.sandbox.backend import BackendLostError, DiskFilledError, Order, WorkerLostError
from harness.sandbox.classify import WorkerExit, classify, returned
from harness.sandbox.exchange import Exchange, Transcript
from harness.sandbox.forkserver import ZygoteServer, modules_for
from harness.sandbox.identities import Identities, can_change_users
from harness.sandbox.model import Libraries, Reply, SandboxError
from harness.sandbox.parent import Zygote
from harness.sandbox.probe_call import ProbeCall
from harness.sandbox.scratch import DiskWatch

#: A worker whose reply pipe ended is given this long to end by itself, so that its exit status is its own.
GRACE_SECONDS = 1.0


class ForkBackend:
    """Owns the zygote, the user IDs and the folder beneath which scratch folders are made."""

    kind = "fork"

    def __init__(
        self,
        folder: Path,
        probes: str,
        layers: tuple[str, ...],
        strict: bool,
        on_event: Callable[[str], None],
        libraries: Libraries = "all",
        server: ZygoteServer | None = None,
    ) -> None:
        self._server = server
        self._folder = folder
        self._probes = probes
        self._layers = layers
        self._strict = strict
        self._on_event = on_event
        self._identities = Identities() if "uid" in layers and can_change_users() else None
        self._libraries = libraries
        self._modules = server.modules if server else modules_for(folder, libraries, staged=bool(self._identities))
        self._runs = folder / "runs"
        self._runs.mkdir(mode=0o711)
        self._runs.chmod(0o711)
        self._zygote: Zygote | None = None
        self._reached: dict[str, str | bool | int] = {}
        self._unswept: list[int] = []

    def facts(self) -> Mapping[str, str | bool | int]:
        """See `Backend.facts`."""
        return {"backend": self.kind, "modules": self._modules.staged, **self._reached}

    def restart(self) -> None:
        """See `Backend.restart`."""
        if self._zygote is not None:
            self._zygote.close()
        self._zygote = self._new_zygote(self._folder / "zygote.log")
        self._zygote.wait_until_ready()
        while self._unswept:
            self._zygote.sweep(self._unswept[-1])
            self._unswept.pop()

    def _new_zygote(self, log: Path) -> Zygote:
        if self._server is not None:
            return self._server.zygote(log)
        return Zygote.started(self._probes, self._modules, log, self._libraries)

    def processes(self) -> tuple[int, ...]:
        """See `Backend.processes`."""
        return (self._zygote.pid,) if self._zygote else ()

    def run(self, order: Order) -> Reply:
        """See `Backend.run`."""
        if self._zygote is None:
            self.restart()
        uid = self._identities.fresh() if self._identities else None
        folder = scratch.create(self._runs, uid)
        times.reset(order.tree)
        call = order.call(folder, uid, self._layers, strict=self._strict)
        try:
            return self._run(call, order, DiskWatch(folder, order.limits, suspicious=order.suspicious))
        except BackendLostError:
            if uid is not None:
                self._unswept.append(uid)
            raise
        finally:
            self._clean(folder, uid)

    def _run(self, call: ProbeCall, order: Order, watch: DiskWatch) -> Reply:
        assert self._zygote is not None
        exchange, far = _pipes(call)
        memory_kills = system.memory_kills()
        try:
            try:
                pid = self._zygote.fork(far)
            finally:
                for descriptor in far:
                    os.close(descriptor)
            transcript, answer = self._attend(exchange, pid, call, order, watch)
            exchange.drain()
        finally:
            exchange.close()
        if answer["left"]:
            self._on_event(f"{answer['left']} processes of a worker could not be ended")
        if watch.suspects_hidden_files and not watch.was_released():
            raise DiskFilledError(f"something else filled the disk while a worker for {call.probe} ran")
        ended = returned(answer)
        if _was_killed(transcript, ended) and system.memory_kills() != memory_kills:
            raise WorkerLostError(
                f"the machine ran out of memory, and a worker for {call.probe} was killed within its limit"
            )
        self._reached = _reached(transcript, ended, call)
        return classify(transcript, ended, order.limits, order.tree)

    def _attend(
        self, exchange: Exchange, pid: int, call: ProbeCall, order: Order, watch: DiskWatch
    ) -> tuple[Transcript, dict[str, Any]]:
        """Serve the worker's pipes to the end, and reap it even when we are interrupted."""
        assert self._zygote is not None
        pieces = order.pieces(call)
        limits = order.limits
        try:
            transcript = exchange.run(pieces, limits.wall_seconds, limits.output_bytes, watch.look)
        except BaseException:
            self._zygote.reap(pid, call.uid, 0)
            raise
        return transcript, self._zygote.reap(pid, call.uid, GRACE_SECONDS if transcript.end == "closed" else 0)

    def _clean(self, folder: Path, uid: int | None) -> None:
        if not scratch.wipe(folder):
            self._on_event(f"the scratch folder {folder} could not be wiped")
        if uid is not None and (removed := scratch.sweep_shared_folders(uid)):
            self._on_event(f"a worker left {removed} files outside its scratch folder; they were removed")

    def close(self) -> None:
        """End the zygote, and with it every worker."""
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None
        if self._identities is not None:
            self._identities.close()


def _pipes(call: ProbeCall) -> tuple[Exchange, tuple[int, int, int]]:
    """The exchange with the near ends, and the far ends: request, reply, output."""
    request_far, request_near = os.pipe()
    reply_near, reply_far = os.pipe()
    output_near, output_far = os.pipe()
    exchange = Exchange(request_near, reply_near, output_near, bytes.fromhex(call.nonce), call.reply_caps())
    return exchange, (request_far, reply_far, output_far)


def _was_killed(transcript: Transcript, ended: WorkerExit) -> bool:
    """Whether it died of a SIGKILL that was not ours."""
    killed = os.WIFSIGNALED(ended.wait_status) and os.WTERMSIG(ended.wait_status) == signal.SIGKILL
    return killed and transcript.end == "closed" and not ended.killed


def _reached(transcript: Transcript, ended: WorkerExit, call: ProbeCall) -> dict[str, str | bool | int]:
    """The layers that the worker reported when it was ready.

    Raises:
        BackendLostError: it took too long.
        WorkerLostError: it was killed.
        SandboxError: it told why it could not be, or ended.
    """
    if transcript.end == "late" and transcript.ready is None:
        raise BackendLostError("a worker did not get ready in time")
    ready = transcript.ready or {}
    if isinstance(ready.get("ready"), dict):
        return {**ready["ready"], "uid": ready["ready"]["uid"] is not False}
    if transcript.ready is None and _was_killed(transcript, ended):
        raise WorkerLostError(f"a worker for {call.probe} was killed before it was ready")
    said = ready.get("fault") or transcript.output[-1000:].decode("utf-8", errors="replace") or "it said nothing"
    hint = ""
    for path in (Path(call.tree), Path(call.scratch).parent) if call.uid is not None else ():
        if closed := scratch.closed_ancestor(path):
            hint = f". Other users cannot enter {closed}: run `chmod o+x` on it, or stage and work elsewhere"
    raise SandboxError(f"a worker was not ready for {call.probe}: {said}{hint}")
