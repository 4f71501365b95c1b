import fcntl
import os
import sys


def attack():
    for descriptor in range(5):
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_NONBLOCK)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
    for target in range(5, 60):
        try:
            os.dup2(1, target)
        except OSError:
            pass
    sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None
