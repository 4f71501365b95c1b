"""A grader whose grades take a second: every process is there and does what it always does, but none imports torch.

For tests that need hundreds of grades. In a copy of the grader, the zygote preloads numpy and a name in the place of torch,
and the hidden graded tests of part d run a small probe of their own, several times each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.grading import catalogue
from harness.manifest import load
from tests.faults.grades import copied_grader

PART = "1d"

_PRELOAD = '''
"""In the place of the real preload: see tests/faults/light.py."""
import importlib
import sys
import types

OWN_TOPIC = "sandbox"


def preload(probes, libraries="all"):
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

_SCHEMA = """
from harness.probes.schemas.forms import Form, Whole


def work(number) -> Form:
    return Whole()
"""

_GRADED_TEST = '''
@number("{graded_test}")
@weight({points})
def test_{name}(student):
    """Graded test {graded_test}."""
    assert [student.run("light.work", number=number) for number in range(4)] == [0, 2, 4, 6]
'''

_TEST_OF_A_BODY = '''
@number("{part}-{serial}-hidden")
@weight({points})
def test_{serial}(student):
    """Graded test {serial}."""
    {body}
'''

_HEADER = "import os, pathlib, signal, time\nfrom gradescope_utils.autograder_utils.decorators import number, weight\n"

SUBMISSION = "def double(number):\n    return 2 * number\n"


def light_grader(folder: Path, bodies: Sequence[str] = ()) -> Path:
    """The copy, in `folder`; with hidden graded tests of these bodies, if any, in the place of its own."""
    root = copied_grader(folder)
    (root / "harness" / "sandbox" / "preload.py").write_text(_PRELOAD, encoding="utf-8")
    (root / "harness" / "probes" / "light.py").write_text(_PROBE, encoding="utf-8")
    (root / "harness" / "probes" / "schemas" / "light.py").write_text(_SCHEMA, encoding="utf-8")
    manifest = root / "assignment.toml"  # nothing here could read params
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace('mode = "score"', 'mode = "off"'), encoding="utf-8"
    )
    file = root / "harness" / "tests_hidden" / "test_part_d.py"
    file.write_text(_HEADER + "".join(_with_bodies(bodies) if bodies else _working()), encoding="utf-8")
    return root


def _points() -> Mapping[str, float]:
    tests = catalogue.select(catalogue.collect(load()), PART)
    return {graded_test.id: graded_test.points for graded_test in tests if graded_test.kind == "hidden"}


def _working() -> Iterator[str]:
    for test_id, points in _points().items():
        yield _GRADED_TEST.format(graded_test=test_id, points=points, name=test_id.replace("-", "_"))


def _with_bodies(bodies: Sequence[str]) -> Iterator[str]:
    """The part's points are shared out evenly: assignment.toml goes on to agree with them."""
    points = sum(_points().values()) / len(bodies)
    for serial, body in enumerate(bodies, 1):
        yield _TEST_OF_A_BODY.format(part=PART, serial=serial, points=points, body=body)
