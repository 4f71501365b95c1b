# mypy: ignore-errors

"""Takes memory until there is none: private, shared, and in files."""

import mmap

hoard = []
try:
    while len(hoard) < 1000:
        hoard.append(b"x" * (64 << 20))
except MemoryError:
    pass
try:
    while len(hoard) < 2000:
        shared = mmap.mmap(-1, 64 << 20)
        shared.write(hoard[0])
        hoard.append(shared)
except (OSError, MemoryError, ValueError):
    pass
try:
    for number in range(1000):
        with open(f"hoard-{number}", "wb") as out:
            out.write(bytes(8 << 20))
except (OSError, MemoryError):
    pass
