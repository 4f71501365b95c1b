"""Runs a graded test in a forked child of the grader, with an address space and computing time of its own.

Theory of operation: the child is a copy of the grader that computes; the parent keeps everything that lasts. When the
graded test asks a probe, the child sends the question up a pipe; the parent runs the worker, checks the form of the
reply, and sends the value or the failure down another. So the sandbox's state (processes, user IDs, scratch folders)
and the count of runs are the parent's alone, and a child can be killed at any moment. At the end the child tells how
the graded test came out; one that ends without a word has run into its limits or died.

Both sides are ours, and yet nothing is pickled: messages go through the sandbox's codec. No student code runs in the
child, only the graded test over values that a worker sent.

Only on Linux. Elsewhere the graded test runs right here, under a time limit where signals allow: macOS's own libraries
do not survive a fork, and there is nobody to defend against on a student's machine.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, NoReturn

import timeout_decorator

from harness.errors import InternalError
from harness.grading.feedback import Failure
from harness.grading.results import plain
from harness.sandbox import codec, frames
from harness.sandbox.values import Caps, CodecError

#: Values and arguments have passed narrower caps before.
_CAPS = Caps(header_bytes=1 << 26, body_bytes=1 << 28, containers=400_000, depth=48)

#: Marks messages between the two; there is nobody else on these pipes.
_NONCE = bytes(frames.NONCE_BYTES)

#: Characters that are kept of a text that a child tells.
_LONGEST_TEXT = 30_000

#: A child whose pipe has ended is given this long to end by itself, so that its status is its own.
_LAST_MOMENT = 1.0

#: Answers one question of the running graded test: who is asked, how, the probe, its arguments.
Serve = Callable[[str, str, str, dict[str, Any]], Any]


class Ending(Enum):
    """How a graded test came out, as far as the running of it tells."""

    PASSED = "passed"
    FAILED = "failed"
    """It raised Failure or another AssertionError."""
    BROKE = "broke"
    """It raised something else."""
    RAN_OUT = "ran out"
    """It ran into a limit on time or memory."""
    DIED = "died"
    """Its process ended without a word."""


@dataclass(frozen=True)
class Judgement:
    """What came of one graded test."""

    ending: Ending
    failure: Failure | None = None
    detail: str = ""
    """For staff, where it neither passed nor failed."""
    staff: Mapping[str, Any] = field(default_factory=dict)
    """What the graded test left for staff."""
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True)
class JudgeLimits:
    """What one graded test may take in the grader."""

    wall_seconds: float
    """Together with all its workers."""
    cpu_seconds: int
    memory_bytes: int
    """Beyond what the grader itself has."""


def can_fork() -> bool:
    """Whether graded tests get a process of their own here."""
    return sys.platform == "linux"


# --- here -------------------------------------------------------------------------------------------------------------


def judge_here(run: Callable[[], None], staff: dict[str, Any], limits: JudgeLimits) -> Judgement:
    """Run a graded test in this process, under its time limit where signals allow."""
    if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
        run = timeout_decorator.timeout(limits.wall_seconds)(run)
    ending, failure, detail = _outcome(run)
    return Judgement(ending, failure, detail, staff)


def _outcome(run: Callable[[], None]) -> tuple[Ending, Failure | None, str]:
    try:
        run()
    except timeout_decorator.TimeoutError as problem:
        return Ending.RAN_OUT, None, f"{type(problem).__name__}: {problem}"
    except Failure as failure:
        return Ending.FAILED, failure, ""
    except AssertionError as problem:
        return Ending.FAILED, Failure("the property in the title", str(problem)), ""
    except (MemoryError, RecursionError) as problem:
        return Ending.RAN_OUT, None, f"{type(problem).__name__}: {problem}"
    except Exception as problem:  # noqa: BLE001 - whatever broke it is told
        return Ending.BROKE, None, f"{type(problem).__name__}: {problem}"
    return Ending.PASSED, None, ""


# --- in a child -------------------------------------------------------------------------------------------------------


class Desk:
    """The child's end: asks the parent, which runs the workers."""

    def __init__(self, questions: int, answers: int) -> None:
        self._questions, self._answers = questions, answers

    def ask(self, who: str, how: str, probe: str, arguments: dict[str, Any]) -> Any:
        """The value, or the Failure, that the parent has for it."""
        _send(self._questions, {"who": who, "how": how, "probe": probe, "arguments": arguments})
        answer = _receive(self._answers)
        if "failure" in answer:
            raise Failure.from_dict(answer["failure"])
        return answer["value"]

    def tell(self, ending: Ending, failure: Failure | None, detail: str, staff: Mapping[str, Any]) -> None:
        """Say how it came out."""
        told = None if failure is None else {k: _cut(v) for k, v in failure.to_dict().items()}
        _send(self._questions, {"ending": ending.value, "failure": told, "detail": _cut(detail), "staff": dict(staff)})


def judge_in_child(run: Callable[[Desk], None], staff: dict[str, Any], serve: Serve, limits: JudgeLimits) -> Judgement:
    """Fork, let `run` judge in the child, and answer its questions until it is done.

    Args:
        run: the graded test; what it asks of workers goes to the desk that it is given.
        staff: the graded test's notes for staff, as the child's `run` fills them.
        serve: answers a question in this process; a Failure from it is the child's to handle, anything else ends all.
    """
    _prepare()
    up, questions = os.pipe()
    answers, down = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads: the one that waits for the supervisor's end
        pid = os.fork()
    if pid == 0:
        _be_the_child(run, staff, Desk(questions, answers), limits, parent, (up, down))
    os.close(questions)
    os.close(answers)
    attendant = _Attendant(pid, up, down, serve, time.monotonic() + limits.wall_seconds)
    kill = True
    try:
        told, late = attendant.attend()
        kill = late
    finally:
        status, usage = attendant.end(kill=kill)
    return _judgement(told, late, status, usage)


