"""Makes a Python on Linux answer harness code as one on Windows or macOS would; put on PYTHONPATH as sitecustomize.py.

HOLDOUT_AS names the platform. Only code in `harness` sees it: torch, pytest and the standard library would look for
libraries that are not here. What that platform lacks is gone for harness code: names in `os` and `signal`, and modules.
Each question that harness code asks is noted in HOLDOUT_ASKED, so that a test can see that it was asked.
"""

import builtins
import os
import signal
import sys
import types

PLATFORM = os.environ["HOLDOUT_AS"]
WINDOWS = PLATFORM == "win32"
POSIX_ONLY = {
    "os": (
        "fork forkpty killpg setsid getpgid getuid geteuid getgid getegid setuid setgid setgroups getgroups chown wait4"
        " waitid WNOHANG WIFSIGNALED WTERMSIG readv writev sched_getaffinity O_NOFOLLOW O_DIRECTORY O_NONBLOCK O_CLOEXEC"
    ),
    "signal": "SIGALRM SIGKILL SIGXCPU SIGCHLD SIGUSR1 alarm setitimer pthread_sigmask sigtimedwait",
}
NOT_ON_MACOS = {"os": "sched_getaffinity pidfd_open memfd_create O_PATH", "signal": "pidfd_send_signal sigtimedwait"}
LACKS = {name: set(listed.split()) for name, listed in (POSIX_ONLY if WINDOWS else NOT_ON_MACOS).items()}
MODULES = {"resource", "fcntl", "pwd", "grp", "termios"} if WINDOWS else set()
SAYS: dict[tuple[str, str], object] = {("sys", "platform"): PLATFORM, ("os", "name"): "nt" if WINDOWS else "posix"}
if WINDOWS:
    SAYS |= {("os", "supports_dir_fd"): set(), ("os", "supports_fd"): set()}


def asked_by_us(depth: int) -> bool:
    name = str(sys._getframe(depth).f_globals.get("__name__", ""))
    return name == "harness" or name.startswith("harness.")


def note(what: str) -> None:
    descriptor = os.open(os.environ["HOLDOUT_ASKED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(descriptor, f"{what}\n".encode())
    os.close(descriptor)


class Elsewhere(types.ModuleType):
    """A module as harness code finds it there; everyone else finds the real one."""

    def __init__(self, real: types.ModuleType) -> None:
        object.__setattr__(self, "_real", real)

    def __getattribute__(self, name: str) -> object:
        real = object.__getattribute__(self, "_real")
        if asked_by_us(2):
            where = real.__name__, name
            if where in SAYS:
                note(".".join(where))
                return SAYS[where]
            if name in LACKS.get(real.__name__, ()):
                raise AttributeError(f"module '{real.__name__}' has no attribute '{name}' on {PLATFORM}")
        return getattr(real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "_real"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, "_real"), name)


real_import = builtins.__import__


def import_elsewhere(name, *arguments, **keywords):
    if name.partition(".")[0] in MODULES and asked_by_us(2):
        raise ModuleNotFoundError(f"No module named '{name}' on {PLATFORM}")
    return real_import(name, *arguments, **keywords)


builtins.__import__ = import_elsewhere
for module in (sys, os, signal):
    sys.modules[module.__name__] = Elsewhere(module)
