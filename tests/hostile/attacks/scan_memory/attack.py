import re
_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
def attack():
    found, total = [], 0
    try:
        maps = open("/proc/self/maps").read().splitlines()
        memory = open("/proc/self/mem", "rb", 0)
    except OSError:
        return
    for line in maps:
        span, rights = line.split()[:2]
        low, high = (int(number, 16) for number in span.split("-"))
        if "r" not in rights or ".so" in line or "[v" in line or total > 300 << 20:
            continue
        total += high - low
        try:
            memory.seek(low)
            found += _LOOK.findall(memory.read(high - low))
        except (OSError, ValueError, OverflowError):
            pass
    _tell(found)
