"""A class regraded: every upload of an export through `grade`, many at a time, until none waits any more.

Theory of operation: this process reads the export, keeps the journal, and has a thread per job. A thread takes an
upload from the queue, has it graded (harness.grading.grade starts processes of its own), and writes what came of it
into the journal. Nothing of an upload is ever looked at in this process beyond the names in the export.

What goes wrong with one upload stays with it: after MOST_TRIES it is set aside with a reason. What goes wrong with the
machine (a full disk, a grader that does not start) ends the regrade with a sentence, and what was in the works waits as
if it had not been begun. The same command goes on from there, as it does after Ctrl-C, a kill or a power cut.

An upload that was graded at two kills may be what gets us killed: it is graded while nothing else is.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from harness.assignment import ROOT, Assignment
from harness.classroom import exports, journal
from harness.classroom.exports import Export
from harness.classroom.journal import Counts, DiskFullError, Journal, Listed, Spent, Task
from harness.classroom.records import Record, Results, State
from harness.errors import HoldoutError, InternalError, UsageError
from harness.grading import SessionServer, catalogue, grade, session_server, termdata
from harness.grading.results import UNJUDGED, told_unjudged
from harness.grading.seeds import SECRET
from harness.grading.supervisor import check_data, release_name
from harness.intake.upload import UploadError, megabytes
from harness.intake.zips import digest
from harness.manifest import PROFILE, load

#: Whether many grades can share a process that has imported everything.
CAN_SERVE = sys.platform == "linux"
#: So many, then a new one is started: what leaks, leaks no further.
GRADES_OF_A_SERVER = 50
#: How often an upload is graded before an internal error sets it aside.
MOST_TRIES = 3
#: Kills after which an upload is graded alone.
_KILLS_OF_A_SUSPECT = 2
#: So many uploads in a row that come to nothing are the machine's fault, or the grader's; fewer do before the first
#: that is graded.
_MOST_FAILURES = 20
_MOST_FAILURES_AT_FIRST = 5
#: With less space than that for temporary files, an internal error is the disk's fault.
_LEAST_FREE_BYTES = 64 << 20
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
#: Below harness/, what no grade depends on.
_NOT_GRADING = ("classroom", "release", "cli.py", "__main__.py", "__pycache__")
_LOOK_SECONDS = 0.2
#: Of the graded tests that a reason tells of.
_MOST_NAMED = 3


@dataclass(frozen=True)
class RegradeRequest:
    """What to regrade, with what, and where to."""

    export: Path
    out: Path
    data: Path
    jobs: int = 1
    only: str | None = None
    retry: bool = False
    """Whether what was set aside is tried once more."""


@dataclass(frozen=True)
class Graded:
    """What came of one grade."""

    document: Results
    unjudged: tuple[str, ...]
    """The graded tests that an internal error kept from being judged."""
    spent: Spent


class MachineError(InternalError):
    """Nothing can be graded any more: a disk, the scheduler of a cluster. No upload is to blame."""


class Grader(Protocol):
    """Grades one upload, here or on another machine."""

    def __call__(self, upload: Path, stop: Callable[[], bool]) -> Graded:
        """What came of it; of what is ended by `stop`, nothing is believed.

        Raises:
            UsageError: the upload cannot be graded.
            InternalError: nothing could be graded.
        """


class Screen(Protocol):
    """Who is told how a regrade goes. Its methods may be called from any thread."""

    def say(self, sentence: str) -> None:
        """One thing that is worth a line."""

    def show(self, counts: Counts, internal_errors: int) -> None:
        """How far it is, after each grade; `internal_errors` counts tries that an internal error brought to nothing."""


@dataclass(frozen=True)
class Ending:
    """How a regrade ended."""

    counts: Counts
    problem: str = ""
    """Why it had to stop before its end, if it had to."""
    stopped: bool = False
    """Whether it was told to stop."""

    @property
    def exit_code(self) -> int:
        """Of the command: 3 where it gave up, 130 where it was stopped, 1 where uploads are set aside."""
        if self.problem:
            return InternalError.exit_code
        return 130 if self.stopped else int(self.counts.set_aside > 0)


def regrade(
    request: RegradeRequest,
    screen: Screen,
    stop: Callable[[], bool],
    grader: Grader | None = None,
    slots: Callable[[], int] | None = None,
) -> Ending:
    """Regrade a class, or go on with it.

    Args:
        request: what and where to.
        screen: is told how it goes.
        stop: asked some times a second; once it says True, the regrade ends soon.
        grader: who grades, if not this machine.
        slots: how many uploads it can grade at a time, now; asked some times a second.

    Raises:
        UsageError: an argument is unusable; nothing was graded.
        InternalError: the graded tests or the journal are unusable.
    """
    assignment = load()
    data = checked(request, assignment)
    export = exports.read(request.export, [each.name for each in assignment.deliverables])
    for complaint in export.complaints:
        screen.say(complaint)
    with journal.opened(request.out) as kept:
        kept.enrol(_listed(export))
        run = kept.begin(release(data, assignment), request.only)
        if request.retry:
            kept.retry(run)
        order = [each.id for each in catalogue.collect(assignment)]
        with_only = Merging(order, request.only) if request.only else None
        with LocalGrader(assignment, data, request.only) as local:
            work = _Work(kept, run, export, grader or local, screen, with_only)
            work.go(slots or (lambda: request.jobs), stop)
        return Ending(kept.counts(run), work.problem, stopped=stop() and not work.problem)


def checked(request: RegradeRequest, assignment: Assignment) -> Path:
    """The data, once everything is checked that would otherwise fail in each grade."""
    if request.jobs < 1:
        raise UsageError(f"--jobs {request.jobs}: at least 1 is needed")
    data = check_data(request.data, assignment.data_names())
    termdata.check(data, assignment)
    collected = catalogue.collect(assignment)
    catalogue.check_points(collected, assignment)
    catalogue.select(collected, request.only)
    return data


def _listed(export: Export) -> Iterator[Listed]:
    for upload in export.uploads:
        if upload.place is None:
            yield Listed(upload, "", None)
        else:
            yield Listed(upload, export.source.fingerprint(upload.place), export.source.path(upload.place))


def release(data: Path, assignment: Assignment) -> str:
    """What tells one release of the grader from another: its name, where it has one, and a digest of what grades."""
    total = hashlib.sha256(digest(dict(grading_files())).encode())
    total.update(digest({name: (data / name).read_bytes() for name in assignment.data_names()}).encode())
    for package in ("torch", "numpy"):
        with suppress(metadata.PackageNotFoundError):
            total.update(f"{package} {metadata.version(package)}".encode())
    return f"{release_name() or 'checkout'} {total.hexdigest()}"


def grading_files() -> Iterator[tuple[str, bytes]]:
    """Path in the repository and bytes of every file that a grade depends on, the term's data apart."""
    tops = [entry for entry in (ROOT / "harness").iterdir() if entry.name not in _NOT_GRADING]
    tops += [ROOT / "reference_solution" / "src" / "submission"]
    tops += [path for name in ("assignment.toml", "release.json", SECRET) if (path := ROOT / name).is_file()]
    profile = load().laid
    if profile is not None:
        yield PROFILE, profile.path.read_bytes()
    for path in sorted(path for top in tops for path in _below(top) if path.suffix != ".pyc"):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def _below(top: Path) -> Iterable[Path]:
    return [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())


