"""The sandbox's own attempts at breaking out, run as a probe in a worker before any student code is.

Every attempt is really made. `attempts` returns, by name, True where the attempt failed as it should ("held").
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

_HARMLESS_VARIABLES = {
    "PATH", "HOME", "TMPDIR", "TMP", "TEMP", "LANG", "LC_CTYPE", "USER", "PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR",
    "BFLOAT16", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK",
}  # fmt: skip
_PTRACE_ATTACH = 16
_KEEP_SIZE = 1


def attempts(
    folder: Path,
    *,
    canary: str,
    private: Sequence[str],
    unlisted: str,
    foreign: Sequence[int],
    shared: Sequence[str],
    memory_bytes: int,
    file_bytes: int,
    open_files: int,
    tasks: int,
) -> dict[str, bool]:
    """Try everything.

    Args:
        folder: the tree's package folder.
        canary: a file of the grader's that may be lost.
        private: files and folders that only the grader may read.
        unlisted: a folder whose entries only the grader may list.
        foreign: process IDs of the zygote and of the grader.
        shared: folders where every user of the machine may write by default.
        memory_bytes, file_bytes, open_files, tasks: this run's limits.
    """
    return {
        "another user": _is_another_user(foreign),
        "files of the grader": all(_refused(_reader(Path(path))) for path in (canary, *private))
        and _refused(lambda: os.truncate(canary, 0)),
        "modes and times of files": _refused(lambda: Path(canary).chmod(0o666)) and _refused(lambda: os.utime(canary)),
        "names of other submissions": _refused(lambda: os.listdir(unlisted)),  # noqa: PTH208
        "processes of others": all(_untouchable(pid) for pid in foreign),
        "network": _refused(lambda: socket.socket(socket.AF_INET)) and _refused(lambda: socket.socket(socket.AF_UNIX)),
        "new processes": _refused(_fork) and _refused(_spawn),
        "memory limit": _refused(lambda: bytearray(memory_bytes + (64 << 20))),
        "file size limit": _refused(lambda: _write(Path("large"), file_bytes + 1)),
        "disk space": _refused(_allocate),
        "file locks": _refused(_lock),
        "open files limit": _refused(lambda: _open_many(open_files)),
        "thread limit": _refused(lambda: _start_threads(tasks)),
        "the submission's files": _refused(lambda: _write(folder / "new", 1)),
        "the scratch's parent": _refused(lambda: _write(Path.cwd().parent / "new", 1)),
        "shared folders": all(_refused(_writer(Path(path) / f"holdout-{os.getpid()}")) for path in shared),
        "environment": set(os.environ) <= _HARMLESS_VARIABLES,
        "descriptors": _open_descriptors() <= {0, 1, 2, 3, 4},
    }


def _refused(attempt: Callable[[], object]) -> bool:
    """Whether the system refuses."""
    try:
        attempt()
    except (OSError, MemoryError, RuntimeError):  # RuntimeError: "can't start new thread"
        return True
    return False


def _is_another_user(foreign: Sequence[int]) -> bool:
    """Whether this user is nobody the machine knows, and cannot become root again."""
    with contextlib.suppress(OSError):
        os.setuid(0)
        return False
    owners = {0}
    with contextlib.suppress(OSError):
        owners |= {Path(f"/proc/{pid}").stat().st_uid for pid in foreign}
    return not set(os.getresuid()) & owners


def _untouchable(pid: int) -> bool:
    """Neither signalled, nor traced, nor read."""
    return (
        _refused(lambda: os.kill(pid, 0))
        and _refused(lambda: _trace(pid))
        and _refused(lambda: Path(f"/proc/{pid}/mem").open("rb").close())
        and _refused(lambda: Path(f"/proc/{pid}/environ").read_bytes())
    )


def _trace(pid: int) -> None:
    _call("ptrace", _PTRACE_ATTACH, pid, 0, 0)


def _call(name: str, *arguments: int) -> None:
    from harness.sandbox import seccomp, system

    architecture = seccomp.here()
    if architecture is None:
        raise OSError(f"not tried: the number of {name} is not known here")
    system.syscall(architecture.table[name], *arguments, what=name)


def _allocate() -> None:
    """Space on the disk beyond the end of a file, which no limit on file sizes counts."""
    with tempfile.TemporaryFile(dir=Path.cwd()) as file:
        _call("fallocate", file.fileno(), _KEEP_SIZE, 0, 1 << 20)


def _lock() -> None:
    """A lock on one byte: the kernel's memory, and nothing counts how many there are."""
    import fcntl

    with tempfile.TemporaryFile(dir=Path.cwd()) as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _spawn() -> None:
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}), 0)


def _write(path: Path, size: int) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            while size > 0:
                size -= file.write(bytes(min(size, 1 << 20)))
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _reader(path: Path) -> Callable[[], object]:
    return lambda: list(path.iterdir()) if path.is_dir() else path.open("rb").close()


def _writer(path: Path) -> Callable[[], None]:
    return lambda: _write(path, 1)


def _open_many(count: int) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _start_threads(count: int) -> None:
    stop = threading.Event()
    started = []
    try:
        for _ in range(count):
            thread = threading.Thread(target=stop.wait)
            thread.start()
            started.append(thread)
    finally:
        stop.set()
        for thread in started:
            thread.join()


def _open_descriptors() -> set[int]:
    found = set()
    for descriptor in range(1024):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            found.add(descriptor)
    return found
