"""`grade`: one upload in, its Results out, and results.json valid from the first second, whatever happens to the grade.

Theory of operation: supervisor (this process) -> session (pytest, graded tests, answers) -> zygote -> one worker per
probe. The session is told its GradeRequest by the first line of its stdin, and reports through its stdout: one line of
JSON for each verdict, as soon as it is reached (harness.grading.results). What has been written into a pipe is there to
be read after its writer was killed, so a killed session loses no verdict, and of a half-written last line nothing is
believed. No worker can reach the pipe: it has no name, the session keeps its end under a descriptor that no child
inherits, and has its stdout point to its stderr before it starts anything.

The supervisor applies the lines to its own Results and is the only one that writes results.json: fail-closed before
anything else, then after every verdict, so that this file is also what a killed supervisor leaves on disk. Nobody reads
it back. The end of the session's stdin tells it that the supervisor is gone; a session that takes too long is killed.
What it had not judged is reported as an internal error.

`grade` works from any thread and any process, several at a time: it sets no signal handler, needs no working directory
and changes nothing in its process.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.assignment import OVERHEAD_SECONDS, ROOT, Assignment
from harness.errors import HoldoutError, InternalError, UsageError
from harness.grading import catalogue, termdata
from harness.grading.catalogue import GradedTest
from harness.grading.results import NoteKind, ReportError, Results, from_line
from harness.intake.staging import discard
from harness.manifest import PROFILE_VARIABLE, load
from harness.problem import check_settings
from harness.sandbox import SandboxError
from harness.sandbox.backend import BackendLostError
from harness.sandbox.parent import LIBRARY_PATHS
from harness.sandbox.scratch import SHARED_FOLDERS, wipe

if TYPE_CHECKING:
    from harness.sandbox.forkserver import ForkedProcess, ForkServer

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Gradescope's container: its own folder holds names, e-mails and earlier results; the others are open to everyone.
CONTAINER_FOLDERS = {"/autograder": 0o700, **dict.fromkeys(SHARED_FOLDERS, 0o755)}

#: Begins the name of a grade's own folder; nothing else may be called so.
SCRATCH_PREFIX = "holdout-grade-"
_ATTEMPTS = 100

#: How often the supervisor looks at the clock, and whether it is told to stop.
_LOOK_SECONDS = 0.1
#: What a killed session has written is read within this time, unless something else holds its pipe.
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class GradeRequest:
    """What a session is told: everything about one grade but where its results go."""

    upload: str
    data: str
    scratch: str
    graded_tests: tuple[GradedTest, ...]
    with_reference: bool
    """Whether the staff solution is to run beside the upload, for hidden graded tests."""
    seed: str | None
    gradescope: bool
    at_home: bool = False
    """Whether `upload` is somebody's own folder submission/: what lies in folders below it is not meant."""

    def to_line(self) -> bytes:
        """The request as one line of JSON."""
        return json.dumps(asdict(self)).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> GradeRequest:
        """The inverse of `to_line`."""
        raw = json.loads(line)
        return cls(**{**raw, "graded_tests": tuple(GradedTest(**each) for each in raw["graded_tests"])})


def _never() -> bool:
    return False


def _unwatched(_: Results) -> None:
    """Nobody looks on."""


