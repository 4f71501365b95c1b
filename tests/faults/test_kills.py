"""kill -9 of every process of a grade: what was judged stays judged, the rest is said to be an internal error."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from harness.grading import catalogue
from harness.manifest import load
from tests.faults.grades import Grade, assert_sound

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the family of a grade is looked up in /proc"),
    pytest.mark.slow,  # waits for whole grades, minutes each
]

PART = "1c"
GRADED_TESTS = {graded_test.id: graded_test.points for graded_test in catalogue.select(catalogue.collect(load()), PART)}


@pytest.fixture
def grade(honest_upload: Path, data: Path, tmp_path: Path, open_folder: Path):
    """A grade of one part of right work, started."""
    started = Grade(honest_upload, data, tmp_path / "results.json", open_folder / "tmp", "--only", PART)
    yield started
    started.end()


def test_a_killed_zygote_costs_nobody_anything(grade: Grade) -> None:
    grade.until(saved=1)
    assert grade.kill("zygote")
    ending = grade.end()
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert ending.status == 0, ending.text
    assert set(ending.outcomes.values()) == {"pass"}
    assert any("restart" in event for event in ending.document["extra_data"]["events"])
    assert ending.left_behind == ()


def test_a_killed_worker_is_never_billed_to_the_student(grade: Grade) -> None:
    grade.until(saved=1)
    assert grade.kill("worker")
    ending = grade.end()
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert "fail" not in ending.outcomes.values(), ending.text
    assert ending.left_behind == ()


@pytest.mark.parametrize("saved", [0, 2])
def test_a_killed_session_leaves_what_it_judged_and_says_what_it_did_not(grade: Grade, saved: int) -> None:
    grade.until(saved)
    assert grade.kill("session")
    ending = grade.end()
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert ending.status == 3, ending.text
    outcomes = [*ending.outcomes.values()]
    assert outcomes[:saved] == ["pass"] * saved
    assert outcomes[-1] == "internal_error"
    assert ending.left_behind == ()


def test_a_killed_supervisor_leaves_valid_unfinished_results_and_no_process(grade: Grade) -> None:
    grade.until(saved=1)
    assert grade.kill("supervisor")
    ending = grade.end()
    assert_sound(ending, GRADED_TESTS, interrupted=True)
    assert ending.status == -signal.SIGKILL
    assert ending.document["extra_data"]["internal_error"] is True
    assert next(iter(ending.outcomes.values())) == "pass"


def test_an_ended_supervisor_still_finishes_the_results(grade: Grade) -> None:
    grade.until(saved=1)
    assert grade.kill("supervisor", signal.SIGTERM)
    ending = grade.end()
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert ending.status == 3, ending.text
    assert "ended from outside" in ending.document["output"]
    assert ending.left_behind == ()
