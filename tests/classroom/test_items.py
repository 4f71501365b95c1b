"""Item analysis, differences and calibration, on classes small enough to count by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from harness.classroom import calibrate, differences, items, reading
from harness.classroom.records import Attempt, Record, State

NOON = datetime(2026, 10, 1, 12, tzinfo=timezone.utc)


def document(**outcomes: str) -> dict:
    """Results in which each test (`a`, `b`) earns a point where it is "pass"; "say: ..." fails with that message."""
    tests = []
    for test, outcome in outcomes.items():
        failed = outcome.startswith("say: ")
        tests.append(
            {
                "number": test,
                "name": f"Title of {test}",
                "score": float(outcome == "pass"),
                "max_score": 1.0,
                "status": "passed" if outcome == "pass" else "failed",
                "output": outcome.removeprefix("say: ") if failed else "",
                "extra_data": {"outcome": "fail" if failed else outcome},
            }
        )
    return {"score": sum(each["score"] for each in tests), "tests": tests, "extra_data": {}}


def record(at: int, results, previous=None, history=()) -> Record:
    return Record(
        submission=f"submission_{at}", pseudonym=f"p{at}", submitters=(), created_at=NOON + timedelta(hours=at),
        state=State.GRADED, reason="", upload=None, results=results, previous=previous, history=tuple(history),
        cpu_seconds=1.0, wall_seconds=1.0, peak_bytes=1,
    )  # fmt: skip


def read(*records: Record):
    return reading.uploads(records, names=False)


def test_an_items_rate_and_discrimination_leave_out_what_was_not_judged():
    passes = [("pass", "pass", "pass"), ("pass", "pass", "fail"), ("fail", "fail", "pass"), ("fail", "fail", "fail")]
    found = read(
        *(record(at, document(a=a, b=b, c=c)) for at, (a, b, c) in enumerate(passes)),
        record(9, document(a="internal_error", b="pass", c="pass")),
    )
    first = items.items(found)[0]
    assert (first.judged, first.passed, first.unjudged, first.rate, first.difficulty) == (4, 2, 1, 0.5, 0.5)
    # a is 1 1 0 0 and the rest of the score 2 1 1 0: a covariance of 1/4 over sqrt(1/4 * 1/2)
    assert first.discrimination is not None
    assert math.isclose(first.discrimination, 0.25 / math.sqrt(0.25 * 0.5))


def test_what_nobody_tried_is_neither_failed_nor_an_internal_error():
    found = read(record(1, document(a="skipped")), record(2, document(a="pass")), record(3, document(a="not_run")))
    (item,) = items.items(found)
    assert (item.judged, item.passed, item.unjudged) == (1, 1, 1)


def test_seconds_and_memory_are_medians_of_those_that_tell_them():
    class_ = [document(a="pass") for _ in range(4)]
    for results, seconds in zip(class_, (1.0, 2.0, 9.0), strict=False):
        results["tests"][0]["extra_data"]["spent"] = {"seconds": seconds, "peak_bytes": 100 * seconds}
    (item,) = items.items(read(*(record(at, results) for at, results in enumerate(class_))))
    assert (item.seconds, item.peak_bytes, item.timed, item.weighed, item.judged) == (2.0, 200.0, 3, 3, 4)


def test_discrimination_is_corrected_for_the_items_own_points():
    found = read(*(record(at, document(a="pass" if at % 2 else "fail")) for at in range(6)))
    assert items.items(found)[0].discrimination is None  # the rest of the score is empty, and says nothing


def test_a_message_counts_once_per_upload_whatever_its_numbers():
    found = read(
        record(1, document(a="say: 3 of 240 right")),
        record(2, document(a="say: 17 of 240 right")),
        record(3, document(a="say: a file is missing")),
        record(4, document(a="pass")),
    )
    assert [(each.test, each.count) for each in items.messages(found)] == [("a", 2), ("a", 1)]


def test_accuracies_meet_a_threshold_exactly():
    ten = document(a="pass")
    ten["tests"][0]["extra_data"] |= {"correct": 24, "total": 240}
    less = document(a="say: no")
    less["tests"][0]["extra_data"] |= {"correct": 23, "total": 240}
    (found,) = items.accuracies(read(record(1, ten), record(2, less)), {"a": 0.1})
    assert (len(found.shares), found.met) == (2, 1)


def test_who_loses_points_comes_first():
    found = differences.differences(read(
        record(1, document(a="pass", b="pass"), document(a="pass", b="say: x")),
        record(2, document(a="say: x", b="say: x"), document(a="pass", b="pass")),
        record(3, document(a="pass", b="say: x"), document(a="say: x", b="pass")),
        record(4, document(a="pass", b="pass"), document(a="pass", b="pass")),
        record(5, document(a="pass", b="pass"), None),
    ))  # fmt: skip
    assert [(each.upload.label, each.points, each.lost, each.gained) for each in found.changes] == [
        ("p2", -2, ("a", "b"), ()), ("p3", 0, ("b",), ("a",)), ("p1", 1, (), ("b",)),
    ]  # fmt: skip
    assert found.compared == 4
    assert [(each.test, each.lost, each.gained) for each in found.tests] == [("b", 2, 1), ("a", 1, 1)]


def test_results_of_the_platform_without_numbers_are_matched_by_title():
    before = document(a="pass")
    del before["tests"][0]["number"], before["tests"][0]["extra_data"]
    found = differences.differences(read(record(1, document(a="say: x"), before)))
    assert found.changes[0].lost == ("a",)
    assert not found.added
    assert not found.gone


def test_documents_that_say_nothing_are_read_as_nothing():
    odd: list[Any] = [None, {}, {"tests": None}, {"tests": ["x", None, {"name": None}]}, {"output": "failed"}, {"score": "7"},
           {"tests": [{"number": "a", "score": None, "max_score": "1", "output": None, "extra_data": []}]}]  # fmt: skip
    for results in odd:
        found = read(record(1, results, results))
        assert not items.messages(found) or results["tests"][0]["number"] == "a"
        assert not differences.differences(found).changes
        calibrate.as_text(calibrate.calibration(found, {}))


def test_calibration_names_what_told_nobody_apart():
    def of(accuracy: int, **outcomes: str) -> dict:
        results = document(**outcomes)
        results["tests"][0]["extra_data"] |= {"correct": accuracy, "total": 100}
        return results

    found = read(*(record(at, of(20 + at, a="pass", b="say: x", c="pass" if at % 2 else "say: y")) for at in range(6)))
    told = calibrate.calibration(found, {"a": 0.1})
    assert [each.test for each in told.all_passed] == ["a"]
    assert [each.test for each in told.all_failed] == ["b"]
    assert [each.test for each in told.met_by_all] == ["a"]
    assert not told.met_by_none
    assert [each.test for each in calibrate.calibration(found, {"a": 0.9}).met_by_none] == ["a"]
    assert "a (n = 6): 10%; the least is 20.0%" in calibrate.as_text(told)


def test_a_message_is_no_help_where_no_next_upload_held():
    def tried(at: int, first: str, then: str) -> Record:
        return record(at, document(a="pass"), document(a=then), [Attempt(NOON - timedelta(days=1), document(a=first))])

    deaf = [tried(at, f"say: wrong by {at}", "say: still wrong") for at in range(3)]
    told = calibrate.calibration(read(*deaf), {})
    assert [(each.test, each.told, each.better) for each in told.no_help] == [("a", 3, 0)]
    heard = calibrate.calibration(read(*deaf, tried(7, "say: wrong by 7", "pass")), {})
    assert not heard.no_help
    assert heard.followed == 4


def test_attempts_are_followed_in_the_order_of_time_and_not_of_the_export():
    late, early = (
        Attempt(NOON - timedelta(days=1), document(a="pass")),
        Attempt(NOON - timedelta(days=2), document(a="say: x")),
    )
    class_ = [record(at, None, document(a="say: x"), [late, early]) for at in range(3)]
    assert not calibrate.calibration(read(*class_), {}).no_help
    undated = [replace(each, history=(Attempt(None, document(a="say: x")), late)) for each in class_]
    assert not calibrate.calibration(read(*undated), {}).no_help