def grade(
    upload: Path,
    data: Path,
    *,
    results: Path | None = None,
    kinds: tuple[catalogue.Kind, ...] = ("basic", "hidden"),
    only: str | None = None,
    seed: str | None = None,
    gradescope: bool = False,
    assignment: Assignment | None = None,
    at_home: bool = False,
    stop: Callable[[], bool] = _never,
    watch: Callable[[Results], None] = _unwatched,
    server: SessionServer | None = None,
) -> Results:
    """Grade `upload`: a folder or a zip, with the answers in the folder `data`.

    Args:
        upload: as the student packed it; only read.
        data: the term's data; without hidden graded tests, as much of it as students get.
        results: where to write results.json; fail-closed and valid from the moment on in which the arguments are found
            usable.
        kinds: which graded tests; students have the basic ones.
        only: the ID of one graded test, or of one part.
        seed: the seed of an earlier grade's results, to repeat it.
        gradescope: inside Gradescope's container: close what is not for students, and refuse where isolation fails.
        assignment: what `load()` gave, from a caller that has it. The session reads the same file for itself.
        at_home: `upload` is somebody's own folder submission/, and what lies in folders below it is not meant.
        stop: asked some times a second; once it says True, the grade ends with what has been judged.
        watch: shown the results some times a second.
        server: of `session_server`; one grade at a time. Without one, everything is started anew.

    Raises:
        UsageError: an argument is unusable. `results` has not been touched.
        InternalError: nothing could be graded, or the results cannot be written. If `results` could ever be written, it
            is valid and says that the grade was interrupted.
    """
    started = time.monotonic()
    assignment = assignment or load()
    upload, data = _existing(upload), check_data(data, assignment.data_names(students="hidden" not in kinds))
    if "hidden" in kinds:
        termdata.check(data, assignment)
    target = _writable(results)
    kept = _closed(assignment, kinds, only, target)
    kept.started = started
    if "hidden" in kinds:
        kept.add_extra("data", termdata.named(data, assignment, ROOT))
    if gradescope:
        lock_down([ROOT, upload, *([target.parent] if target else [])])
    with scratch_folder() as scratch:
        request = GradeRequest(
            upload=str(upload),
            data=str(data),
            scratch=str(scratch),
            graded_tests=tuple(result.graded_test for result in kept.by_id.values()),
            with_reference="hidden" in kinds,
            seed=seed,
            gradescope=gradescope,
            at_home=at_home,
        )

        def look() -> bool:
            watch(kept)
            return stop()

        _supervise(request, kept, target, assignment.limits.run_seconds + OVERHEAD_SECONDS, look, server)
    if "hidden" in kinds and only is None and not kept.internal_errors:
        _tell_grade(kept, assignment, target)
    return kept


def _tell_grade(results: Results, assignment: Assignment, target: Path | None) -> None:
    """Say what the points come to on the course's scale, where it has one.

    Raises:
        InternalError: the results cannot be written.
    """
    if not assignment.grades:
        return
    scale = ", ".join(f"{each.name} from {each.points}" for each in assignment.grades)
    mark = assignment.grade_of(results.score)
    told = f"grade {mark}" if mark else "no grade yet"
    results.add_note(NoteKind.GRADE, f"{results.score:g} points: {told} ({scale}).")
    if target is not None:
        results.write(target)


def _existing(upload: Path) -> Path:
    if not os.path.exists(upload):  # noqa: PTH110 - Path.exists raises for a name that is too long
        raise UsageError(f"{upload}: no such folder or zip; give the upload to grade")
    return upload.resolve()


def _writable(results: Path | None) -> Path | None:
    if results is not None and not results.absolute().parent.is_dir():
        raise UsageError(f"{results}: its folder does not exist; make it first")
    if results is not None and results.is_dir():
        raise UsageError(f"{results}: is a folder; give the name of a file in it")
    return results.absolute() if results is not None else None


def _closed(
    assignment: Assignment, kinds: tuple[catalogue.Kind, ...], only: str | None, target: Path | None
) -> Results:
    """The graded tests, none of which has run; written to `target` before anything can go wrong.

    Raises:
        UsageError: there is no graded test `only`.
        InternalError: the graded tests do not load or disagree with assignment.toml; `target` says so, without their
            points.
    """
    extra_credit = [part.id for part in assignment.parts if part.extra_credit]
    try:
        collected = catalogue.collect(assignment, kinds)
        if set(kinds) == set(catalogue.PACKAGES):
            catalogue.check_points(collected, assignment)
            check_settings(assignment)
    except (Exception, SystemExit) as problem:
        if target is not None:
            Results.of((), release=release_name()).write(target)
        if isinstance(problem, HoldoutError):
            raise
        raise InternalError(f"the graded tests cannot be loaded: {type(problem).__name__}: {problem}") from problem
    graded_tests = catalogue.select(collected, only)
    closed = Results.of(
        graded_tests, extra_credit=extra_credit, hidden_tests=assignment.hidden_tests, release=release_name()
    )
    if target is not None:
        closed.write(target)
    return closed


