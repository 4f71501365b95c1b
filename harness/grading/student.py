"""The `student` and `reference` of a graded test: run a probe in a worker, get values back, or fail with a sentence.

Everything in a reply is untrusted. Its value is compared with the form that the probe declares in
`harness.probes.schemas` before any graded test sees it: types, dimensions, sizes. What it says within that form is the
graded test's to judge. What a worker says of itself (exception text, output) is shown for basic graded tests only,
whose inputs are public; for hidden graded tests a fixed sentence of ours stands in its place.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assignment import RunLimits
from harness.errors import InternalError
from harness.grading.feedback import Cause, Failure
from harness.grading.novalue import NoValue, of_another_form
from harness.grading.places import where
from harness.intake.staging import Submission
from harness.probes import schemas
from harness.sandbox import Limits, Reply, Sandbox, Status

Probe = Callable[..., Any] | str

#: (`run` or `read`, probe, arguments) -> the value; raises what asking here would raise.
Desk = Callable[[str, str, dict[str, Any]], Any]

#: Bytes; the largest honest reply takes 12 MiB (8,000 drawn examples). Graded tests compute on replies in the grader,
#: which must not run out of memory over one: the smallest machine has 750 MiB in all.
LARGEST_REPLY = 16 << 20

#: On a student's own computer a run is interrupted after `home_seconds`, and ended so much later if that did nothing.
HOME_GRACE_SECONDS = 4.0


def name_of(probe: Probe) -> str:
    """`topic.function`. Where the probes are imported, a graded test's `corruption.draws` is the function itself."""
    return probe if isinstance(probe, str) else f"{probe.__module__.rpartition('.')[2]}.{probe.__name__}"


