import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import os


def attack():
    found = _LOOK.findall(repr(dict(os.environ)).encode())
    for process in [name for name in os.listdir("/proc") if name.isdigit()] if os.access("/proc", os.R_OK) else ["self", str(os.getppid())]:
        try:
            found += _LOOK.findall(open(f"/proc/{process}/environ", "rb").read())
        except OSError:
            pass
    _tell(found)
