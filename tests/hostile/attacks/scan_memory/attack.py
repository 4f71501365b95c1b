import ctypes
import gc
import os
import re


def _memory():
    """All that can be found of this process's memory: /proc/self is closed, but the kernel tells what it cannot copy."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
    libc.sbrk.restype = ctypes.c_void_p
    gc.unfreeze()
    blocks = {id(thing) >> 20 for thing in gc.get_objects()}
    top = libc.sbrk(ctypes.c_long(0)) >> 20
    blocks |= set(range(top - 150, top + 1))
    source, sink = os.pipe()
    for block in sorted(blocks)[:400]:
        data = b""
        for address in range(block << 20, (block + 1) << 20, 1 << 16):
            if libc.write(sink, address, 1 << 16) > 0:
                data += os.read(source, 1 << 16)
        yield data
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def attack():
    found, total, witness = set(), 0, os.urandom(8).hex()
    for data in _memory():
        total += len(data)
        found |= set(_LOOK.findall(data))
    if total < 1 << 20:
        raise RuntimeError("the scan itself does not work any more")
    _tell(found)
