import ctypes
import os
import tempfile


def attack():
    libc, breaches = ctypes.CDLL(None), []
    for number, make in enumerate((lambda: open("@MARK@-aside", "w+b"), lambda: tempfile.TemporaryFile(dir="."))):
        with make() as file:
            for mode in (0, 1, 2 | 1, 8, 16, 16 | 1, 32, 64, 128):
                libc.fallocate(file.fileno(), mode, ctypes.c_long(0), ctypes.c_long(1 << 30))
                if os.fstat(file.fileno()).st_blocks * 512 > 8 << 20:
                    breaches.append((number, mode))
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
