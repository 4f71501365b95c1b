import os
import sys


def attack():
    breaches, here = [], os.path.dirname(os.path.abspath(__file__))
    own = (__file__, here, os.path.dirname(here), os.path.dirname(os.getcwd()), sys.modules["random"].__file__)
    theirs = ("@DATA@", "@DATA@/birth_test.tsv", "@ROOT@", "@METADATA@", os.path.dirname("@RESULTS@"), "@RESULTS@")
    for number, path in enumerate((*own, *theirs, os.path.expanduser("~root"))):
        link = f"@MARK@-{number}"
        os.symlink(path, link)
        for name, change in {
            "chmod": lambda: os.chmod(path, 0o777),
            "utime": lambda: os.utime(path, (1, 1)),
            "touch": lambda: os.utime(path),
            "chmod by link": lambda: os.chmod(link, 0o777),
            "utime by link": lambda: os.utime(link, (1, 1)),
            "chmod by folder": lambda: _in_folder(path, lambda at: os.chmod(os.path.basename(path), 0o777, dir_fd=at)),
            "utime by folder": lambda: _in_folder(path, lambda at: os.utime(os.path.basename(path), (1, 1), dir_fd=at)),
            "fchmod": lambda: _opened(path, lambda file: os.fchmod(file, 0o777)),
            "futimens": lambda: _opened(path, lambda file: os.utime(file, (1, 1))),
            "through /proc": lambda: _opened(path, lambda file: os.chmod(f"/proc/self/fd/{file}", 0o777)),
            "truncate": lambda: os.truncate(path, 0),
        }.items():
            try:
                change()
            except OSError:
                continue
            breaches.append((name, path))
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")


def _opened(path, change):
    file = os.open(path, os.O_RDONLY)
    try:
        change(file)
    finally:
        os.close(file)


def _in_folder(path, change):
    at = os.open(os.path.dirname(path) or "/", os.O_PATH)
    try:
        change(at)
    finally:
        os.close(at)
