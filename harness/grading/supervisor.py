"""Starts one grade as a child process and guarantees its results.json, whatever happens to the child.

Theory of operation: supervisor -> session (pytest, graded tests, answers) -> zygote -> one worker per probe. The
supervisor writes fail-closed results before anything else runs, gives the session a deadline, and closes whatever it
left open. A kill of the session costs the graded tests it had not judged and is reported as an internal error; a kill
of the supervisor ends the session and leaves the last complete results.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.assignment import ROOT, load
from harness.errors import InternalError, UsageError
from harness.grading.results import INTERNAL_ERROR_NOTE, Ledger, Outcome, read_back
from harness.grading.session import INTERNAL_ERROR_EXIT, Job
from harness.intake.staging import discard
from harness.sandbox.scratch import SHARED_FOLDERS, wipe

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: The session may take this much longer than the graded tests: staging 70 MB, importing torch, the last graded test's
#: grace.
OVERHEAD_SECONDS = 60.0

#: Gradescope's container: its own folder holds names, e-mails and earlier results; the others are open to everyone.
CONTAINER_FOLDERS = {"/autograder": 0o700, **dict.fromkeys(SHARED_FOLDERS, 0o755)}

#: Begins the name of a grade's own folder; nothing else may be called so.
SCRATCH_PREFIX = "holdout-grade-"
_ATTEMPTS = 100


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
        folder.chmod(0o711)
        with suppress(BlockingIOError, FileNotFoundError):  # another grade sweeps it away before it is locked
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


def supervise(job: Job) -> Ledger:
    """Grade and return the complete ledger; it also lies at `job.results`.

    Raises:
        InternalError: the results cannot be written at all.
    """
    started = time.monotonic()
    results = Path(job.results)
    graded_tests = job.graded_tests()
    Ledger.of(graded_tests, release=job.release).write(results)
    code, how = _run_session(job)
    ledger = read_back(results, graded_tests) or Ledger.of(graded_tests, release=job.release)
    ledger.started = started
    if code not in (0, INTERNAL_ERROR_EXIT):
        ledger.notes.append(f"The grading session {how}.")
        ledger.extra["session"] = how
    ledger.notes += _notes(results)
    ledger.close_open(Outcome.INTERNAL_ERROR, f"Not judged: the grading session {how}. {INTERNAL_ERROR_NOTE}")
    ledger.finished = True
    ledger.write(results)
    return ledger


def _notes(results: Path) -> list[str]:
    """The lines that the session wrote for the student, without its own remark on being unfinished."""
    try:
        lines = str(json.loads(results.read_bytes())["output"]).splitlines()
    except (OSError, ValueError, KeyError):
        return []
    return [line for line in lines if INTERNAL_ERROR_NOTE not in line]


def _run_session(job: Job) -> tuple[int, str]:
    """The session's exit code, and how it ended in words."""
    limit = load().limits.run_seconds + OVERHEAD_SECONDS
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.grading.session", job.to_json()],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.PIPE,  # nothing is ever written: its end tells the session that we are gone
        start_new_session=os.name == "posix",
    )
    try:
        with _terminable(process) as ended:
            code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return -signal.SIGTERM, f"took longer than {limit:g} s and was ended"
    finally:
        _kill(process)
    if code in (0, INTERNAL_ERROR_EXIT):
        return code, "ended by itself"
    return code, "was ended from outside" if ended else f"ended with status {code}"


@contextmanager
def _terminable(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Inside the block SIGTERM ends the session instead of us, so that what has been judged can still be written.

    Yields the signals that came. The handler raises nothing and takes no lock: an exception in the middle of Popen.wait
    can leave its lock taken for ever.
    """
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        process.kill()

    if threading.current_thread() is not threading.main_thread():
        yield ended  # another thread cannot set handlers
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before)


def _environment() -> dict[str, str]:
    """What the session sees: none of the platform's tokens, and nothing that changes how Python or pytest start."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV"}
    found = {key: value for key, value in os.environ.items() if key.upper() in kept}
    return {
        **found,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the session and its process group; the zygote ends its workers when the session's socket closes."""
    if process.poll() is None and os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


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
