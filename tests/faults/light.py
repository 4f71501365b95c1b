"""A grader whose grades take a second: every process is there and does what it always does, but none imports torch.

For tests that need hundreds of grades. In a copy of the grader, the zygote preloads numpy and a name in the place of torch,
and the hidden graded tests of part d run a small probe of their own, several times each.
"""

from __future__ import annotations

from pathlib import Path

from harness.assignment import load
from harness.grading import catalogue
from tests.faults.grades import copied_grader

PART = "1d"

_PRELOAD = '''
"""In the place of the real preload: see tests/faults/light.py."""
import importlib
import sys
import types

OWN_TOPIC = "sandbox"


def preload(probes, *, for_forks):
    torch = types.ModuleType("torch")
    torch.Tensor = type("Tensor", (), {})
    torch.default_generator = types.SimpleNamespace(manual_seed=lambda seed: None)
    sys.modules["torch"] = torch
    for name in ("numpy", "tempfile", "harness.sandbox.tensors"):
        importlib.import_module(name)
    return {OWN_TOPIC: importlib.import_module("harness.sandbox.trials"), "light": importlib.import_module("harness.probes.light")}
'''

_PROBE = '''
"""Some work, as long as a small model's."""
import time


def work(submission, number):
    time.sleep(0.03)
    return submission.double(number)
'''

_GRADED_TEST = '''
@number("{graded test}")
@weight({points})
def test_{name}(student):
    """Graded test {graded test}."""
    assert [student.run("light.work", number=number) for number in range(4)] == [0, 2, 4, 6]
'''

_HEADER = "from gradescope_utils.autograder_utils.decorators import number, weight\n"

SUBMISSION = "def double(number):\n    return 2 * number\n"


def light_grader(folder: Path) -> Path:
    """The copy, in `folder`."""
    root = copied_grader(folder)
    (root / "harness" / "sandbox" / "preload.py").write_text(_PRELOAD, encoding="utf-8")
    (root / "harness" / "probes" / "light.py").write_text(_PROBE, encoding="utf-8")
    hidden = [
        graded_test for graded_test in catalogue.select(catalogue.collect(load()), PART) if graded_test.kind == "hidden"
    ]
    graded_tests = [
        _GRADED_TEST.format(
            graded_test=graded_test.id, points=graded_test.points, name=graded_test.id.replace("-", "_")
        )
        for graded_test in hidden
    ]
    (root / "harness" / "tests_hidden" / "test_part_d.py").write_text(_HEADER + "".join(graded_tests), encoding="utf-8")
    return root
