import re
_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
def attack():
    try:
        maps = open("/proc/self/maps").read().splitlines()
    except OSError:
        return
    _tell([line.encode() for line in maps if line.split()[1] == "rw-s"])
