"""What problem 3 says to a student: kind without the file, useful when something is wrong, and never fooled."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.grading.catalogue import GradedTest
from harness.grading.feedback import Failure, render
from harness.problems.attention.checks import FILE, ask
from tests.attention.support import GRADED_TESTS, REFERENCE, changed, judge
from tests.attention.test_mutants import copying, query


def test_without_the_file_every_graded_test_says_that_nothing_else_is_lost():
    for text in judge(None).values():
        assert f"extra credit: there is no {FILE}; nothing else is lost" in text


def test_the_kind_sentence_is_shown_for_hidden_graded_tests_too():
    with pytest.raises(Failure) as failure:
        ask(_answering([], uploaded=False), [("copying_query", {})])
    assert "nothing else is lost" in render(failure.value, hidden=True)


def test_a_file_that_cannot_be_used_says_why():
    problem = SimpleNamespace(file=FILE, message=f"{FILE}: is 9 MB, more than the 1 MB that are read")
    student: Any = SimpleNamespace(submission=SimpleNamespace(present={}, complaints=(problem,)))
    with pytest.raises(Failure, match="more than the 1 MB"):
        ask(student, [("copying_query", {})])


def test_basic_failures_show_the_case_and_the_weight():
    said = judge(changed(copying("keys[j]")))["3a-0-basic"]
    assert "3 keys in 3 dimensions, j = 0" in said
    assert "the weight of v_j is 0.5761" in said


def test_averages_tell_both_weights():
    said = judge(changed(query("averaging_query", "100 * k[a] + 100.1 * k[b]")))["3b-0-basic"]
    assert "the weights 0.4750 and 0.5250" in said


def test_hidden_failures_name_no_input():
    wrong = changed(copying("8.0 * keys[j]"))
    from tests.attention.support import FUNCTIONS, InProcess

    student = InProcess(wrong)
    with pytest.raises(Failure) as failure:
        FUNCTIONS["3a-1-hidden"](student=student, rng=np.random.default_rng(1))
    student.close()
    shown = render(failure.value, hidden=True)
    assert shown.startswith("hint:")
    assert not any(letter.isdigit() for letter in shown.replace("eq. 6", ""))


@pytest.mark.parametrize(
    "answers",
    [
        None,
        "text",
        [],
        [np.zeros(3)] * 2,
        [np.array([np.nan, 1.0, 2.0])],
        [np.array([np.inf, 1.0, 2.0])],
        [np.zeros(3, dtype=np.float32)],
        [np.array(["a", "b", "c"])],
        [[0.0, 1.0, 2.0]],
        [{"x": 1}],
    ],
)
def test_whatever_a_worker_sends_is_checked_before_use(answers):
    with pytest.raises(Failure):
        ask(_answering(answers), [("copying_query", {"keys": np.eye(3), "j": 0})])


@pytest.mark.parametrize(
    "answer", [None, 3, "keys", (1.0, "x"), [[1.0], [1.0, 2.0]], float("nan"), 1e308, -0.0, [], {}]
)
def test_odd_answers_fail_and_never_break_a_graded_test(answer):
    functions = sorted(set(_names()))
    definitions = [
        f"def {name}(*given, **named):\n    return {answer!r}".replace("nan", "math.nan") for name in functions
    ]
    said = judge(changed(*definitions))
    assert all(said.values())


@pytest.mark.parametrize("graded_test", GRADED_TESTS, ids=lambda graded_test: graded_test.id)
def test_code_that_raises_fails_its_graded_test(graded_test: GradedTest):
    definitions = [f"def {name}(*given, **named):\n    raise ZeroDivisionError" for name in _names()]
    assert "ZeroDivisionError" in judge(changed(*definitions), only=graded_test.id)[graded_test.id]


def _names() -> list[str]:
    import ast

    return [node.name for node in ast.parse(REFERENCE).body if isinstance(node, ast.FunctionDef)]


def _answering(answers: object, *, uploaded: bool = True) -> Any:
    present = {FILE: FILE} if uploaded else {}
    submission = SimpleNamespace(present=present, complaints=())
    return SimpleNamespace(submission=submission, run_apart=lambda *_, **__: answers)
