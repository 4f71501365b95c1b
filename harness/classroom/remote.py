"""What a worker of a cluster does for a regrade: keeps the release that it is sent, and grades uploads with it.

These functions travel to the worker as they are (see harness.classroom.cluster), so they need nothing there but the
standard library; the release that they keep brings the rest of the grader, and the machine the packages.

Promises: a release is used under the hash of its bytes alone, which are checked before anything of it is unpacked, in a
folder that only the worker's user may enter; of an upload, too, the hash is checked; whoever ends the worker ends the
grade; nothing of a grade stays on the machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 0.2
#: Run in the release's own folder: grades, and stops when the worker is gone.
_PROGRAM = """
import json, os, resource, sys
from pathlib import Path
from harness.errors import HoldoutError, UsageError
from harness.grading import grade

upload, data, answer, only, parent = sys.argv[1:]
try:
    results = grade(Path(upload), Path(data), only=only or None, stop=lambda: os.getppid() != int(parent))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {
        "document": results.as_json(), "unjudged": results.internal_errors,
        "cpu_seconds": sum(each.ru_utime + each.ru_stime for each in used),
    }
except HoldoutError as problem:
    causes, cause = [], problem
    while cause is not None:
        causes.append(getattr(cause, "errno", None))
        cause = cause.__cause__
    told = {"problem": str(problem), "unusable": isinstance(problem, UsageError), "errnos": causes}
Path(answer).write_text(json.dumps(told), encoding="utf-8")
"""


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
    try:
        zipped, answer = folder / Path(name).name, folder.with_name(f"{folder.name}.json")
        zipped.write_bytes(upload)
        paths = map(str, (zipped, root / "data", answer))
        command = [sys.executable, "-c", _PROGRAM, *paths, only, str(os.getpid())]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, cwd=root, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip
            while process.poll() is None:
                known = worker.state.tasks.get(task)
                if known is None or known.state == "cancelled":  # nobody waits for the results any more
                    process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        try:
            return {**json.loads(answer.read_bytes()), "data": str(root / "data")}
        except (OSError, ValueError):
            told = f"the grade ended with status {process.returncode}: {last}"
            return {"problem": told, "unusable": False, "errnos": []}
        finally:
            answer.unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
