"""The way to run workers anywhere: a fresh Python per run, watched by three threads. Contains accidents, not malice."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from harness.sandbox import codec, frames, scratch
from harness.sandbox.backend import Order
from harness.sandbox.classify import WorkerExit, classify
from harness.sandbox.exchange import Transcript
from harness.sandbox.interpreter import module_path
from harness.sandbox.model import Libraries, Reply, SandboxError
from harness.sandbox.parent import START_SECONDS, command, environment
from harness.sandbox.probe_call import ProbeCall
from harness.sandbox.values import Caps, CodecError

_END_SECONDS = 5.0
_CHUNK = 1 << 16
#: On Windows the libraries of conda's packages are found by PATH.
_DLL_PATHS = ("PATH",) if sys.platform == "win32" else ()


class SpawnBackend:
    """Starts a process per run; nothing lives between runs."""

    kind = "spawn"

    def __init__(self, folder: Path, probes: str, layers: tuple[str, ...], libraries: Libraries = "all") -> None:
        self._probes = probes
        self._layers = layers
        self._libraries = libraries
        self._modules = module_path(torch=libraries != "plain")
        self._runs = folder / "runs"
        self._runs.mkdir()

    def facts(self) -> Mapping[str, str | bool | int]:
        """See `Backend.facts`."""
        return {"backend": self.kind, "uid": False, "rlimits": sys.platform != "win32", "landlock": 0, "seccomp": False}

    def restart(self) -> None:
        """Nothing to start: each run starts its own."""

    def processes(self) -> tuple[int, ...]:
        """See `Backend.processes`."""
        return ()

    def close(self) -> None:
        """Nothing lives on."""

    def run(self, order: Order) -> Reply:
        """See `Backend.run`."""
        folder = scratch.create(self._runs, None)
        call = order.call(folder, None, self._layers, strict=False)
        try:
            return self._run(call, order)
        finally:
            scratch.wipe(folder)

    def _run(self, call: ProbeCall, order: Order) -> Reply:
        begun = _children_cpu_seconds()
        process = subprocess.Popen(
            command("once", 0, self._probes, self._modules, self._libraries), env=_environment(), cwd=call.scratch,
            bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=sys.platform != "win32",
        )  # fmt: skip
        threads = _PipeThreads(process, call, order)
        try:
            transcript = threads.transcript()
        finally:
            killed = _kill(process)
            threads.end()
        ready = transcript.ready or {}
        if "ready" not in ready:
            said = (
                ready.get("fault") or transcript.output[-1000:].decode("utf-8", errors="replace") or "it said nothing"
            )
            raise SandboxError(f"a worker was not ready for {call.probe}: {said}")
        ended = WorkerExit(_wait_status(process.returncode), killed, _children_cpu_seconds() - begun, 0)
        return classify(transcript, ended, order.limits, order.tree)


class _PipeThreads:
    """Three threads on a process's pipes, and what they saw."""

    def __init__(self, process: subprocess.Popen[bytes], call: ProbeCall, order: Order) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._call = call
        self._order = order
        self._transcript = Transcript(started=time.monotonic())
        self._threads = [
            _thread(self._write, process.stdin),
            _thread(self._read, process.stdout),
            _thread(self._drain, process.stderr),
        ]

    def transcript(self) -> Transcript:
        """Wait for a reply, an end or the deadline."""
        deadline = time.monotonic() + START_SECONDS
        while self._transcript.end == "open":
            try:
                name, value = self._events.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                self._transcript.end = "late"
                break
            if name == "message" and self._transcript.ready is None:
                self._transcript.ready = value if isinstance(value, dict) else {}
                self._transcript.started = time.monotonic()
                deadline = self._transcript.started + self._order.limits.wall_seconds
            elif name == "message":
                self._transcript.value, self._transcript.end = value, "replied"
            else:
                self._transcript.end, self._transcript.reason = name, value
        self._transcript.seconds = time.monotonic() - self._transcript.started
        return self._transcript

    def end(self) -> None:
        """Give the threads time to see the end of their pipes; those that something else keeps open are left behind."""
        for thread in self._threads:
            thread.join(_END_SECONDS)

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError), pipe:
            frames.write(pipe.fileno(), self._order.pieces(self._call))

    def _read(self, pipe: IO[bytes]) -> None:
        nonce, caps = bytes.fromhex(self._call.nonce), self._call.reply_caps()
        with pipe:
            try:
                for limits in (Caps(header_bytes=1 << 14, body_bytes=1 << 14), caps):
                    message = codec.decode(*frames.read(pipe.fileno(), nonce, limits), limits)
                    self._events.put(("message", message))
            except CodecError as problem:
                self._events.put(("malformed", str(problem)))
            except (EOFError, OSError):
                self._events.put(("closed", ""))

    def _drain(self, pipe: IO[bytes]) -> None:
        transcript, keep = self._transcript, self._order.limits.output_bytes
        with contextlib.suppress(OSError, ValueError), pipe:
            while data := os.read(pipe.fileno(), _CHUNK):
                kept = data[: max(0, keep - len(transcript.output))]
                transcript.output += kept
                transcript.output_dropped += len(data) - len(kept)


def _thread(target: Callable[[IO[bytes]], None], pipe: IO[bytes]) -> threading.Thread:
    thread = threading.Thread(target=target, args=(pipe,), daemon=True)
    thread.start()
    return thread


def _kill(process: subprocess.Popen[bytes]) -> bool:
    """End the process and its group; whether it had to be killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    alive = process.poll() is None
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    return alive


def _wait_status(returncode: int | None) -> int:
    """Popen's return code as a wait status: signals are negative there."""
    if returncode is None:
        return int(signal.SIGTERM)
    return -returncode if returncode < 0 else (returncode & 0xFF) << 8


def _environment() -> dict[str, str]:
    """As a zygote's, and what Windows cannot start a program without."""
    needed = ("SYSTEMROOT", "SystemRoot", "WINDIR", *_DLL_PATHS)
    kept = {name: os.environ[name] for name in needed if name in os.environ}
    return {**environment(), **kept}


def _children_cpu_seconds() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
