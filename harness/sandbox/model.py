"""The words of the sandbox as frozen dataclasses: what a run may use, how it ended, what it said.

Everything in a `Reply` that a worker could write is marked untrusted: text of it must be capped and cleaned by whoever
shows it, and no number of it may be taken for a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from harness.errors import InternalError
from harness.sandbox.values import Value

#: What the child side imports before it is asked: `plain` Python and numpy, or `all`, with torch. Without torch the
#: first worker is ready at once.
Libraries = Literal["all", "plain"]


class SandboxError(InternalError):
    """The sandbox itself failed or is not safe enough: an internal error, never the submission's."""


class Isolation(Enum):
    """How much must hold before a submission is run."""

    REQUIRED = "required"
    """Refuse to run unless user ID, resource limits and system call filter really hold (Gradescope)."""
    BEST_EFFORT = "best effort"
    """Use every layer that this machine offers and say which (a student's laptop, staff's desk)."""


class Status(Enum):
    """How one run ended."""

    RETURNED = "returned"
    RAISED = "raised"
    IMPORT_FAILED = "import failed"
    TIMED_OUT = "timed out"
    OUT_OF_CPU = "out of CPU time"
    OUT_OF_MEMORY = "out of memory"
    DIED = "died"
    BAD_REPLY = "bad reply"


@dataclass(frozen=True)
class Limits:
    """What one run may use. The wall clock starts when the submission's import starts."""

    wall_seconds: float = 60.0
    alarm_seconds: float = 0.0
    """After which Python code is interrupted where it is, to tell where that was; 0: never. Student code can keep it
    from doing so: `wall_seconds` is the limit."""
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 29
    """Beyond what every worker starts with (Python, numpy, torch)."""
    file_bytes: int = 8 << 20
    """The largest single file."""
    output_bytes: int = 1 << 16
    """Kept of stdout and stderr together; the rest is drained and counted."""
    reply_bytes: int = 1 << 26
    """Of all arrays and long strings in the reply."""
    tasks: int = 32
    """Threads, the main one included."""
    open_files: int = 64
    scratch_bytes: int = 64 << 20
    """All files in the scratch folder together."""
    scratch_entries: int = 4096
    """Files and folders in the scratch folder."""


@dataclass(frozen=True)
class Frame:
    """A place in the submission that an exception passed; `text` is that line of the file. Untrusted."""

    file: str
    line: int
    function: str
    text: str


@dataclass(frozen=True)
class RemoteError:
    """An exception as the worker described it. Untrusted, capped, innermost frame last."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What came of one run."""

    status: Status
    value: Value | None
    """The probe's return value where status is RETURNED. Untrusted."""
    error: RemoteError | None
    output: str
    """The first bytes of stdout and stderr. Untrusted."""
    output_dropped: int
    """Bytes of output beyond the cap."""
    detail: str
    """One sentence of ours on how it ended."""
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Largest resident set, pages shared with the other workers included; 0 where unknown."""
    killed: bool = False
    """Whether it died of a SIGKILL that none of its limits sent: its own code's doing, or an administrator's."""


@dataclass(frozen=True)
class IsolationReport:
    """What holds on this machine."""

    place: str
    """`root`, `linux user + landlock` or `containment only`."""
    layers: Mapping[str, str | bool | int]
    promise: str
    """One line for a person."""
    ok_for_grading: bool
    """Whether every must-have of Isolation.REQUIRED holds."""
    failures: tuple[str, ...] = field(default=())
    """What an attempt from inside a worker could do although it should not, one sentence each."""
    stays_open: tuple[str, ...] = field(default=())
    """What no layer closes in this place, one sentence each."""
