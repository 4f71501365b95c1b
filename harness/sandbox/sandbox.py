"""What callers use: a Sandbox runs probes, one at a time, and answers for what holds while it does."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from harness.sandbox import codec
from harness.sandbox.backend import Backend, BackendLostError, DiskFilledError, Order, WorkerLostError
from harness.sandbox.model import Isolation, IsolationReport, Libraries, Limits, Reply, SandboxError
from harness.sandbox.preflight import preflight
from harness.sandbox.probe_call import ARGUMENT_CAPS, LAYERS, PACKAGE
from harness.sandbox.scratch import wipe
from harness.sandbox.values import Value

if TYPE_CHECKING:
    from harness.sandbox.forkserver import ZygoteServer

#: How often, in all, the far side is started anew.
MOST_RESTARTS = 3

#: How many workers one run may lose to the machine's memory killer, or to an administrator before they are ready.
MOST_LOST_WORKERS = 1


class Sandbox:
    """Runs probes beside submissions. A context manager; the child side starts with the first run.

    Args:
        scratch: a folder of ours to work in, made when absent. Other users must be able to pass through it and the
            folders above it (not list them): workers run as other users.
        isolation: REQUIRED refuses to run anything unless the must-haves really hold; they are tried first.
        backend: `fork` (Linux: a zygote forks hardened workers), `spawn` (anywhere: a fresh process per run contains
            accidents only), or `auto`: fork on Linux, spawn elsewhere.
        on_event: called with one sentence whenever something noteworthy happens (a restart, a survivor).
        probes: the package, or the folder, whose modules hold the probes.
        private: files and folders of ours that no worker may read; the preflight tries to.
        libraries: what the child side imports before it is asked.
        without: layers to leave out (of `uid rlimits landlock seccomp`), to learn what each alone holds.
        server: gives out zygotes that have all libraries already; without one, this sandbox starts its own.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        isolation: Isolation = Isolation.BEST_EFFORT,
        backend: Literal["auto", "fork", "spawn"] = "auto",
        on_event: Callable[[str], None] | None = None,
        probes: str = "harness.probes",
        private: Collection[Path] = (),
        libraries: Libraries = "all",
        without: Collection[str] = (),
        server: ZygoteServer | None = None,
    ) -> None:
        if unknown := set(without) - set(LAYERS):
            raise ValueError(f"no such layers: {', '.join(sorted(unknown))}; there are {', '.join(LAYERS)}")
        self._scratch = Path(scratch).resolve()
        self._server = server if libraries == "all" else None
        self._isolation = isolation
        self._kind = backend if backend != "auto" else ("fork" if sys.platform == "linux" else "spawn")
        self._on_event = on_event or (lambda _: None)
        self._probes = probes
        self._libraries = libraries
        self.private = tuple(Path(path).resolve() for path in private)
        self._layers = tuple(layer for layer in LAYERS if layer not in without)
        self._backend: Backend | None = None
        self._report: IsolationReport | None = None
        self._folder: Path | None = None
        self._lock = threading.RLock()
        self._restarts = 0

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - typing.Self is younger than Python 3.10
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the child side, and under REQUIRED make sure of it; nothing if that is done.

        Raises:
            SandboxError: it cannot be started, or a must-have does not hold.
        """
        with self._lock:
            if self._backend is None:
                try:
                    self._folder = self._make_folder()
                    self._backend = self._make_backend(self._folder)
                    self._insist()
                except BaseException:
                    self.close()
                    raise

    def _insist(self) -> None:
        if self._isolation is Isolation.REQUIRED and not self.report().ok_for_grading:
            raise SandboxError(f"too little isolation here to grade: {'; '.join(self.report().failures)}")

    def run(
        self,
        tree: Path,
        probe: str,
        arguments: Mapping[str, Value],
        *,
        seed: int,
        limits: Limits,
        load: bool = True,
    ) -> Reply:
        """Run `probe(submission, **arguments)` in a fresh worker.

        Args:
            tree: the folder that holds the package folder `submission/`: a copy to run, whose files' times are set.
            probe: `topic.function`.
            arguments: plain values and arrays.
            seed: for random, numpy and torch, set before the submission is imported.
            limits: what the run may use.
            load: False imports nothing of the submission and gives the probe the path of its folder.

        Raises:
            SandboxError: an internal error; the submission is not to blame.
            CodecError: an argument is no Value.
        """
        order = Order(Path(tree).resolve(), probe, seed, load, limits, codec.encode(dict(arguments), ARGUMENT_CAPS))
        if not (order.tree / PACKAGE).is_dir():
            raise SandboxError(f"{order.tree} holds no folder '{PACKAGE}'")
        with self._lock:
            self.start()
            return self._run_until_settled(order)

    def _run_until_settled(self, order: Order) -> Reply:
        """Run `order`, again where an end says nothing of the submission. All retries are here, and nowhere else.

        Here rather than in a backend or in whoever asks: this is the one place that sees all ways to lose a run,
        for every backend and every caller, the preflight included; and a caller that tried again by itself could not
        tell whether it had been done already. A backend that is lost is started anew, for all runs together a few
        times. A worker that is lost is replaced once. One that was killed once its code ran is replaced once, within
        the time that is left: a submission that kills itself does so again, and then that is its reply. One that was
        ended for a disk that others filled is replaced, and the next one is not suspected.
        """
        assert self._backend is not None
        lost, killed, restart = 0, False, False
        while True:
            try:
                if restart:
                    self._backend.restart()
                restart = False
                reply = self._backend.run(order)
            except BackendLostError as problem:
                self._count_restart(problem)
                restart = True
            except DiskFilledError as problem:
                order = replace(order, suspicious=False)  # what is missing on this disk says nothing of a worker
                self._on_event(f"{problem}; another one is started")
            except WorkerLostError as problem:
                lost += 1
                if lost > MOST_LOST_WORKERS:
                    raise SandboxError(f"given up after {lost} workers: {problem}") from problem
                self._on_event(f"{problem}; another one is started")
            else:
                if killed or not reply.killed:
                    return reply
                killed = True
                order = order.shortened(reply.wall_seconds)

    def _count_restart(self, problem: BackendLostError) -> None:
        self._restarts += 1
        if self._restarts > MOST_RESTARTS:
            raise SandboxError(f"given up after {MOST_RESTARTS} restarts: {problem}") from problem
        self._on_event(f"restart {self._restarts} of at most {MOST_RESTARTS}: {problem}")

    def report(self) -> IsolationReport:
        """What holds on this machine, tried from inside a worker; tried once.

        Raises:
            SandboxError: nothing can be run at all.
        """
        with self._lock:
            self.start()
            if self._report is None:
                self._report = preflight(self).report
            return self._report

    @property
    def kind(self) -> str:
        """`fork` or `spawn`."""
        return self._kind

    @property
    def folder(self) -> Path:
        """Where this sandbox works, while it is started: other users may pass it, not list it."""
        if self._folder is None:
            raise SandboxError("the sandbox is not started")
        return self._folder

    def facts(self) -> Mapping[str, str | bool | int]:
        """How workers come about, and the layers that the last one reached."""
        return self._backend.facts() if self._backend else {}

    def foreign(self) -> tuple[int, ...]:
        """Process IDs of ours that a worker must not be able to touch."""
        return self._backend.processes() if self._backend else ()

    def close(self) -> None:
        """End everything that was started and remove what was made in the scratch folder."""
        with self._lock:
            if self._backend is not None:
                self._backend.close()
                self._backend = None
            if self._folder is not None:
                wipe(self._folder)
                self._folder = None

    def _make_folder(self) -> Path:
        if not self._scratch.is_dir():
            self._scratch.mkdir(parents=True)
            self._scratch.chmod(0o711)  # whatever our umask is
        folder = self._scratch / f"sandbox-{secrets.token_hex(16)}"
        folder.mkdir()
        folder.chmod(0o711)
        return folder

    def _make_backend(self, folder: Path) -> Backend:
        if self._kind == "spawn":
            from harness.sandbox.spawning import SpawnBackend

            return SpawnBackend(folder, self._probes, self._layers, self._libraries)
        if sys.platform != "linux":
            raise SandboxError(f"the fork backend needs Linux, this is {sys.platform}: use backend='spawn'")
        from harness.sandbox.forking import ForkBackend

        strict = self._isolation is Isolation.REQUIRED
        return ForkBackend(folder, self._probes, self._layers, strict, self._on_event, self._libraries, self._server)
