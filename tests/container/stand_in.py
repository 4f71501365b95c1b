"""Plays the platform inside the container: starts run_autograder, waits as long as it would, and looks at what is left.

Runs on the system's python3 with the standard library only, as root, usually as process 1. It writes its findings to
/autograder/stand_in.json and judges nothing: the tests outside do.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PLATFORM_SECONDS = 600
FINDINGS = Path("/autograder/stand_in.json")
SECRETS = Path("/root/secrets.json")  # 0600; itself something that no upload may read
OUTPUT = Path("/autograder/stdout")
OWN_FILES = (str(FINDINGS), str(SECRETS), str(OUTPUT), "/autograder/results/results.json")
FOREIGN_TREES = ("/proc", "/sys", "/dev")
GROUP = Path("/sys/fs/cgroup")
LARGEST_SCAN = 32 << 20
PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> None:
    """Run `command` as the platform runs run_autograder; write what there is to say about it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = snapshot()
    memory = MemoryPeak()
    memory.start()
    started = time.monotonic()
    status, timed_out, cpu = run(command)
    wall = time.monotonic() - started
    memory.stop()
    time.sleep(0.5)  # what was told to end gets the chance to; what meant to stay is still here afterwards
    cpu += reap()
    written = sorted(path for path, mark in snapshot().items() if before.get(path) != mark and path not in OWN_FILES)
    findings = {
        "status": status,
        "timed_out": timed_out,
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mib": memory.peak >> 20,
        "memory_measured_by": memory.how,
        "out_of_memory_kills": out_of_memory_kills(),
        "survivors": survivors(),
        "written": written,
        "leaks": leaks([*written, "/autograder/results/results.json"]),
    }
    FINDINGS.write_text(json.dumps(findings), encoding="utf-8")


def run(command: list[str]) -> tuple[int, bool, float]:
    """The exit status (negative: signal), whether the platform's patience ended, and the CPU seconds used."""
    output = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    child = os.fork()
    if child == 0:
        os.chdir("/autograder")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execv(command[0], command)
    deadline, cpu, timed_out = time.monotonic() + PLATFORM_SECONDS, 0.0, False
    while True:
        pid, code, usage = os.wait4(-1, os.WNOHANG)  # orphans come to us too
        cpu += (usage.ru_utime + usage.ru_stime) if pid else 0.0
        if pid == child:
            return os.waitstatus_to_exitcode(code), timed_out, cpu
        if not pid:
            if time.monotonic() > deadline:
                timed_out = True
                os.kill(child, signal.SIGKILL)
            time.sleep(0.02)


def reap() -> float:
    """Collect the dead that have been left to us; the CPU seconds that they used."""
    cpu = 0.0
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu
        if not pid:
            return cpu
        cpu += usage.ru_utime + usage.ru_stime


def survivors() -> list[str]:
    """Command lines of the processes that are still there, our own and our parents' excepted."""
    ours = {os.getpid(), os.getppid(), 1}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) in ours:
            continue
        with suppress(OSError):
            found.append(f"{process.name} {(process / 'cmdline').read_bytes()[:200]!r}")
    return found


def snapshot() -> dict[str, tuple[int, int, int]]:
    """Every file outside /proc, /sys and /dev, and those in /dev's temporary folders: kind, size and time of writing."""
    found = {}
    for top in ("/", "/dev/shm", "/dev/mqueue"):
        for folder, folders, names in os.walk(top):
            if top == "/" and folder == "/":
                folders[:] = [name for name in folders if f"/{name}" not in FOREIGN_TREES]
            for name in names:
                path = Path(folder, name)
                with suppress(OSError):
                    entry = path.lstat()
                    found[str(path)] = (stat.S_IFMT(entry.st_mode), entry.st_size, entry.st_mtime_ns)
    return found


def leaks(paths: list[str]) -> list[str]:
    """Which secret stands in which of these files."""
    secrets = json.loads(SECRETS.read_text(encoding="utf-8"))
    found = []
    for path in map(Path, paths):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as content:
            read = content.read(LARGEST_SCAN)
        found += [
            f"{name} in {path}" for name, secret in secrets.items() if any(form in read for form in forms(secret))
        ]
    return found


def forms(secret: str) -> set[bytes]:
    """A text as it is, and as JSON writes it."""
    return {secret.encode(), json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()}


def out_of_memory_kills() -> int | None:
    """How often the container's memory limit killed something; None where that is not counted."""
    for name in ("memory/memory.oom_control", "memory.events"):
        fields = read_fields(GROUP / name)
        if "oom_kill" in fields:
            return fields["oom_kill"]
    return None


def read_fields(path: Path) -> dict[str, int]:
    """A file of `name number` lines; empty where there is none."""
    try:
        pairs = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


class MemoryPeak(threading.Thread):
    """Samples the memory that all processes here hold together: private pages, shared memory and mapped files, bytes.

    The kernel's own peak would count the cache of every file that was ever read, which it gives back when asked.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.how = "control group" if self._grouped() else "sum of proportional set sizes"
        self._done = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        pause = 0.05 if self.how == "control group" else 0.5
        while not self._done.wait(pause):
            self.peak = max(self.peak, self._grouped() or self._summed())

    def stop(self) -> None:
        """Stop sampling."""
        self._done.set()
        self.join()

    @staticmethod
    def _grouped() -> int:
        first = read_fields(GROUP / "memory/memory.stat")
        second = read_fields(GROUP / "memory.stat")
        if first:
            return first["total_rss"] + first["total_mapped_file"]
        return second.get("anon", 0) + second.get("file_mapped", 0)

    @staticmethod
    def _summed() -> int:
        total = 0
        for path in Path("/proc").glob("[0-9]*/smaps_rollup"):
            with suppress(OSError):
                lines = path.read_text(encoding="ascii").splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total << 10


if __name__ == "__main__":
    main(sys.argv[1:])
