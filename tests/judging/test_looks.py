"""A statistical graded test looks at a few draws, and at many only where these few do not settle it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.grading.feedback import Failure
from harness.problems.birthplaces.spans import Span
from harness.tests_hidden import test_part_e as part_e

CHANCE = 1e-7


def looks(monkeypatch: pytest.MonkeyPatch, fails: set[float], broken: bool = False) -> list[int]:
    """How many draws each look asked for, where judging fails at these chances, or no draw can be had."""
    asked: list[int] = []

    def draw(_: object, __: object, ___: object, draws: int) -> list[Span]:
        asked.append(draws)
        if broken:
            raise Failure("draws", "an exception")
        return [Span(0, "a", "b", "c")]

    def judge(_: list[Span], chance: float) -> None:
        if chance in fails:
            raise Failure("something", "something else")

    monkeypatch.setattr(part_e, "_draw", draw)
    student: Any = None
    try:
        part_e._look_twice(student, ["abc"], 8, (25, 100), CHANCE, judge)
    except Failure:
        asked.append(-1)
    return asked


def test_what_is_clear_after_the_first_look_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(monkeypatch, fails=set()) == [25]


def test_only_the_second_look_fails_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(monkeypatch, fails={part_e.NOTHING}) == [25, 100]
    assert looks(monkeypatch, fails={part_e.NOTHING, CHANCE}) == [25, 100, -1]


def test_code_that_draws_nothing_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(monkeypatch, fails=set(), broken=True) == [25, -1]
