import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import os


def attack():
    found = []
    paths = ["@DATA@", "@DATA@/birth_test.tsv", "@METADATA@", "@RESULTS@", "@ROOT@/harness/tests_hidden/test_part_e.py", "@ROOT@/assignment.toml",
             "@ROOT@/reference_solution/src/submission/dataset.py", "/etc/shadow", "/root/.ssh/id_rsa", "/proc/1/environ", "/proc/kcore", "/dev/mem"]
    for path in paths:
        for read in (lambda: open(path, "rb").read(1 << 20), lambda: repr(os.listdir(path)).encode(), lambda: os.readlink(path).encode(),
                     lambda: repr(os.stat(path)).encode() and b""):
            try:
                data = read()
            except OSError:
                continue
            if data and not path.startswith("@ROOT@"):
                found.append(b"read " + path.encode())
            if b"canary:" in data or b"def test_" in data:
                found.append(b"source " + path.encode())
            found += _LOOK.findall(data)
    _tell(found)
