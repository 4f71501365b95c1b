"""Hidden graded tests of part 1d: the predictions for test, and the params file that they come from."""

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
from harness.tests_hidden.uploads import expect_variant, state_dicts


@number("1d-1-hidden")
@weight(2)
def test_test_predictions_without_pretraining(
    student: Student, gold: Gold, assignment: Assignment, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """vanilla.nopretrain.test.predictions has one line per question, and at least one is right."""
    score = judge(student, "vanilla.nopretrain.test.predictions", gold, for_staff)
    expect(
        score.correct >= 1, "at least one right answer", "none", hint="evaluate on birth_test_inputs.tsv, in its order"
    )
    expect_own(student, "vanilla.nopretrain.test.predictions", gold, assignment, unseen, for_staff)


@number("1d-2-hidden")
@weight(2)
def test_params_without_pretraining(student: Student, gold: Gold) -> None:
    """vanilla.model.params is the state dict of a vanilla model for this term's text."""
    (found,) = state_dicts(student, "vanilla.model.params")
    expect_variant(found, "vanilla.model.params", gold, perceiver=False)
