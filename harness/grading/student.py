"""The `student` and `reference` of a graded test: run a probe in a worker, get values back, or fail with a sentence.

Everything in a reply is untrusted. Its value is compared with the form that the probe declares in
`harness.probes.schemas` before any graded test sees it: types, dimensions, sizes. What it says within that form is the
graded test's to judge. What a worker says of itself (exception text, output) is shown for basic graded tests only,
whose inputs are public; for hidden graded tests a fixed sentence of ours stands in its place.
"""

from __future__ import annotations

import builtins
import math
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assignment import RunLimits
from harness.errors import InternalError
from harness.grading import advice
from harness.grading.feedback import Cause, Failure
from harness.intake.staging import Submission
from harness.probes import schemas
from harness.sandbox import Limits, Reply, Sandbox, Status

Probe = Callable[..., Any] | str

#: (`run` or `read`, probe, arguments) -> the value; raises what asking here would raise.
Desk = Callable[[str, str, dict[str, Any]], Any]

#: Bytes; the largest honest reply takes 12 MiB (8,000 drawn examples). Graded tests compute on replies in the grader,
#: which must not run out of memory over one: the smallest machine has 750 MiB in all.
LARGEST_REPLY = 16 << 20

#: The hint where values have another form: one for all graded tests and all values.
OTHER_FORM = "does the code return what its docstring says: types, shapes and lengths?"