class LocalGrader:
    """Grades on this machine, exactly as `python -m harness grade` does; a context manager.

    What every grade imports is imported once for many of them, where processes can be forked: see
    `harness.grading.session_server`.
    """

    def __init__(self, assignment: Assignment, data: Path, only: str | None) -> None:
        self._assignment = assignment
        self._data = data
        self._only = only
        self._idle: list[_Server] = []

    def __enter__(self) -> LocalGrader:  # noqa: PYI034 - typing.Self is younger than Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    def __call__(self, upload: Path, stop: Callable[[], bool]) -> Graded:
        """See Grader."""
        if not CAN_SERVE:
            return self._graded(upload, stop, None)
        server = self._idle.pop() if self._idle else _Server()
        try:
            graded = self._graded(upload, stop, server)
        except BaseException:
            server.close()
            raise
        if graded.unjudged or stop() or server.cpu_seconds is None or server.grades >= GRADES_OF_A_SERVER:
            server.close()
        else:
            self._idle.append(server)
        return graded

    def _graded(self, upload: Path, stop: Callable[[], bool], server: _Server | None) -> Graded:
        begun = time.monotonic()
        with nullcontext() if server is None else server.lent() as process:
            results = grade(upload, self._data, only=self._only, assignment=self._assignment, stop=stop, server=process)
        document = results.as_json()
        used = None if server is None else server.cpu_seconds
        return Graded(document, results.internal_errors, Spent(used, time.monotonic() - begun, peak_bytes(document)))


