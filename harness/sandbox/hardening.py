"""What a worker does to itself before student code runs, in the one order that works.

close descriptors - scrub the environment - raise oom_score_adj - new user ID - resource limits -
NO_NEW_PRIVS - die with the parent - not dumpable - Landlock - seccomp.

Later steps need what earlier ones close off the least: a changed user ID clears the death signal, landlock opens files,
the filter forbids all the other steps. Every step either holds or raises; nothing is skipped in silence.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox import landlock, seccomp, system
from harness.sandbox.model import Limits
from harness.sandbox.probe_call import ProbeCall

#: Where a worker finds its pipes: reply, request.
REPLY, REQUEST = 3, 4

#: Files outside the module path that libraries read. None of them says anything about a person or a submission.
_SYSTEM_FILES = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/usr/lib/locale",
    "/etc/ld.so.cache", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version",
    "/sys/devices/system/cpu", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
_LEFT_FOR_OTHERS = 256


@dataclass(frozen=True)
class Baseline:
    """What the process that workers are forked from already uses, bytes and tasks of its user."""

    address_space: int
    data: int
    resident: int
    tasks: int


def baseline() -> Baseline:
    """Measured from /proc."""
    fields = _status("self")
    space, data, resident = (_kibibytes(fields[name]) for name in ("VmSize", "VmData", "VmRSS"))
    return Baseline(space, data, resident, _tasks_of_user(os.getuid()))


def _status(process: str) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _kibibytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) * 1024


def _tasks_of_user(user: int) -> int:
    """All threads of all processes of `user`: what RLIMIT_NPROC counts."""
    total = 0
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if entry.isdigit():
            with contextlib.suppress(OSError, KeyError, ValueError):
                fields = _status(entry)
                total += int(fields["Threads"]) if int(fields["Uid"].split()[0]) == user else 0
    return total


def arrange_descriptors(request: int, reply: int, output: int) -> None:
    """stdin empty, stdout and stderr to `output`, REPLY and REQUEST in place, everything else closed."""
    import fcntl

    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in (reply, request, output)]
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    for source, target in zip((high[2], high[2], high[0], high[1]), (1, 2, REPLY, REQUEST), strict=True):
        os.dup2(source, target, inheritable=False)
    os.closerange(REQUEST + 1, 1 << 20)


def scrub_environment(scratch: str) -> None:
    """Leave what libraries ask for, and nothing of the grader's."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PYTHONHASHSEED") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, PATH="/usr/bin:/bin", LANG="C.UTF-8", USER="worker", CUDA_VISIBLE_DEVICES="")
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "TMP", "TEMP"), scratch))
    os.environ["BFLOAT16"] = "off"  # trainer.py's switch: a short training is the same, and faster, on any processor
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))


def harden(call: ProbeCall, base: Baseline, parent: int, readable: tuple[str, ...]) -> dict[str, str | bool | int]:
    """Take every layer of `call.layers`; what was reached, by layer. Linux only.

    Raises:
        OSError, ValueError: a layer cannot be had, and `call.strict`. Half a change of user is never accepted.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    os.chdir(call.scratch)
    os.umask(0o077)
    reached: dict[str, str | bool | int] = {"uid": False, "rlimits": False, "landlock": 0, "seccomp": False}
    if "uid" in call.layers and call.uid is not None:
        _become(call.uid)
        reached["uid"] = call.uid
    limits = resource_limits(call.limits, base, alone=call.uid is not None)
    if "rlimits" in call.layers:
        reached["rlimits"] = attempt(lambda: limit_resources(limits), strict=call.strict)
    _set_process_flags(parent)
    if "landlock" in call.layers:
        paths = _readable(call, readable)
        reached["landlock"] = attempt(lambda: landlock.restrict(paths, [call.scratch, os.devnull]), strict=call.strict)
    if "seccomp" in call.layers:
        shares_user = reached["uid"] is False
        reached["seccomp"] = attempt(lambda: seccomp.install(shares_user=shares_user), strict=call.strict)
    return reached


def attempt(take: Callable[[], int], *, strict: bool) -> int:
    """What `take` returns; where it fails, False, or its exception if `strict`."""
    try:
        return take()
    except (OSError, ValueError):
        if strict:
            raise
        return False


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if os.getresuid() != (user,) * 3 or os.getresgid() != (user,) * 3 or os.getgroups():
        raise OSError(f"still user {os.getresuid()}, group {os.getresgid()}, groups {os.getgroups()}")


def resource_limits(limits: Limits, base: Baseline | None, *, alone: bool) -> Mapping[str, tuple[int, int]]:
    """Soft and hard values by the names of the resource module, without RLIMIT_.

    AS beside DATA, since shared anonymous memory passes DATA. `alone`: no other process has this user ID, so tasks can
    be counted exactly.
    """
    values = {
        "CPU": (limits.cpu_seconds, limits.cpu_seconds + 1),  # first a signal, then the end
        "CORE": (0, 0),
        "FSIZE": (limits.file_bytes,) * 2,
        "NOFILE": (limits.open_files,) * 2,
        "MEMLOCK": (0, 0),
        "MSGQUEUE": (0, 0),
        "RTPRIO": (0, 0),
        "SIGPENDING": (256, 256),
    }
    if base is not None:
        tasks = limits.tasks if alone else base.tasks + limits.tasks + _LEFT_FOR_OTHERS
        values["AS"] = (base.address_space + limits.memory_bytes,) * 2
        values["DATA"] = (base.data + limits.memory_bytes,) * 2
        values["NPROC"] = (tasks, tasks)
    return values


def limit_resources(values: Mapping[str, tuple[int, int]]) -> bool:
    """Set them, never above what is in force already; names that this system lacks are passed over. True when done."""
    import resource

    for name, (soft, hard) in values.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is None:
            continue
        ceiling = resource.getrlimit(number)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901 - the values meant
        resource.setrlimit(number, (soft, hard))
    return True


def _set_process_flags(parent: int) -> None:
    """Never gain rights, die with the parent, and be closed to other processes of the same user."""
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before the line above
    system.prctl(system.PR_SET_DUMPABLE, 0)


def _readable(call: ProbeCall, readable: tuple[str, ...]) -> list[str]:
    return [*readable, *_SYSTEM_FILES, call.tree, f"/proc/{os.getpid()}"]


def readable_by_all_workers() -> tuple[str, ...]:
    """The module path, and the folders of every shared library that is mapped now."""
    folders = {entry for entry in sys.path if entry}
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        path = line.partition("/")[1] + line.partition("/")[2]
        if ".so" in path:
            folders.add(os.path.dirname(path))  # noqa: PTH120 - strings in, strings out
    return tuple(sorted(folders))