#: The hint where code raises in a hidden graded test, whatever it raises.
HIDDEN_EXCEPTION = (
    "an exception was raised; if a basic test about this part fails as well, start there. If not: does the code work "
    "with longer, shorter and other input, and do functions take the arguments that the handout names?"
)


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

    def reply(self, probe: Probe, load: bool, arguments: dict[str, Any]) -> Reply:
        """One run in a fresh worker. That a worker killed by somebody else is replaced is the sandbox's business."""
        self.runs += 1
        begun = time.monotonic()
        limits = Limits(
            wall_seconds=max(min(self.limits.test_seconds - self.used, self.deadline - begun), 1.0),
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
    answers: int = 0
    """How many values the student's code has given to the graded test."""

    def run(self, probe: Probe, **arguments: Any) -> Any:
        """Value of `probe(submission, **arguments)`, run in a fresh worker beside the student's code.

        The value is untrusted, but has the form that the probe declares.

        Raises:
            Failure: the code does not import, raises, exceeds a limit or answers nothing of that form.
        """
        return self.ask("run", probe, arguments)

    def read(self, probe: Probe, **arguments: Any) -> Any:
        """Value of `probe(folder, **arguments)`: looks at the uploaded files and imports none of the student's code."""
        return self.ask("read", probe, arguments)

    def file(self, name: str) -> Path:
        """The staged deliverable `name`; a Failure that says how to make it when it is missing or unusable."""
        if name in self.submission.present:
            return self.submission.present[name]
        raise Failure(
            expected=f"{name} among the uploaded files",
            seen=self._why_missing(name),
            hint=f"upload {name} with the other files",
            public=True,
            cause=Cause.WAITS,
        )

    def _asked(self, how: str, probe: Probe, arguments: dict[str, Any]) -> Any:
        reply = self.reply(probe, how == "run", arguments)
        if reply.status is Status.RETURNED:
            if said := misfit(probe, arguments, reply.value):
                raise _of_another_form(said)
            self.answers += how == "run"
            return reply.value
        lacking = {name: self._why_missing(name) for name in self.submission.missing if name.endswith(".py")}
        raise _failure(reply, self.hidden, lacking)

    def _why_missing(self, name: str) -> str:
        said = [problem.message for problem in self.submission.complaints if problem.file == name]
        return said[0] if said else f"{name}: not among the uploaded files"


def misfit(probe: Probe, arguments: Mapping[str, Any], value: Any) -> str | None:
    """What of a reply has not the form that its probe declares, as a sentence; InternalError where it declares none."""
    try:
        return schemas.complaint(name_of(probe), arguments, value)
    except LookupError as problem:
        raise InternalError(str(problem)) from problem


def _of_another_form(said: str) -> Failure:
    return Failure("values in the form that this graded test asks for", said, OTHER_FORM, cause=Cause.UNREADABLE)


def _failure(reply: Reply, hidden: bool, lacking: Mapping[str, str]) -> Failure:
    """`lacking` has the modules that were not uploaded, or could not be used, and says so of each in a sentence."""
    match reply.status:
        case Status.IMPORT_FAILED | Status.RAISED if needed := _missed(reply, lacking, hidden):
            return _waits_for_files(needed, [lacking[name] for name in needed])
        case Status.IMPORT_FAILED:
            return _waits_for_import(reply, hidden)
        case Status.RAISED if _is_unwritten(reply, lacking):
            return _waits_for_part(reply, hidden, lacking)
        case Status.RAISED if not hidden and (name := advice.missing_name(reply.error)):
            return _waits_for_name(name)
        case Status.RAISED:
            return Failure(
                "the code returns",
                f"it raised {_raised(reply, hidden)}",
                _start(reply, hidden),
                public=not hidden,
                raised=_type(reply, hidden),
                cause=Cause.ENDED,
            )
        case Status.TIMED_OUT | Status.OUT_OF_CPU:
            return Failure(
                "an answer in time",
                f"none: {_detail(reply, hidden)}",
                "does the code train, loop or wait where it should not?",
                public=True,
                cause=Cause.LIMIT,
            )
        case Status.OUT_OF_MEMORY:
            return Failure(
                "work within the memory limit",
                f"more was asked for: {_detail(reply, hidden)}",
                "what does the code allocate here?",
                public=True,
                cause=Cause.LIMIT,
            )
        case Status.BAD_REPLY if hidden:
            return _of_another_form(reply.detail)
        case Status.BAD_REPLY:
            return Failure(
                "plain tensors and numbers",
                f"an answer that could not be read: {reply.detail}",
                "are these ordinary tensors of ordinary size?",
                public=True,
                cause=Cause.UNREADABLE,
            )
        case _:
            return Failure(
                "the code returns",
                f"its process ended: {_detail(reply, hidden)}",
                "does the code exit or crash the interpreter?",
                public=True,
                cause=Cause.ENDED,
            )


def _detail(reply: Reply, hidden: bool) -> str:
    """How the run ended. Exit codes, signals and times are the student's to choose: hidden graded tests repeat none."""
    if not hidden:
        return reply.detail
    return {
        Status.TIMED_OUT: "stopped at the time limit",
        Status.OUT_OF_CPU: "stopped at the time limit",
        Status.OUT_OF_MEMORY: "stopped at the memory limit",
    }.get(reply.status, "without an answer")


def _missed(reply: Reply, lacking: Collection[str], hidden: bool) -> list[str]:
    """Those of the lacking modules which the student's code tried to import; in a hidden graded test all or none."""
    if reply.error is None or reply.error.type not in ("ModuleNotFoundError", "ImportError"):
        return []
    found = [name for name in lacking if re.search(rf"\b{re.escape(name.removesuffix('.py'))}\b", reply.error.message)]
    return list(lacking) if hidden and found else found


def _waits_for_files(needed: Sequence[str], sentences: Sequence[str]) -> Failure:
    hint = (
        f"this graded test waits until the package has its {' and '.join(needed)}: the code imports what is not there"
    )
    return Failure(
        f"{', '.join(needed)} among the uploaded files", "; ".join(sentences), hint, public=True, cause=Cause.WAITS
    )


def _is_unwritten(reply: Reply, lacking: Collection[str]) -> bool:
    """Whether the student's code stands for a part that is yet to be written, or uploaded."""
    if reply.error is None:
        return False
    if reply.error.type == "AttributeError" and lacking:
        return "module 'submission'" in reply.error.message
    return reply.error.type == "NotImplementedError"


def _waits_for_part(reply: Reply, hidden: bool, lacking: Mapping[str, str]) -> Failure:
    unusable = [said for name, said in lacking.items() if not said.startswith(f"{name}: missing")]
    if unusable:
        hint, seen = "this graded test waits until all modules of the package can be used", "; ".join(unusable)
        return Failure("the part that this graded test looks at", seen, hint, public=True, cause=Cause.WAITS)
    if lacking and _is_lacking(reply):
        seen = f"it belongs to what was not uploaded ({', '.join(lacking)})"
        hint = f"this graded test waits until {' and '.join(lacking)} is among the uploaded files"
        return Failure("the part that this graded test looks at", seen, hint, public=True, cause=Cause.WAITS)
    seen, hint = "it is not written yet", "this graded test waits until the part is written"
    if not hidden:
        seen += f": {_where(reply)} raises NotImplementedError"
    return Failure("the part that this graded test looks at", seen, hint, public=True, cause=Cause.WAITS)


def _is_lacking(reply: Reply) -> bool:
    """Whether it is the stand-in for a module that was not uploaded that raised, and no code that is to be written."""
    frames = reply.error.frames if reply.error else ()
    return not frames or (frames[-1].file.endswith("__init__.py") and frames[-1].function == "__getattr__")


def _waits_for_import(reply: Reply, hidden: bool) -> Failure:
    if hidden:
        hint = "this graded test waits until the code imports; the basic graded tests show the message"
        return Failure("`import submission` works", "it does not import", hint, public=True, cause=Cause.WAITS)
    hint = f"this graded test waits until the code imports: {advice.on_import(reply.error)}"
    return Failure(
        "`import submission` works", f"it raised {_raised(reply, hidden)}", hint, public=True, cause=Cause.WAITS
    )


def _waits_for_name(name: str) -> Failure:
    return Failure(
        f"the package submission offers {name}",
        f"it has no {name}",
        "submission/__init__.py came with the template and takes all names from the other files: put it back as it was",
        public=True,
        cause=Cause.WAITS,
    )


def _start(reply: Reply, hidden: bool) -> str:
    """Where to look after an exception."""
    if hidden:
        return HIDDEN_EXCEPTION
    if reply.error is None or not reply.error.frames:
        return "the message above says what is expected of your function"
    return "start at the file and line above; the text behind the exception's name says what went wrong there"


def _type(reply: Reply, hidden: bool) -> str:
    """The exception's type where Python itself defines it. A hidden graded test tells it by no hint either."""
    name = reply.error.type if reply.error and not hidden else ""
    known = getattr(builtins, name, None) if name.isidentifier() else None
    return name if isinstance(known, type) and issubclass(known, BaseException) else ""


def _raised(reply: Reply, hidden: bool) -> str:
    """The exception. A hidden graded test does not name it: the code could spell out with names what it was given."""
    if hidden or reply.error is None:
        return "an exception"
    return f"{reply.error.type}: {reply.error.message}" + (
        f"\n          at {_where(reply)}" if reply.error.frames else ""
    )


def _where(reply: Reply) -> str:
    if reply.error is None or not reply.error.frames:
        return "submission"
    frame = reply.error.frames[-1]
    return f"{frame.file}:{frame.line} in {frame.function}"