class _Server:
    """A session server, and how much it has done."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._process = self._stack.enter_context(session_server())
        self._used = 0.0
        self.grades = 0
        self.cpu_seconds: float | None = None
        """Of the last grade; None where nobody can tell, because the process is gone."""

    @contextmanager
    def lent(self) -> Iterator[SessionServer]:
        """For one grade."""
        self.grades, self.cpu_seconds = self.grades + 1, None
        yield self._process
        used = self._process.cpu_seconds()
        if used is not None:
            self._used, self.cpu_seconds = used, used - self._used

    def close(self) -> None:
        """End it."""
        self._stack.close()


def peak_bytes(document: Results) -> int | None:
    """The most memory that a worker held, where the graded tests tell it."""
    told = [test["extra_data"].get("spent", {}).get("peak_bytes") for test in document["tests"]]
    return max((peak for peak in told if peak is not None), default=None)


@dataclass(frozen=True)
class Merging:
    """Puts the verdicts of a part in the place of those of an earlier document, and keeps the others."""

    order: Sequence[str]
    only: str

    def __call__(self, earlier: Results | None, new: Results) -> Results:
        """The whole document; `new` alone where there is no earlier one."""
        tests = _tests(earlier)
        if not tests:
            return new
        merged = {**tests, **_tests(new)}
        places = {test_id: place for place, test_id in enumerate(self.order)}
        kept = [merged[test_id] for test_id in sorted(merged, key=lambda each: places.get(each, len(places)))]
        old = earlier.get("extra_data") if earlier is not None else None
        unjudged = [str(each["number"]) for each in kept if _outcome(each) in {"internal_error", "not_run"}]
        notes = [line for line in str(new["output"]).split("\n") if line and not line.startswith(UNJUDGED)]
        return {
            **new,
            "score": sum(_number(each.get("score")) for each in kept),
            "output": "\n".join([*([told_unjudged(unjudged)] if unjudged else []), *notes]),
            "extra_data": {
                **(old if isinstance(old, Mapping) else {}), **new["extra_data"], "only": self.only,
                "internal_error": bool(unjudged),
            },
            "tests": kept,
        }  # fmt: skip


def _tests(document: Results | None) -> dict[str, Mapping[str, Any]]:
    """The entries of `tests` by number, as far as there are such."""
    found = document.get("tests") if document is not None else None
    entries = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    return {str(each["number"]): each for each in entries if each.get("number")}


def _outcome(test: Mapping[str, Any]) -> Any:
    extra = test.get("extra_data")
    return extra.get("outcome") if isinstance(extra, Mapping) else None


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0.0


class _Work:
    """The uploads of one run that still wait, and the threads that grade them."""

    def __init__(
        self, kept: Journal, run: int, export: Export, grader: Grader, screen: Screen, merging: Merging | None
    ) -> None:
        self._kept, self._run, self._export, self._grader = kept, run, export, grader
        self._screen, self._merging = screen, merging
        self._queue = deque(kept.waiting(run))
        self._changed = threading.Condition()
        self._at_work = 0
        self._suspect_at_work = False
        self._told_to_stop = False
        self._internal_errors = 0
        self._failures = 0
        self._any_graded = False
        self.problem = ""
        """The sentence that ended it before its end."""

    def go(self, slots: Callable[[], int], stop: Callable[[], bool]) -> None:
        """Grade until none waits, `stop` says True, or something of the machine's is wrong."""
        self._screen.show(self._kept.counts(self._run), 0)
        threads: list[threading.Thread] = []
        while threads or not self._is_over():
            if stop() and not self._told_to_stop:
                self._screen.say("stopping: what is being graded is ended and will be graded again")
                self._end()
            threads = [thread for thread in threads if thread.is_alive()]
            while len(threads) < min(slots(), self._left()):
                threads.append(threading.Thread(target=self._work, daemon=True))
                threads[-1].start()
            with self._changed:
                if threads or not self._is_over():
                    self._changed.wait(_LOOK_SECONDS)

    def _left(self) -> int:
        """How many uploads are to be graded or at work."""
        with self._changed:
            return 0 if self._told_to_stop else len(self._queue) + self._at_work

    def _is_over(self) -> bool:
        return self._left() == 0

    def _end(self) -> None:
        with self._changed:
            self._told_to_stop = True
            self._changed.notify_all()

    def _is_ended(self) -> bool:
        return self._told_to_stop

    def _work(self) -> None:
        while (task := self._next()) is not None:
            again = None
            try:
                again = self._grade(task)
            except HoldoutError as problem:  # the journal cannot be written
                with suppress(HoldoutError):
                    self._kept.put_back(self._run, task)
                self._give_up(str(problem))
            except Exception as problem:  # noqa: BLE001 - a thread's exceptions reach nobody else
                self._give_up(f"{task.pseudonym}: {type(problem).__name__}: {problem}")
            finally:
                self._done(again)
            with suppress(HoldoutError):
                self._screen.show(self._kept.counts(self._run), self._internal_errors)

    def _next(self) -> Task | None:
        """The next upload, once it may begin; None when there is nothing more to do."""
        with self._changed:
            while not self._told_to_stop:
                if not self._queue and not self._at_work:
                    return None
                if self._queue and not self._suspect_at_work:
                    suspect = self._queue[0].kills >= _KILLS_OF_A_SUSPECT
                    if not (suspect and self._at_work):
                        self._at_work += 1
                        self._suspect_at_work = suspect
                        return self._queue.popleft()
                self._changed.wait()
        return None

    def _done(self, again: Task | None) -> None:
        with self._changed:
            self._at_work -= 1
            self._suspect_at_work = False
            if again is not None:
                self._queue.append(again)
            self._changed.notify_all()

    def _grade(self, task: Task) -> Task | None:
        """Have it graded, and write down what came of it; the task once more where it has to be tried again."""
        self._kept.started(self._run, task)
        try:
            graded = self._graded(task)
        except (UploadError, UsageError) as problem:
            self._kept.failed(self._run, task, str(problem), last=True)
            return None
        except Exception as problem:  # noqa: BLE001 - whatever it is, it must not block the other uploads
            told = str(problem) if isinstance(problem, InternalError) else f"{type(problem).__name__}: {problem}"
            return self._failed(task, told, of_the_machine=_is_of_the_disk(problem))
        if self._told_to_stop:
            self._kept.put_back(self._run, task)
            return None
        if not graded.unjudged:
            self._save(task, graded)
            self._forget_failures()
            return None
        if short := _short_of_space():
            return self._failed(task, short, of_the_machine=True)
        told = f"an internal error kept {_listing(graded.unjudged)} from being judged"
        if task.tries + 1 < MOST_TRIES:
            return self._failed(task, told)
        self._save(task, graded, reason=_after_tries(told))
        self._count_failure(task, told)
        return None

    def _graded(self, task: Task) -> Graded:
        target = self._kept.uploads_folder() / f"{task.pseudonym}-{task.fingerprint[:8]}"
        for stale in target.parent.glob(f"{task.pseudonym}-*"):
            if stale.stem != target.name:
                stale.unlink()
        path = self._export.source.fetch(task.place, target)
        self._kept.lies_at(task, path)
        return self._grader(path, self._is_ended)

    def _save(self, task: Task, graded: Graded, reason: str = "") -> None:
        document = graded.document
        if self._merging is not None:
            document = self._merging(self._kept.earlier_results(self._run, task), document)
        self._kept.finished(self._run, task, document, graded.spent, reason=reason)

    def _failed(self, task: Task, reason: str, *, of_the_machine: bool = False) -> Task | None:
        """A try that came to nothing through an internal error; the task once more, unless that was the last try."""
        if of_the_machine or self._told_to_stop:
            self._kept.put_back(self._run, task)
            if of_the_machine:
                self._give_up(reason)
            return None
        last = task.tries + 1 >= MOST_TRIES
        self._kept.failed(self._run, task, _after_tries(reason), last=last)
        self._count_failure(task, reason)
        return None if last else replace(task, tries=task.tries + 1)

    def _forget_failures(self) -> None:
        with self._changed:
            self._any_graded = True
            self._failures = 0

    def _count_failure(self, task: Task, reason: str) -> None:
        with self._changed:
            self._internal_errors += 1
            self._failures += task.tries == 0  # what failed before says nothing new of the machine
            count = self._failures
        if count >= (_MOST_FAILURES if self._any_graded else _MOST_FAILURES_AT_FIRST):
            self._give_up(
                f"{count} uploads in a row came to an internal error, so it is hardly theirs; the last one: {reason}"
            )

    def _give_up(self, problem: str) -> None:
        self.problem = self.problem or problem
        self._end()


