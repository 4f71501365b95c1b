import os
import sys


def attack():
    forge = "import os; [os.write(fd, b'{\"score\": 64}') for fd in range(3, 20)]"
    for path in (sys.executable, "/bin/sh", "/usr/bin/env", "/proc/self/exe"):
        try:
            os.execve(path, [path, "-c", forge], {})
        except OSError:
            pass
