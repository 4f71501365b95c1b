import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import os


def attack():
    found = []
    for start in (os.path.dirname(os.path.abspath(__file__)), os.getcwd()):
        folder = os.path.dirname(start)
        own = start
        for _ in range(6):
            try:
                names = [name for name in os.listdir(folder) if os.path.join(folder, name) != own]
                if folder not in ("/", "/tmp", "/autograder") and names:
                    found.append(f"{folder}: {names[:3]}".encode())
            except OSError:
                pass
            own, folder = folder, os.path.dirname(folder)
    _tell(found)
