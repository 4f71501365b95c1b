import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import gc
import sys


def attack():
    found, frame = [], sys._getframe()
    while frame is not None:
        found += _LOOK.findall(repr(list(frame.f_locals.items())).encode("utf-8", "replace"))
        found += _LOOK.findall(repr(frame.f_code.co_consts).encode("utf-8", "replace"))
        frame = frame.f_back
    gc.unfreeze()
    for thing in gc.get_objects():
        kind = type(thing)
        if kind is dict or kind is list or kind is tuple:
            for item in list(thing.values() if kind is dict else thing)[:2000]:
                if type(item) is str and "hush-" in item and "[0-9" not in item:
                    found += _LOOK.findall(item.encode("utf-8", "replace"))
    hidden = [name for name in sys.modules if name.startswith("harness.") and not name.startswith(("harness.sandbox", "harness.probes", "harness.errors"))]
    _tell(found + [name.encode() for name in hidden])