@dataclass
class Runner:
    """Runs probes beside one tree of code on behalf of one graded test, within its time and the whole run's.

    Only its own runs count against the graded test's time: a submission that uses up its share leaves the reference its
    own.
    """

    sandbox: Sandbox
    tree: Path
    limits: RunLimits
    seed: int
    """Of the first worker's streams; the next ones count up. No stream of the graded test's own follows from it."""
    deadline: float = math.inf
    """Of the whole run, by time.monotonic()."""
    runs: int = 0
    used: float = 0.0
    peak_bytes: int = 0
    """The most memory that one of its workers held, where the machine tells it."""
    cpu_seconds: float = 0.0
    """What its workers took of the processors, all together."""
    desk: Desk | None = None
    """In a process that judges: where to ask instead, since workers are the parent's to run."""
    secret: bool = False
    """Whether the tree is closed to every worker but the one that runs beside it. A later worker may find its path."""

    def ask(self, how: str, probe: Probe, arguments: dict[str, Any]) -> Any:
        """What `run` or `read` gives, from here or from the desk."""
        if self.desk is not None:
            return self.desk(how, name_of(probe), arguments)
        return self._asked(how, probe, arguments)

    def _asked(self, how: str, probe: Probe, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError

    @property
    def wall_seconds(self) -> float:
        """Of the next run."""
        return self.limits.test_seconds - self.used

    @property
    def alarm_seconds(self) -> float:
        """After which the next run is interrupted, to tell where it is; 0: never."""
        return 0.0

    def reply(self, probe: Probe, load: bool, arguments: dict[str, Any]) -> Reply:
        """One run in a fresh worker. That a worker killed by somebody else is replaced is the sandbox's business."""
        self.runs += 1
        begun = time.monotonic()
        limits = Limits(
            wall_seconds=max(min(self.wall_seconds, self.deadline - begun), 1.0),
            alarm_seconds=self.alarm_seconds,
            cpu_seconds=self.limits.cpu_seconds,
            memory_bytes=self.limits.memory_mib << 20,
            file_bytes=self.limits.file_mib << 20,
            reply_bytes=LARGEST_REPLY,
        )
        try:
            self._open(0o755)
            found = self.sandbox.run(
                self.tree, name_of(probe), arguments, seed=(self.seed + self.runs - 1) % 2**32, limits=limits, load=load
            )
            self.peak_bytes = max(self.peak_bytes, found.peak_bytes)
            self.cpu_seconds += found.cpu_seconds
            return found
        finally:
            self._open(0o700)
            self.used += time.monotonic() - begun

    def _open(self, mode: int) -> None:
        if self.secret:
            self.tree.chmod(mode)


@dataclass
class Reference(Runner):
    """The staff solution, through the same workers. What fails here is an internal error."""

    secret: bool = True

    def run(self, probe: Probe, **arguments: Any) -> Any:
        """Value of `probe(reference, **arguments)`; InternalError when it does not return one."""
        return self.ask("run", probe, arguments)

    def _asked(self, how: str, probe: Probe, arguments: dict[str, Any]) -> Any:
        reply = self.reply(probe, how == "run", arguments)
        if reply.status is not Status.RETURNED:
            raise InternalError(
                f"the reference failed in probe {name_of(probe)}: {reply.status.name} {reply.detail} {reply.error}"
            )
        if said := misfit(probe, arguments, reply.value):
            raise InternalError(f"the reference's reply to probe {name_of(probe)} has not the declared form: {said}")
        return reply.value


@dataclass(kw_only=True)
class Student(Runner):
    """A submission. What fails here is a Failure of the graded test."""

    submission: Submission
    hidden: bool
    at_home: bool = False
    """Whether it is somebody at work who asks, on their own computer: nothing is to be uploaded, and loops end soon."""
    given: frozenset[str] = frozenset()
    """Names of the code files that were given out as they are."""
    answers: int = 0
    """How many values the student's code has given to the graded test."""

    def run(self, probe: Probe, **arguments: Any) -> Any:
        """Value of `probe(submission, **arguments)`, run in a fresh worker beside the student's code.

        The value is untrusted, but has the form that the probe declares.

        Raises:
            Failure: the code does not import, raises, exceeds a limit or answers nothing of that form.
        """
        return self.ask("run", probe, arguments)

    def run_apart(self, probe: Probe, **arguments: Any) -> Any:
        """As `run`, of a probe that is handed the package's folder and imports what it needs of it by itself.

        For a file that stands on its own: what is wrong with the rest of the package costs it nothing.
        """
        return self.ask("run apart", probe, arguments)

    def read(self, probe: Probe, **arguments: Any) -> Any:
        """Value of `probe(folder, **arguments)`: looks at the uploaded files and imports none of the student's code."""
        return self.ask("read", probe, arguments)

    def file(self, name: str) -> Path:
        """The staged deliverable `name`; a Failure that says how to make it when it is missing or unusable."""
        if name in self.submission.present:
            return self.submission.present[name]
        seen, _, hint = self._why_missing(name).partition("; ")
        raise Failure(
            expected=f"{name} {self._among}",
            seen=seen,
            hint=hint or f"what keeps {name} from being read stands above",
            public=True,
            cause=Cause.WAITS,
        )

    @property
    def wall_seconds(self) -> float:
        """See `Runner`."""
        most = super().wall_seconds
        return min(most, self.limits.home_seconds + HOME_GRACE_SECONDS) if self.at_home else most

    @property
    def alarm_seconds(self) -> float:
        """See `Runner`."""
        return self.limits.home_seconds if self.at_home and not self.hidden else 0.0

    @property
    def _among(self) -> str:
        return "in submission/" if self.at_home else "among the uploaded files"

    def _asked(self, how: str, probe: Probe, arguments: dict[str, Any]) -> Any:
        reply = self.reply(probe, how == "run", arguments)
        if reply.status is Status.RETURNED:
            if said := misfit(probe, arguments, reply.value):
                raise of_another_form(said)
            self.answers += how != "read"
            return reply.value
        lacking = {name: self._why_missing(name) for name in self.submission.missing if name.endswith(".py")}
        place = where(reply.error, self.tree, self.given)
        raise NoValue(reply, self.hidden, lacking, place, self._among).failure()

    def _why_missing(self, name: str) -> str:
        said = [problem.message for problem in self.submission.complaints if problem.file == name]
        return said[0] if said else f"{name}: not {self._among}"


def misfit(probe: Probe, arguments: Mapping[str, Any], value: Any) -> str | None:
    """What of a reply has not the form that its probe declares, as a sentence; InternalError where it declares none."""
    try:
        return schemas.complaint(name_of(probe), arguments, value)
    except LookupError as problem:
        raise InternalError(str(problem)) from problem