def _is_of_the_disk(problem: BaseException) -> bool:
    """Whether a disk that is full or broken is behind it."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, (DiskFullError, MachineError)) or (
            isinstance(cause, OSError) and cause.errno in OF_THE_DISK
        ):
            return True
        cause = cause.__cause__
    return False


def _short_of_space() -> str:
    """A sentence where the disk for temporary files is so full that grades fail by it; else empty."""
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free >= _LEAST_FREE_BYTES:
        return ""
    return f"{folder}: less than {megabytes(_LEAST_FREE_BYTES)} are left for temporary files; free some space"


def _after_tries(reason: str) -> str:
    return f"{reason.rstrip('.')}, in the last of {MOST_TRIES} tries"


def _listing(test_ids: Sequence[str]) -> str:
    """Some of the IDs, and how many more there are."""
    shown = ", ".join(test_ids[:_MOST_NAMED])
    return shown if len(test_ids) <= _MOST_NAMED else f"{shown} and {len(test_ids) - _MOST_NAMED} more"


def usable_cores() -> int:
    """How many uploads this machine can grade at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def summary(out: Path, ending: Ending, *, names: bool = False) -> str:
    """What a person reads at the end: how far it is, what is set aside and why, and how to go on.

    `names`: whether to say whose uploads those are.
    """
    counts = ending.counts
    lines = [f"{counts.graded} graded, {counts.set_aside} set aside, {counts.waiting} still waiting: {out}"]
    with suppress(DiskFullError):  # SQLite needs some space even to read
        lines += [
            f"set aside: {_aside(record, names=names)}"
            for record in journal.records(out)
            if record.state is State.SET_ASIDE
        ]
    if ending.problem:
        lines.append(f"error: {ending.problem}")
    if ending.problem or counts.waiting:
        lines.append("nothing that was graded is lost: the same command goes on from here")
    elif counts.set_aside:
        lines.append("the same command with --retry tries again what can be tried")
    return "\n".join(lines)


def _aside(record: Record, *, names: bool) -> str:
    """Which upload it is, and why it is set aside."""
    if not names:
        return f"{record.pseudonym}: {record.reason.replace(record.submission, record.pseudonym)}"
    people = ", ".join(each.name or each.email or each.sid or "?" for each in record.submitters)
    return f"{record.submission}{f' ({people})' if people else ''}: {record.reason}"
