import ctypes
import mmap
import os


def attack():
    libc, failed = ctypes.CDLL(None), ctypes.c_void_p(-1).value
    libc.mmap.restype = ctypes.c_void_p
    for _ in range(160):
        file = os.open("@MARK@-hidden", os.O_RDWR | os.O_CREAT)
        os.write(file, bytes(8 << 20))
        os.unlink("@MARK@-hidden")
        if libc.mmap(None, ctypes.c_size_t(mmap.PAGESIZE), 1, mmap.MAP_SHARED, file, ctypes.c_long(0)) == failed:
            raise RuntimeError("no more mappings")
        os.close(file)  # Python's own mmap would keep a copy of it
    import time

    time.sleep(4)
