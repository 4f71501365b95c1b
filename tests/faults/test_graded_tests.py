"""Graded tests with a bug in them: their points are said to be an internal error, and every other graded test is judged all the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.grading import catalogue
from harness.manifest import load
from tests.faults.grades import Ending, Grade, assert_sound, copied_grader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="whether anything is left is looked up in /proc")

HEADER = """
import os, signal, sys, time
import pytest
from gradescope_utils.autograder_utils.decorators import number, weight
from harness.probes import corruption
from harness.problems.birthplaces.samples import DOCUMENTS
from harness.grading.student import Student
"""

#: By graded test: what stands in the place of its body, in the order in which they run.
BUGS = {
    "1e-2-hidden": "1 / 0",
    "1e-3-hidden": "drawn = student.run(corruption.draws, documents=DOCUMENTS, block_size=64, indices=[0]); drawn['nonsense']",
    "1e-4-hidden": "for_staff.update(number=float('nan'), text=chr(0xD800), thing=object()); raise SystemExit(0)",
    "1e-5-hidden": "pytest.skip('not today')",
    "1e-6-hidden": "print('x' * 10_000_000); (lambda again: again(again))(lambda again: again(again))",
    "1e-7-hidden": "time.sleep(3600)",
}

#: What ends the whole session: the first graded test passes, the second does this, the rest is never reached.
ENDS = {
    "an interrupt": "raise KeyboardInterrupt",
    "pytest's own exit": "pytest.exit('enough', returncode=0)",
    "an exit of the process": "os._exit(0)",
    "a crash": "os.kill(os.getpid(), signal.SIGSEGV)",
}


def graded_tests_of(part: str) -> dict[str, float]:
    return {graded_test.id: graded_test.points for graded_test in catalogue.select(catalogue.collect(load()), part)}


@pytest.fixture
def root(open_folder: Path) -> Path:
    """A grader of its own, whose graded tests may take little time."""
    made = copied_grader(open_folder / "source")
    manifest = (made / "assignment.toml").read_text(encoding="utf-8")
    manifest = re.sub(r"^test_seconds = \d+", "test_seconds = 20", manifest, flags=re.MULTILINE)
    (made / "assignment.toml").write_text(manifest, encoding="utf-8")
    plugin = (made / "harness" / "grading" / "plugin.py").read_text(encoding="utf-8")
    assert "GRACE_SECONDS = 20.0" in plugin
    plugin = plugin.replace("GRACE_SECONDS = 20.0", "GRACE_SECONDS = -15.0")  # the graded tests alone, not their probes
    (made / "harness" / "grading" / "plugin.py").write_text(plugin, encoding="utf-8")
    return made


def break_part(root: Path, part: str, bodies: dict[str, str]) -> None:
    """Replace the hidden graded tests of a part by ones with these bodies."""
    points = graded_tests_of(f"1{part}")
    functions = [
        f'@number("{graded_test}")\n@weight({points[graded_test]})\n'
        f'def test_{graded_test.replace("-", "_")}(student: Student, for_staff) -> None:\n    """Graded test {graded_test}."""\n    {body}\n'
        for graded_test, body in bodies.items()
    ]
    file = root / "harness" / "tests_hidden" / f"test_part_{part}.py"
    file.write_text(HEADER + "\n\n" + "\n\n".join(functions), encoding="utf-8")


#: Bodies that come to no verdict over what this upload's dataset returns, and to one over what the reference's does.
OVER_VALUES = {
    "1e-2-hidden": "[0] * 10**12",
    "1e-3-hidden": "sum(range(10**12))",
    "1e-4-hidden": "os.kill(os.getpid(), signal.SIGKILL)",
    "1e-5-hidden": "(lambda again: again(again))(lambda again: again(again))",
    "1e-6-hidden": "1 / 0",
}


def run(root: Path, upload: Path, data: Path, tmp_path: Path, part: str) -> Ending:
    return Grade(upload, data, tmp_path / "results.json", root.parent / "tmp", "--only", part, root=root).end()


def test_each_broken_graded_test_is_a_fault_and_the_others_are_judged(
    root: Path, honest_upload: Path, data: Path, tmp_path: Path
) -> None:
    hidden = [graded_test for graded_test in graded_tests_of("1e") if graded_test.endswith("hidden")]
    break_part(root, "e", {graded_test: BUGS.get(graded_test, "pass") for graded_test in hidden})
    ending = run(root, honest_upload, data, tmp_path, "1e")
    assert_sound(ending, graded_tests_of("1e"), interrupted=False)
    assert ending.status == 3, ending.text
    assert {graded_test for graded_test, outcome in ending.outcomes.items() if outcome == "internal_error"} == set(
        BUGS
    ), ending.text
    assert {outcome for graded_test, outcome in ending.outcomes.items() if graded_test not in BUGS} == {"pass"}
    faults = {test["number"]: test["extra_data"].get("internal_error", "") for test in ending.document["tests"]}
    assert "ZeroDivisionError" in faults["1e-2-hidden"]
    assert "nonsense" in faults["1e-3-hidden"]
    assert ending.left_behind == ()


def test_limits_and_deaths_over_a_students_values_are_the_students_and_over_any_values_ours(
    root: Path, upload: Path, data: Path, tmp_path: Path
) -> None:
    ask = "drawn = student.run(corruption.draws, documents=DOCUMENTS, block_size=64, indices=[0])"
    hidden = [graded_test for graded_test in graded_tests_of("1e") if graded_test.endswith("hidden")]
    bodies = dict.fromkeys(hidden, f"{ask}; [0] * 10**12")
    bodies |= {each: f"{ask}; odd = 'list' in drawn['types']; odd and {end}" for each, end in OVER_VALUES.items()}
    break_part(root, "e", bodies)
    limits = (root / "assignment.toml").read_text(encoding="utf-8")
    (root / "assignment.toml").write_text(
        limits.replace("judge_cpu_seconds = 10", "judge_cpu_seconds = 1"), encoding="utf-8"
    )
    with (upload / "dataset.py").open("a", encoding="utf-8") as source:
        source.write("CharCorruptionDataset.__getitem__ = lambda self, index: ([1, 2], [2, 3])\n")
    ending = run(root, upload, data, tmp_path, "1e")
    assert_sound(ending, graded_tests_of("1e"), interrupted=False)
    assert {each: ending.outcomes[each] for each in hidden} == {
        each: "fail" if each in OVER_VALUES else "internal_error" for each in hidden
    }, ending.text
    outputs = {test["number"]: test["output"] for test in ending.document["tests"]}
    assert len({outputs[each] for each in OVER_VALUES}) == 1  # one hint, whatever the values did
    assert ending.left_behind == ()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_graded_test_that_ends_the_session_costs_no_verdict_before_it(
    root: Path, honest_upload: Path, data: Path, tmp_path: Path, end: str
) -> None:
    break_part(root, "d", {"1d-1-hidden": "pass", "1d-2-hidden": end})
    ending = run(root, honest_upload, data, tmp_path, "1d")
    assert_sound(ending, graded_tests_of("1d"), interrupted=False)
    assert ending.status == 3, ending.text
    assert ending.outcomes == {"1d-0-basic": "pass", "1d-1-hidden": "pass", "1d-2-hidden": "internal_error"}
    assert ending.left_behind == ()


@pytest.mark.parametrize("source", ["import nothing_of_that_name\n", "def broken(:\n", "raise SystemExit(0)\n"])
def test_graded_tests_that_do_not_load_are_a_fault_with_valid_results(
    root: Path, honest_upload: Path, data: Path, tmp_path: Path, source: str
) -> None:
    (root / "harness" / "tests_hidden" / "test_part_d.py").write_text(source, encoding="utf-8")
    ending = run(root, honest_upload, data, tmp_path, "1d")
    assert ending.status == 3, ending.text
    assert ending.document["score"] == 0
    assert ending.document["extra_data"]["internal_error"] is True
    assert "internal error of the grader" in ending.document["output"]
    assert "the graded tests cannot be loaded" in ending.text


def test_a_broken_reference_is_no_fault_of_the_student(
    root: Path, honest_upload: Path, data: Path, tmp_path: Path
) -> None:
    (root / "reference_solution" / "src" / "submission" / "trainer.py").write_text(
        "import nothing_like_it\n", encoding="utf-8"
    )
    ending = run(root, honest_upload, data, tmp_path, "1c")
    assert_sound(ending, graded_tests_of("1c"), interrupted=False)
    assert ending.status == 3, ending.text
    assert ending.outcomes["1c-2-hidden"] == "internal_error"
    assert "fail" not in ending.outcomes.values()


def test_a_sandbox_that_cannot_start_is_a_fault_of_every_graded_test(
    root: Path, honest_upload: Path, data: Path, tmp_path: Path
) -> None:
    (root / "harness" / "probes" / "corruption.py").write_text(
        "raise RuntimeError('no probe today')\n", encoding="utf-8"
    )
    ending = run(root, honest_upload, data, tmp_path, "1d")
    assert_sound(ending, graded_tests_of("1d"), interrupted=False)
    assert ending.status == 3, ending.text
    assert set(ending.outcomes.values()) == {"internal_error"}
    assert ending.left_behind == ()
