"""From what came through the pipes, and what the kernel says of the process, to a Reply.

No effects, apart from reading lines of the tree.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.sandbox.exchange import Transcript
from harness.sandbox.model import Frame, Limits, RemoteError, Reply, Status

_LARGEST_SOURCE = 1 << 20
_LINE_CHARACTERS = 200
_MEMORY_WORDS = ("bad_alloc", "not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")
#: A SIGKILL that nobody here sent, at this share of the memory limit or beyond, was the system's memory killer.
_SHARE_OF_MEMORY = 0.5


@dataclass(frozen=True)
class WorkerExit:
    """The kernel's account of a worker's end."""

    wait_status: int
    killed: bool
    """Whether it was still alive when we had waited long enough."""
    cpu_seconds: float
    peak_bytes: int
    shared_bytes: int = 0
    """How much of the peak every worker starts with."""

    @property
    def signal(self) -> int:
        """The signal that ended it; 0 where it ended itself."""
        return os.WTERMSIG(self.wait_status) if os.WIFSIGNALED(self.wait_status) else 0


def classify(transcript: Transcript, ended: WorkerExit, limits: Limits, tree: Path) -> Reply:
    """The reply of a worker that had said "hardened"."""
    status, value, error, detail = _verdict(transcript, ended, limits, tree)
    return Reply(
        status=status,
        value=value,
        error=error,
        output=transcript.output.decode("utf-8", errors="replace"),
        output_dropped=transcript.output_dropped,
        detail=detail,
        wall_seconds=transcript.seconds,
        cpu_seconds=ended.cpu_seconds,
        peak_bytes=ended.peak_bytes,
        killed=status is Status.DIED and transcript.end == "closed" and ended.signal == signal.SIGKILL,
    )


_Verdict = tuple[Status, Any, RemoteError | None, str]


def _verdict(transcript: Transcript, ended: WorkerExit, limits: Limits, tree: Path) -> _Verdict:
    if transcript.end == "replied":
        return _reply(transcript, limits, tree)
    if transcript.end == "late":
        return Status.TIMED_OUT, None, None, f"stopped after {limits.wall_seconds:g} s"
    if transcript.end == "too much":
        return Status.DIED, None, None, f"stopped after {transcript.seconds:.1f} s: {transcript.reason}"
    if transcript.end == "malformed":
        return Status.BAD_REPLY, None, None, f"what came back is no reply: {transcript.reason}"
    if ended.killed:
        return Status.BAD_REPLY, None, None, f"it closed its reply pipe {transcript.seconds:.1f} s in and ran on"
    return _verdict_on_exit(transcript, ended, limits)


def _verdict_on_exit(transcript: Transcript, ended: WorkerExit, limits: Limits) -> _Verdict:
    after = f"after {transcript.seconds:.1f} s"
    if os.WIFEXITED(ended.wait_status):
        code = os.WEXITSTATUS(ended.wait_status)
        return Status.DIED, None, None, f"the process ended itself with exit code {code} {after}, without a reply"
    number = os.WTERMSIG(ended.wait_status)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and ended.cpu_seconds >= 0.8 * limits.cpu_seconds):
        return Status.OUT_OF_CPU, None, None, f"stopped at {limits.cpu_seconds} s of CPU time"
    if number == signal.SIGKILL and ended.peak_bytes - ended.shared_bytes >= _SHARE_OF_MEMORY * limits.memory_bytes:
        return (
            Status.OUT_OF_MEMORY,
            None,
            None,
            f"killed by the system {after} for its memory ({ended.peak_bytes >> 20} MiB)",
        )
    if number == signal.SIGABRT and _speaks_of_memory(transcript.output[-4096:].decode("utf-8", errors="replace")):
        return Status.OUT_OF_MEMORY, None, None, f"stopped {after}: beyond {limits.memory_bytes >> 20} MiB of memory"
    return Status.DIED, None, None, f"killed by {_signal_name(number)} {after}"


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _speaks_of_memory(text: str) -> bool:
    return any(word in text.lower() for word in _MEMORY_WORDS)


def _reply(transcript: Transcript, limits: Limits, tree: Path) -> _Verdict:
    message = transcript.value
    kind = message.get("kind") if isinstance(message, dict) else None
    kind = kind if isinstance(kind, str) else None
    if kind == "returned" and isinstance(message, dict) and set(message) == {"kind", "value"}:
        return Status.RETURNED, message["value"], None, f"returned after {transcript.seconds:.1f} s"
    error = _error(message.get("error"), tree) if isinstance(message, dict) else None
    if kind not in {"raised", "import_failed", "unsendable", "late"} or error is None:
        return Status.BAD_REPLY, None, None, "what came back is no reply"
    if kind == "late":
        return Status.TIMED_OUT, None, error, f"still running after {limits.alarm_seconds:g} s"
    if kind == "unsendable":
        return Status.BAD_REPLY, None, error, "what the probe returned cannot be sent"
    if error.type == "MemoryError" or (error.type in {"RuntimeError", "OSError"} and _speaks_of_memory(error.message)):
        return Status.OUT_OF_MEMORY, None, error, f"beyond {limits.memory_bytes >> 20} MiB of memory"
    if kind == "import_failed":
        return Status.IMPORT_FAILED, None, error, f"importing the submission raised {_where(error)}"
    return Status.RAISED, None, error, f"raised an exception {_where(error)}"


def _where(error: RemoteError) -> str:
    return (
        f"in line {error.frames[-1].line} of a file of the submission" if error.frames else "outside of the submission"
    )


def _error(raw: object, tree: Path) -> RemoteError | None:
    """The description, checked; None where it is none."""
    if not isinstance(raw, dict) or set(raw) != {"type", "message", "frames"}:
        return None
    if not isinstance(raw["type"], str) or not isinstance(raw["message"], str) or not isinstance(raw["frames"], list):
        return None
    frames = tuple(frame for frame in (_frame(place, tree) for place in raw["frames"][:50]) if frame)
    return RemoteError(raw["type"][:200], raw["message"][:2000], frames)


def _frame(place: object, tree: Path) -> Frame | None:
    if not isinstance(place, list) or [type(item) for item in place] != [str, int, str]:
        return None
    file, line, function = place
    return Frame(file[:200], line, function[:200], source_line(tree, file, line)) if 0 <= line < 1 << 31 else None


def source_line(tree: Path, file: str, line: int) -> str:
    """Line `line` of a file of the tree, stripped and capped; empty where there is none. Follows no link out of it."""
    path = tree / file
    try:
        if Path(file).is_absolute() or ".." in Path(file).parts or path.resolve() != tree.resolve() / file:
            return ""
        if not path.is_file() or path.stat().st_size > _LARGEST_SOURCE:
            return ""
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return ""
    return lines[line - 1].strip()[:_LINE_CHARACTERS] if 0 < line <= len(lines) else ""


def returned(answer: Mapping[str, Any]) -> WorkerExit:
    """The zygote's answer to `reap` as a WorkerExit."""
    return WorkerExit(
        **{name: answer[name] for name in ("wait_status", "killed", "cpu_seconds", "peak_bytes", "shared_bytes")}
    )
