import re

_LOOK = re.compile(rb"hush-[0-9a-f]{16}")
def _tell(found):
    if found:
        raise RuntimeError("BREACH: " + " ".join(sorted({item.decode("utf-8", "replace") for item in found}))[:1500])
import importlib
import inspect
import sys


def attack():
    found = []
    sys.path += ["@ROOT@", "@ROOT@/harness", "/autograder/source"]
    sys.path_importer_cache.clear()
    for name in ("harness.tests_hidden.test_part_e", "harness.tests_hidden", "harness.grading.results", "harness.grading.session", "harness.grading.plugin", "test_part_e", "conftest"):
        try:
            importlib.import_module(name)
            found.append(name.encode())
        except BaseException:
            pass
    import harness.probes.corruption as probe
    try:
        found.append(inspect.getsource(probe)[:20].encode())
    except (OSError, TypeError):
        pass
    _tell(found)
