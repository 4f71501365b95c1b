"""What a worker of a cluster does for a regrade: keeps the release that it is sent, and grades uploads with it.

These functions travel to the worker as they are (see harness.classroom.cluster), so they need nothing there but the
standard library; the release that they keep brings the rest of the grader, and the machine the packages.

Promises: a release is used under the hash of its bytes alone, which are checked before anything of it is unpacked, in a
folder that only the worker's user may enter; of an upload, too, the hash is checked; whoever ends the worker ends the
grade; nothing of a grade stays on the machine. A process that has graded well is kept for the worker's next upload.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 0.2
#: How long a process may take to end once its input has.
_END_SECONDS = 10.0
#: So many by one process, then a new one is started: what leaks, leaks no further.
_MOST_GRADES = 50
#: Run in the release's own folder: grades one upload for each line of its input, by one session server, and says so;
#: stops when the worker is gone.
_PROGRAM = """
import json, os, sys, time
from contextlib import nullcontext
from pathlib import Path
from harness.errors import HoldoutError, UsageError
from harness.grading import grade, session_server

parent = int(sys.argv[1])
tell = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
with session_server() if sys.platform == "linux" else nullcontext() as server:
    used = 0.0
    for line in sys.stdin:
        upload, data, answer, only = json.loads(line)
        begun = time.process_time()
        try:
            results = grade(
                Path(upload), Path(data), only=only or None, stop=lambda: os.getppid() != parent, server=server
            )
            before, used = used, (server.cpu_seconds() or 0.0) if server else 0.0
            told = {
                "document": results.as_json(), "unjudged": results.internal_errors,
                "cpu_seconds": used - before + time.process_time() - begun if server else None,
            }
        except HoldoutError as problem:
            causes, cause = [], problem
            while cause is not None:
                causes.append(getattr(cause, "errno", None))
                cause = cause.__cause__
            told = {"problem": str(problem), "unusable": isinstance(problem, UsageError), "errnos": causes}
        Path(answer).write_text(json.dumps(told), encoding="utf-8")
        print("graded", file=tell, flush=True)
"""


class _Grading:
    """A process that grades uploads with a release, one after the other."""

    def __init__(self, root: Path) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(os.getpid())], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._said, env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        self.grades = 0

    def grade(self, line: str, is_wanted: Callable[[], bool]) -> bool:
        """Have one upload graded; whether its answer is written. Nothing more is graded once nobody wants it."""
        self.grades += 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it is gone: so is the end of its output
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        while not select.select([self._process.stdout], [], [], _LOOK_SECONDS)[0]:
            if not is_wanted():
                self._process.terminate()
        return self._process.stdout.readline() == b"graded\n"

    def end(self) -> str:
        """End it; its status and the last that it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        with self._said as said:
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"the grade ended with status {self._process.returncode}: {last}"


def place() -> Path:
    """The folder of releases on this machine: of this user, closed to all others."""
    folder = Path(tempfile.gettempdir()) / f"holdout-releases-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder}: is not a folder of this user alone; remove it")
    return folder


def install(release: str, data: bytes) -> dict[str, Any]:
    """Keep a release, whose SHA-256 is `release`. ValueError where the bytes have another one."""
    if hashlib.sha256(data).hexdigest() != release:
        raise ValueError(f"what came as release {release[:12]} has another hash; nothing of it was unpacked")
    folder = place() / release
    aside = folder.with_name(f"{release}.{secrets.token_hex(4)}")
    try:
        aside.mkdir(mode=0o700)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(aside)
        aside.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another thread was faster
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"folder": str(folder)}


def grade(release: str, name: str, upload: bytes, digest: str, only: str) -> dict[str, Any]:
    """What came of the zip `upload` under this name; else that the release is not on the machine of this worker."""
    from distributed import get_worker

    worker = get_worker()
    root, task = place() / release, worker.get_current_task()
    if not root.is_dir():
        return {"missing_on": worker.address}
    if hashlib.sha256(upload).hexdigest() != digest:
        raise ValueError(f"{name}: was damaged on its way")
    folder = Path(tempfile.mkdtemp(prefix="holdout-upload-"))
    zipped, answer = folder / Path(name).name, folder.with_name(f"{folder.name}.json")
    try:
        zipped.write_bytes(upload)
        line = json.dumps([str(zipped), str(root / "data"), str(answer), only])
        idle = vars(worker).setdefault("_holdout_idle", {}).setdefault(release, [])
        return {**_answered(idle, root, line, answer, lambda: _is_wanted(worker, task)), "data": str(root / "data")}
    finally:
        answer.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _is_wanted(worker: Any, task: Any) -> bool:
    """Whether anybody still waits for the results of a task."""
    known = worker.state.tasks.get(task)
    return known is not None and known.state != "cancelled"


def _answered(idle: list[Any], root: Path, line: str, answer: Path, is_wanted: Callable[[], bool]) -> dict[str, Any]:
    """What a process has to say of an upload: one that is idle, or a new one. After a good grade it is kept."""
    process = idle.pop() if idle else _Grading(root)
    told: dict[str, Any] = {}
    try:
        if process.grade(line, is_wanted):
            told = json.loads(answer.read_bytes())
    finally:
        if told.get("document") and not told["unjudged"] and process.grades < _MOST_GRADES:
            idle.append(process)
        else:
            ended = process.end()
    return told or {"problem": ended, "unusable": False, "errnos": []}
