import ctypes
import os
import resource


def attack():
    breaches = []
    me = os.getuid()
    acts = {"setuid": lambda: os.setuid(0), "setgid": lambda: os.setgid(0), "seteuid": lambda: os.seteuid(0), "setreuid": lambda: os.setreuid(0, 0),
            "setresuid": lambda: os.setresuid(0, 0, 0), "setgroups": lambda: os.setgroups([0]), "initgroups": lambda: os.initgroups("root", 0),
            "neighbour": lambda: os.setuid(me + 1), "chroot": lambda: os.chroot("."), "mknod": lambda: os.mknod("device", 0o020666, os.makedev(1, 5)),
            "setsid": lambda: os.setpgid(0, os.getppid()), "nice": lambda: os.nice(-5)}
    for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
        acts[name] = lambda name=name: resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for name, act in acts.items():
        try:
            act()
            breaches.append(name)
        except (OSError, ValueError):
            pass
    libc = ctypes.CDLL(None)
    for option, value in ((1, 0), (4, 1), (38, 0), (8, 1), (22, 0), (36, 1), (24, 21)):
        if libc.prctl(option, value, 0, 0, 0) == 0:
            breaches.append(f"prctl {option}")
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
