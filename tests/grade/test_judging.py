"""Graded tests in a process of their own: what comes of them, whatever they do, and what stays with the parent."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import InternalError
from harness.grading.feedback import Failure
from harness.grading.judging import Desk, Ending, JudgeLimits, Judgement, can_fork, judge_here, judge_in_child

pytestmark = pytest.mark.skipif(not can_fork(), reason="elsewhere graded tests run in the grader's own process")

LIMITS = JudgeLimits(wall_seconds=60, cpu_seconds=1, memory_bytes=128 << 20)


def nobody(*_: Any) -> Any:
    raise AssertionError("nothing is asked here")


def judged(run: Callable[[Desk], None], serve: Any = nobody, limits: JudgeLimits = LIMITS, **staff: Any) -> Judgement:
    return judge_in_child(run, staff, serve, limits)


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())


def spin(_: Desk) -> None:
    while True:
        pass


def fill(_: Desk) -> None:
    np.ones(1 << 28)


def dive(desk: Desk) -> None:
    dive(desk)


def test_a_graded_test_that_holds_passes_and_its_notes_come_back() -> None:
    notes: dict[str, Any] = {}
    found = judge_in_child(lambda _: notes.update(correct=3, total=4), notes, nobody, LIMITS)
    assert (found.ending, found.staff) == (Ending.PASSED, {"correct": 3, "total": 4})
    assert notes == {}


def test_a_failure_comes_back_as_it_was() -> None:
    failure = Failure("a", "b\u2028", "c", "d", public=True)

    def fail(_: Desk) -> None:
        raise failure

    found = judged(fail)
    assert (found.ending, found.failure) == (Ending.FAILED, failure)


def test_another_assertion_is_a_failure_too() -> None:
    def fail(_: Desk) -> None:
        raise AssertionError("1 == 2")

    found = judged(fail)
    assert found.ending is Ending.FAILED
    assert found.failure is not None
    assert found.failure.seen == "1 == 2"


@pytest.mark.parametrize(
    ("run", "ending", "said"),
    [
        (lambda _: 1 / 0, Ending.BROKE, "ZeroDivisionError"),
        (lambda _: sys.exit(0), Ending.BROKE, "SystemExit"),
        (lambda _: pytest.skip("not today"), Ending.BROKE, "Skipped"),
        (spin, Ending.RAN_OUT, "computed longer"),
        (fill, Ending.RAN_OUT, "MemoryError"),
        (dive, Ending.RAN_OUT, "RecursionError"),
        (lambda _: os._exit(0), Ending.DIED, "status 0"),
        (lambda _: os.kill(os.getpid(), signal.SIGUSR1), Ending.DIED, "SIGUSR1"),
        (lambda _: os.kill(os.getpid(), signal.SIGKILL), Ending.DIED, "SIGKILL"),
        (lambda _: os.closerange(3, 200), Ending.DIED, "status 1"),
    ],
)
def test_whatever_it_does_the_grader_lives_and_knows(run: Callable[[Desk], None], ending: Ending, said: str) -> None:
    before = children()
    found = judged(run)
    assert found.ending is ending, found
    assert said in found.detail
    assert children() == before


def test_one_that_waits_for_ever_is_ended() -> None:
    before = children()
    found = judged(lambda _: time.sleep(3600), limits=JudgeLimits(0.5, 1, 128 << 20))
    assert (found.ending, found.detail) == (Ending.RAN_OUT, "it took longer than it may")
    assert children() == before


def test_questions_are_answered_by_the_parent() -> None:
    asked: list[Any] = []

    def serve(who: str, how: str, probe: str, arguments: dict[str, Any]) -> Any:
        asked.append((who, how, probe, arguments["n"]))
        if probe == "a.fails":
            raise Failure("x", "y")
        return {"double": arguments["n"] * 2, "from": os.getpid()}

    def run(desk: Desk) -> None:
        answer = desk.ask("student", "run", "a.b", {"n": np.arange(3)})
        assert answer["double"].tolist() == [0, 2, 4]
        assert answer["from"] != os.getpid()
        with pytest.raises(Failure, match="y"):
            desk.ask("student", "read", "a.fails", {"n": 1})

    assert judged(run, serve).ending is Ending.PASSED
    assert [each[:3] for each in asked] == [("student", "run", "a.b"), ("student", "read", "a.fails")]


def test_what_breaks_while_the_parent_answers_is_the_parents_and_leaves_no_child() -> None:
    def serve(*_: Any) -> Any:
        raise InternalError("no worker to be had")

    before = children()
    with pytest.raises(InternalError, match="no worker"):
        judged(lambda desk: desk.ask("student", "run", "a.b", {}), serve)
    assert children() == before


def test_the_largest_reply_gets_through_and_leaves_room_to_judge() -> None:
    value = np.ones(16 << 17)
    found = judged(lambda desk: print(desk.ask("student", "run", "a.b", {}).sum()), lambda *_: value)
    assert found.ending is Ending.PASSED, found


def test_notes_that_no_json_can_hold_break_nothing() -> None:
    notes: dict[str, Any] = {}
    odd = {"number": float("nan"), "text": chr(0xD800), "thing": object(), "deep": [{1: (2,)}]}
    found = judge_in_child(lambda _: notes.update(odd), notes, nobody, LIMITS)
    assert found.ending is Ending.PASSED
    assert found.staff["deep"] == [{"1": [2]}]


def test_without_a_child_the_same_comes_of_it() -> None:
    assert judge_here(lambda: None, {"a": 1}, LIMITS).staff == {"a": 1}
    assert judge_here(lambda: dive(None), {}, LIMITS).ending is Ending.RAN_OUT  # type: ignore[arg-type]
    assert judge_here(lambda: 1 / 0, {}, LIMITS).ending is Ending.BROKE  # type: ignore[arg-type]
    late = judge_here(lambda: time.sleep(60), {}, JudgeLimits(0.2, 1, 1))
    assert (late.ending, "imed" in late.detail) == (Ending.RAN_OUT, True)
