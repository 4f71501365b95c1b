"""Basic graded tests of part 1d: the predictions file for dev that training without pretraining leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.problems.birthplaces.checks import judge
from harness.problems.birthplaces.origin import expect_own
from harness.problems.birthplaces.questions import Gold


@number("1d-0-basic")
@weight(2)
def test_dev_predictions_without_pretraining(
    student: Student, gold: Gold, assignment: Assignment, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """vanilla.nopretrain.dev.predictions has one line per question, and at least one is right."""
    score = judge(student, "vanilla.nopretrain.dev.predictions", gold, for_staff)
    expect(
        score.correct >= 1,
        "at least one right answer",
        f"none of {score.total}",
        hint="did finetuning run to its end? the commonest places alone give some right answers",
    )
    expect_own(student, "vanilla.nopretrain.dev.predictions", gold, assignment, unseen, for_staff)
