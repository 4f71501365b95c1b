import fcntl
import os
import signal


def attack():
    # Outside of a sandbox this only asks whether it could.
    number = signal.SIGKILL if 20000 <= os.getuid() < 65536 else 0
    breaches = []
    for target in (os.getppid(), 1, -1, 0, -os.getppid(), -os.getpgrp()):
        if target in (-1, 0, -os.getpgrp()) and not number:
            continue
        try:
            os.kill(target, number)
            breaches.append(target)
        except OSError:
            pass
    try:
        os.killpg(os.getpgid(os.getppid()), number)
        breaches.append("group")
    except OSError:
        pass
    for act in (lambda: signal.pidfd_send_signal(os.pidfd_open(os.getppid()), number), lambda: fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid()),
                lambda: os.sched_setaffinity(os.getppid(), {0}), lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 0),
                lambda: fcntl.ioctl(1, 0x5412, b"x"), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))):
        try:
            act()
            breaches.append("asked")
        except (OSError, AttributeError):
            pass
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