def _supervise(
    request: GradeRequest,
    results: Results,
    target: Path | None,
    limit: float,
    stop: Callable[[], bool],
    server: SessionServer | None = None,
) -> None:
    """Run the session and complete `results`, and `target` after every report of it.

    Raises:
        InternalError: the results cannot be written.
    """
    unread = 0
    with _session(request, server) as session:
        for line in session.lines(limit, stop):
            try:
                results.apply(from_line(line))
            except ReportError:  # the last one of a session that was killed, cut off
                unread += 1
            if target is not None and session.quiet:
                results.write(target)
    if unread:
        results.add_extra("unread_reports", unread)
    if session.end:
        results.add_extra("session", session.end)
    if not results.finished:
        end = session.end or "ended by itself"
        results.add_note(NoteKind.GRADE, f"The grading session {end}.")
        results.finish(f"the grading session {end}.")
    if target is not None:
        results.write(target)


class _Session:
    """A session's process, and the lines that it writes."""

    def __init__(self, process: subprocess.Popen[bytes] | ForkedProcess, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._process, self._stdin = process, stdin
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, args=(stdout,), daemon=True)
        self._listener.start()
        self.end = ""
        """How it ended, in words; empty where it came to its end as it should."""

    @property
    def quiet(self) -> bool:
        """Whether everything that has come has been yielded."""
        return self._lines.empty()

    def lines(self, limit: float, stop: Callable[[], bool]) -> Iterator[bytes]:
        """Each line as it comes, until the session ends, or is ended because of `stop` or after `limit` seconds."""
        deadline = time.monotonic() + limit
        while True:
            if not self.end and (reason := self._why_end(deadline, limit, stop)):
                self.end = reason
                self.kill()
                deadline = time.monotonic() + _DRAIN_SECONDS
            if self.end and time.monotonic() > deadline:
                return
            with suppress(queue.Empty):
                line = self._lines.get(timeout=_LOOK_SECONDS)
                if line is None:
                    break
                yield line
        self.end = self.end or self._exit()

    @staticmethod
    def _why_end(deadline: float, limit: float, stop: Callable[[], bool]) -> str:
        if stop():
            return "was ended from outside"
        return f"took longer than {limit:g} s and was ended" if time.monotonic() > deadline else ""

    def _exit(self) -> str:
        """What is to be said of its exit status, once its pipe has ended."""
        try:
            code = self._process.wait(_DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            return "reported its end and went on"
        return f"ended with status {code}" if code else ""

    def _listen(self, pipe: IO[bytes]) -> None:
        with suppress(OSError, ValueError), pipe:
            for line in pipe:
                self._lines.put(line)
        self._lines.put(None)

    def tell(self, line: bytes) -> None:
        """Write into its stdin, which stays open: its end tells the session that we are gone."""
        with suppress(OSError):  # it is gone itself: its end will be seen
            self._stdin.write(line)
            self._stdin.flush()

    def kill(self) -> None:
        """End the session and its process group; the zygote ends its workers when the session's socket closes."""
        if self._process.poll() is None and os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill it if it is there, and let go of its pipes."""
        self.kill()
        with suppress(OSError):
            self._stdin.close()
        self._listener.join(_DRAIN_SECONDS)


@contextmanager
def _session(request: GradeRequest, server: SessionServer | None) -> Iterator[_Session]:
    """A session at work on the request; ended with the block."""
    session = _started(request) if server is None else _forked(server.process)
    try:
        session.tell(request.to_line())
        yield session
    finally:
        session.close()


def _started(request: GradeRequest) -> _Session:
    """A session that is a new process. The folder on its command line tells sessions apart."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.grading.session", request.scratch],
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=os.name == "posix",
        )
    except OSError as problem:
        raise InternalError(f"{sys.executable}: cannot be started for the grade: {problem}") from problem
    assert process.stdin is not None
    assert process.stdout is not None
    return _Session(process, process.stdin, process.stdout)


def _forked(server: ForkServer) -> _Session:
    """A session that is a copy of the server's process."""
    stdin_far, stdin = os.pipe()
    stdout, stdout_far = os.pipe()
    try:
        process = server.fork([stdin_far, stdout_far])
    except BackendLostError as problem:
        os.close(stdin)
        os.close(stdout)
        raise InternalError(f"no session can be had for the grade: {problem}") from problem
    finally:
        os.close(stdin_far)
        os.close(stdout_far)
    return _Session(process, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))


@dataclass(frozen=True)
class SessionServer:
    """What `session_server` makes, for `grade`: one grade at a time."""

    process: ForkServer

    def cpu_seconds(self) -> float | None:
        """What its grades took, with all their processes; None where nobody can tell, because it is gone."""
        try:
            return self.process.cpu_seconds()
        except BackendLostError:
            return None


