import os
import sys


def attack():
    for _ in range(16):
        os.write(1, b"x" * (1 << 20)); os.write(2, b"y" * (1 << 20))
        sys.stdout.write("z" * (1 << 20)); sys.stderr.write("\n" * (1 << 20))
