"""Starts one grade as a child process and guarantees its results.json, whatever happens to the child.

Theory of operation: supervisor -> session (pytest, claims, answers) -> zygote -> one worker per probe. The supervisor
writes fail-closed results before anything else runs, gives the session a deadline, and closes whatever it left open. A
kill of the session costs the claims it had not judged and is reported as a fault of ours; a kill of the supervisor ends
the session and leaves the last complete results.
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
from harness.errors import HarnessFault, UsageProblem
from harness.results import FAULT_NOTE, Ledger, Outcome, read_back
from harness.session import FAULT_EXIT, Job
from harness.submission import discard

#: The session may take this much longer than the claims: staging 70 MB, importing torch, the last claim's grace.
OVERHEAD_SECONDS = 60.0

#: Gradescope's container: its own folder holds names, e-mails and earlier results; the others are open to everyone.
CONTAINER_FOLDERS = {"/autograder": 0o700, "/tmp": 0o755, "/var/tmp": 0o755, "/dev/shm": 0o755}  # noqa: S108

DATA_FILES = ("birth_dev.tsv", "birth_test_inputs.tsv", "birth_test.tsv")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that workers may pass through but not list; removed at the end. HarnessFault where none can be made."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="holdout-"))
        folder.chmod(0o711)
    except OSError as problem:
        raise HarnessFault(f"no folder for temporary files can be made: {problem}; free some space") from problem
    try:
        yield folder
    finally:
        with suppress(OSError):
            discard(folder)


def supervise(job: Job) -> Ledger:
    """Grade and return the complete ledger; it also lies at `job.results`.

    Raises:
        HarnessFault: the results cannot be written at all.
    """
    started = time.monotonic()
    results = Path(job.results)
    claims = job.claims()
    Ledger.of(claims, release=job.release).write(results)
    code, how = _run_session(job)
    ledger = read_back(results, claims) or Ledger.of(claims, release=job.release)
    ledger.started = started
    if code not in (0, FAULT_EXIT):
        ledger.notes.append(f"The grading session {how}.")
        ledger.extra["session"] = how
    ledger.notes += _notes(results)
    ledger.close_open(Outcome.HARNESS_FAULT, f"Not judged: the grading session {how}. {FAULT_NOTE}")
    ledger.finished = True
    ledger.write(results)
    return ledger


def _notes(results: Path) -> list[str]:
    """The lines that the session wrote for the student, without its own remark on being unfinished."""
    try:
        lines = str(json.loads(results.read_bytes())["output"]).splitlines()
    except (OSError, ValueError, KeyError):
        return []
    return [line for line in lines if FAULT_NOTE not in line]


class _Ended(BaseException):
    """SIGTERM came: whoever runs the grade has no more time for it."""


def _run_session(job: Job) -> tuple[int, str]:
    """The session's exit code, and how it ended in words."""
    limit = load().limits.run_seconds + OVERHEAD_SECONDS
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.session", job.to_json()],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.PIPE,  # nothing is ever written: its end tells the session that we are gone
        start_new_session=os.name == "posix",
    )
    try:
        with _terminable():
            code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return -signal.SIGTERM, f"took longer than {limit:g} s and was ended"
    except _Ended:
        return -signal.SIGTERM, "was ended from outside"
    finally:
        _kill(process)
    return code, "ended by itself" if code in (0, FAULT_EXIT) else f"ended with status {code}"


@contextmanager
def _terminable() -> Iterator[None]:
    """Inside the block SIGTERM raises _Ended, so that there is time to write what has been judged."""

    def end(*_: object) -> None:
        raise _Ended

    if threading.current_thread() is not threading.main_thread():
        yield  # another thread cannot set handlers
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
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


def check_data(data: Path, names: tuple[str, ...] = DATA_FILES) -> Path:
    """`data`, resolved, if it holds the files that grading reads; UsageProblem with the missing names otherwise."""
    missing = [name for name in names if not (data / name).is_file()]
    if missing:
        raise UsageProblem(
            f"{data}: not a data set, {', '.join(missing)} missing; make one with `python -m harness world --out DIR`"
        )
    return data.resolve()


def lock_down(paths: list[Path]) -> None:
    """Close what only the grader may read, and the world-writable folders of the container, to other users.

    Raises:
        HarnessFault: not root, or a mode cannot be set.
    """
    try:
        for path in paths:
            path.chmod(0o700)
        for place, mode in CONTAINER_FOLDERS.items():
            if Path(place).is_dir():
                Path(place).chmod(mode)
    except OSError as problem:
        raise HarnessFault(
            f"{problem.filename}: cannot be closed to student code ({problem.strerror}); nothing was run"
        ) from problem