@contextmanager
def session_server() -> Iterator[SessionServer]:
    """A process that has imported everything, for many grades, one after the other: see harness.grading.sessions.

    Raises:
        InternalError: there can be none.
    """
    from harness.sandbox.forkserver import ForkServer

    with scratch_folder() as folder:
        control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "harness.grading.sessions", str(far.fileno()), str(folder)]
        try:
            process = subprocess.Popen(
                command, cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, pass_fds=[far.fileno()],
                start_new_session=True,
            )  # fmt: skip
            far.close()
            server = ForkServer(control, process)
        except (OSError, BackendLostError, SandboxError) as problem:
            raise InternalError(f"no process can be had that grades many uploads: {problem}") from problem
        try:
            yield SessionServer(server)
        finally:
            server.close()


def release_name() -> str | None:
    """The stamp that the release left beside the grader; None in a checkout."""
    stamp = ROOT / "release.json"
    try:
        return str(json.loads(stamp.read_text(encoding="utf-8"))["release"])
    except (OSError, ValueError, KeyError):
        return None


def _environment() -> dict[str, str]:
    """What the session sees: none of the platform's tokens, and nothing that changes how Python or pytest start.

    What we can import, it can: our module path goes on to it, however the folders of a user, a hub or a cluster's
    modules came to be on it.
    """
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV"}
    kept |= {PROFILE_VARIABLE, *LIBRARY_PATHS}
    found = {key: value for key, value in os.environ.items() if key.upper() in kept}
    return {
        **found,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *_module_path()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",  # graded tests compute on small arrays, in forks with little address space
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def _module_path() -> list[str]:
    """Our own sys.path, without the folder that a command happened to be given in: an upload, perhaps."""
    here = Path.cwd()
    ours = [entry for entry in sys.path if Path(entry).is_absolute() and Path(entry) != here]
    return [entry for entry in ours if os.pathsep not in entry]


def check_data(data: Path, names: tuple[str, ...]) -> Path:
    """`data`, resolved, if it holds the files with these names; UsageError with the missing names otherwise."""
    missing = [name for name in names if not (data / name).is_file()]
    if missing:
        raise UsageError(
            f"{data}: not a dataset, {', '.join(missing)} missing; make one with `python -m harness dataset --out DIR`"
        )
    return data.resolve()


def lock_down(paths: list[Path]) -> None:
    """Close what only the grader may read, and the world-writable folders of the container, to other users.

    Raises:
        InternalError: not root, or a mode cannot be set.
    """
    try:
        for path in paths:
            path.chmod(0o700)
        for place, mode in CONTAINER_FOLDERS.items():
            if Path(place).is_dir():
                Path(place).chmod(mode)
    except OSError as problem:
        raise InternalError(
            f"{problem.filename}: cannot be closed to student code ({problem.strerror}); nothing was run"
        ) from problem


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that workers may pass through but not list; removed at the end, or by a later grade if we are killed.

    Raises:
        InternalError: none can be made.
    """
    _sweep_scratch()
    try:
        folder, lock = _locked_folder()
    except OSError as problem:
        raise InternalError(f"no folder for temporary files can be made: {problem}; free some space") from problem
    try:
        yield folder
    finally:
        _remove(folder)
        if lock is not None:
            os.close(lock)


def _locked_folder() -> tuple[Path, int | None]:
    """A new folder, and the descriptor whose lock says that its owner lives."""
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
        with suppress(BlockingIOError, FileNotFoundError):  # another grade sweeps it away before it is locked
            folder.chmod(0o711)
            lock = _lock(folder)
            folder.stat()
            return folder, lock
    raise OSError("every new one is swept away at once")


def _lock(folder: Path) -> int | None:
    """The descriptor that holds the lock on `folder`; None where there are no locks.

    Raises:
        BlockingIOError: somebody else holds it.
        FileNotFoundError: the folder is gone.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


def _sweep_scratch() -> None:
    """Remove the scratch folders of grades that were killed: ours, and locked by nobody any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*"):
        with suppress(OSError):
            if fcntl is not None and folder.lstat().st_uid == os.geteuid() and (lock := _lock(folder)) is not None:
                _remove(folder)
                os.close(lock)


def _remove(folder: Path) -> None:
    """Remove whatever a grade left in its folder; where that fails, a later grade tries again."""
    with suppress(OSError, RecursionError):
        if not wipe(folder):
            discard(folder)
