import json
import os


def attack():
    forged = json.dumps({"score": 64, "tests": [], "output": "@MARK@", "extra_data": {"internal_error": False}})
    folders = ("/autograder/results", "/autograder", "@RESULTS@/..", "@DATA@", "@ROOT@", "@ROOT@/harness", ".", "..", "../..",
               "/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/root", "/home", "/", os.path.dirname(__file__))
    for folder in folders:
        for name in ("results.json", "@MARK@-results.json", ".results.json.tmp", "stdout", "conftest.py"):
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(forged)
                if folder != ".":
                    _breaches.append(os.path.join(folder, name))
            except OSError:
                pass
    if _breaches:
        raise RuntimeError(f"BREACH: wrote {_breaches}")
_breaches = []
