# mypy: ignore-errors

"""Takes memory until there is none: private, shared, and in files."""

import mmap
import os

hoard = []
try:
    while len(hoard) < 1000:
        hoard.append(bytearray(os.urandom(1) * (64 << 20)))
except MemoryError:
    pass
try:
    while len(hoard) < 2000:
        shared = mmap.mmap(-1, 64 << 20)
        shared.write(b"x" * (64 << 20))
        hoard.append(shared)
except (OSError, MemoryError, ValueError):
    pass
try:
    for number in range(1000):
        with open(f"hoard-{number}", "wb") as out:
            out.write(b"x" * (8 << 20))
except (OSError, MemoryError):
    pass
