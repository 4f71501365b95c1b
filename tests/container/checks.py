"""What must hold after every grade, whatever was uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.grading import catalogue
from harness.manifest import load

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.container.trials import Trial

TOP_KEYS = {
    *("score", "tests", "execution_time", "output", "output_format", "test_output_format", "test_name_format"),
    *("visibility", "stdout_visibility", "extra_data", "leaderboard"),
}
TEST_KEYS = {
    *("score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"),
    *("visibility", "extra_data"),
}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
LONGEST_OUTPUT = 100_000  # the platform cuts there


def assert_sound(trial: Trial) -> None:
    """Valid results, in time, nothing left behind, nothing secret shown."""
    assert_valid(trial)
    seen = trial.seen
    assert not seen["timed_out"], "the platform would have stopped the run and dropped every result"
    assert seen["survivors"] == [], "processes were left running"
    assert seen["written"] == [], "files were left outside the results"
    assert seen["leaks"] == [], "secrets reached a file that students read or that the upload wrote"
    assert not seen["out_of_memory_kills"], "the container's memory limit killed something"


def assert_valid(trial: Trial) -> None:
    """results.json as the platform's specification has it."""
    parsed = trial.parsed
    assert parsed.keys() <= TOP_KEYS
    assert parsed.get("output_format", "text") in FORMATS
    assert len(parsed.get("output", "")) <= LONGEST_OUTPUT
    assert parsed["extra_data"].keys() >= {"release", "seed", "isolation", "internal_error"}
    for test in parsed["tests"]:
        assert test.keys() <= TEST_KEYS
        if not is_skipped(test):
            assert 0 <= test["score"] <= test["max_score"]
            assert test.get("status") in {"passed", "failed"} or not test["max_score"]
        assert test.get("visibility", "visible") in VISIBILITIES - {"hidden"}, (
            "one hidden test hides the total from students"
        )
        assert len(test.get("output", "")) <= LONGEST_OUTPUT


def assert_judged(trial: Trial) -> None:
    """Every graded test has a verdict: none was lost, and none is an internal error."""
    parsed = trial.parsed
    assert parsed["extra_data"]["internal_error"] is False, parsed.get("output")
    numbers = [test["number"] for test in parsed["tests"]]
    assert len(numbers) == len(set(numbers))
    judged = [test for test in parsed["tests"] if not is_skipped(test)]
    skipped = {test for line in parsed["tests"] if is_skipped(line) for test in line["extra_data"]["tests"]}
    assert sum(test["max_score"] for test in judged) == total_points(without=skipped)
    assert trial.score == sum(test["score"] for test in judged)
    assert trial.seen["status"] == 0, trial.stdout[-2000:]


def is_skipped(test: Mapping[str, Any]) -> bool:
    """Whether it is the line for all the extra credit that nobody tried, which has no score."""
    return not {"score", "max_score", "status"} & test.keys() and test["extra_data"]["outcome"] == "skipped"


def total_points(*, without: Collection[str] = ()) -> float:
    """What all graded tests are worth together but these, extra credit included."""
    return float(sum(each.points for each in catalogue.collect(load()) if each.id not in without))
