import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import os


def attack():
    found = []
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        processes = [str(number) for number in range(max(1, os.getppid() - 50), os.getppid() + 50)]
    for process in {*processes, str(os.getppid())} - {str(os.getpid())}:
        for what in ("mem", "environ", "maps", "root/etc/passwd", "cwd/assignment.toml", "fd/3", "auxv", "stack"):
            try:
                data = open(f"/proc/{process}/{what}", "rb").read(4096)
            except OSError:
                continue
            if data and int(process) == os.getppid():
                found.append(f"{process}/{what}".encode())
            found += _LOOK.findall(data)
        try:
            found += _LOOK.findall(repr([os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd")]).encode())
        except OSError:
            pass
    _tell(found)