@cache
def _prepare() -> None:
    """What every child would otherwise find out for itself; and no child copies a page to collect what lies in it."""
    import resource  # noqa: F401 - Linux only

    from harness.sandbox import system

    system.prctl(system.PR_GET_DUMPABLE)
    gc.freeze()


def _be_the_child(
    run: Callable[[Desk], None],
    staff: dict[str, Any],
    desk: Desk,
    limits: JudgeLimits,
    parent: int,
    others: tuple[int, int],
) -> NoReturn:
    """Never returns into the grader's frames, whatever happens."""
    status = 1
    try:
        for descriptor in others:
            os.close(descriptor)
        _bind(parent)
        _limit(limits)
        told = _any_outcome(run, desk)
        _unlimit_memory()  # telling takes some, too
        desk.tell(*told, plain(staff))
        status = 0
    finally:
        os._exit(status)


def _any_outcome(run: Callable[[Desk], None], desk: Desk) -> tuple[Ending, Failure | None, str]:
    """What else raises ends this process alone, and is told like any other exception."""
    try:
        return _outcome(lambda: run(desk))
    except BaseException as problem:  # noqa: BLE001 - SystemExit, KeyboardInterrupt, pytest's own
        return Ending.BROKE, None, f"{type(problem).__name__}: {problem}"


def _bind(parent: int) -> None:
    """End with the parent."""
    from harness.sandbox import system

    with contextlib.suppress(OSError):
        system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit(limits: JudgeLimits) -> None:
    """Computing time and address space, of this process; no core."""
    import resource

    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    with open("/proc/self/statm", "rb", buffering=0) as sizes:  # noqa: PTH123 - in every child
        pages = int(sizes.read().split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(what: int, to: int) -> None:
    """The soft limit, never above the hard one."""
    import resource

    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (to if hard == resource.RLIM_INFINITY else min(to, hard), hard))


def _unlimit_memory() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class _Attendant:
    """The parent's end of one child."""

    def __init__(self, pid: int, up: int, down: int, serve: Serve, deadline: float) -> None:
        self._pid, self._up, self._down = pid, up, down
        self._serve, self._deadline = serve, deadline
        os.set_blocking(up, False)

    def attend(self) -> tuple[dict[str, Any] | None, bool]:
        """Answer questions until the child has told how it came out, has ended, or is late: (what it told, late)."""
        while True:
            message, late = self._next()
            if message is None or "ending" in message:
                return message, late
            answer = self._answer(message)
            with contextlib.suppress(BrokenPipeError):
                _send(self._down, answer)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            value = self._serve(message["who"], message["how"], message["probe"], message["arguments"])
        except Failure as failure:
            return {"failure": failure.to_dict()}
        return {"value": value}

    def _next(self) -> tuple[dict[str, Any] | None, bool]:
        """The next whole message, None at the child's end or when time is over; whether it is over."""
        reader = frames.Reader(_NONCE, _CAPS)
        with selectors.DefaultSelector() as selector:
            selector.register(self._up, selectors.EVENT_READ)
            while True:
                if not selector.select(max(self._deadline - time.monotonic(), 0)):
                    return None, True
                try:
                    if reader.step(self._up):
                        return dict(codec.decode(reader.header, reader.body, _CAPS)), False  # type: ignore[arg-type]
                except (EOFError, CodecError):
                    return None, False

    def end(self, *, kill: bool) -> tuple[int, Any]:
        """Reap it, after a moment in which it may end by itself or at once: its wait status, and what it used."""
        for descriptor in (self._up, self._down):
            os.close(descriptor)
        until = time.monotonic() + (0 if kill else _LAST_MOMENT)
        pid, status, usage = os.wait4(self._pid, os.WNOHANG)
        while pid == 0 and time.monotonic() < until:
            time.sleep(0.0005)
            pid, status, usage = os.wait4(self._pid, os.WNOHANG)
        if pid == 0:
            os.kill(self._pid, signal.SIGKILL)
            _, status, usage = os.wait4(self._pid, 0)
        return status, usage


def _judgement(told: dict[str, Any] | None, late: bool, status: int, usage: Any) -> Judgement:
    spent = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss << 10}
    if told is not None:
        failure = None if told["failure"] is None else Failure.from_dict(told["failure"])
        return Judgement(Ending(told["ending"]), failure, told["detail"], told["staff"], **spent)
    if late:
        return Judgement(Ending.RAN_OUT, detail="it took longer than it may", **spent)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return Judgement(Ending.RAN_OUT, detail="it computed longer than it may", **spent)
        return Judgement(Ending.DIED, detail=f"its process was killed by {signal.Signals(number).name}", **spent)
    return Judgement(Ending.DIED, detail=f"its process ended with status {os.waitstatus_to_exitcode(status)}", **spent)


def _send(descriptor: int, message: Mapping[str, Any]) -> None:
    frames.write(descriptor, frames.pack(_NONCE, *codec.encode(dict(message), _CAPS)))


def _receive(descriptor: int) -> dict[str, Any]:
    try:
        return dict(codec.decode(*frames.read(descriptor, _NONCE, _CAPS), _CAPS))  # type: ignore[arg-type]
    except (EOFError, CodecError) as problem:
        raise InternalError(f"the grader does not answer a graded test ({type(problem).__name__})") from problem


def _cut(value: Any) -> Any:
    return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
