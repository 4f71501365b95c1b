"""Hidden graded tests of part 1f: pretraining, loading, and what came out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.student import Reference, Student
from harness.probes import learning
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.checks import Preparation, expect_threshold, hinting, judge, model_sizes
from harness.problems.birthplaces.origin import expect_own
from harness.problems.birthplaces.questions import Gold
from harness.tests_hidden.inputs import (
    EPOCHS,
    JUDGED,
    OTHER_INPUT,
    PEOPLE,
    TRAINING,
    corpus,
    corrupted,
    expect_learned,
    expect_recipe,
    expect_saved,
    names_table,
    recipes,
    vocabulary_of,
)
from harness.tests_hidden.uploads import expect_both_stages


@number("1f-3-hidden")
@weight(2)
def test_both_stages_use_the_given_hyperparameters(
    student: Student, reference: Reference, rng: np.random.Generator
) -> None:
    """pretrain, and finetune after pretraining, have the epochs, batch sizes, rates and decay that are given."""
    names, documents = corpus(rng, 10)
    given = Preparation.draw(documents, 72, rng, names=names_table(names), load=True)
    known = recipes(reference, 72)
    for stage in ("pretrain", "finetune"):
        rate = float(rng.uniform(1e-4, 5e-4))
        with hinting(OTHER_INPUT):
            seen = given.run(student, stage, rate)
        given.expect_answering(seen)
        expect_recipe(seen, known, stage, 72, rate)


@number("1f-4-hidden")
@weight(3)
def test_pretrained_weights_are_loaded(student: Student, rng: np.random.Generator) -> None:
    """finetune starts from whatever weights the given file holds, and these are what train trains and saves."""
    names, documents = corpus(rng, 10)
    given = Preparation.draw(documents, 72, rng, names=names_table(names), load=True)
    assert given.weights is not None
    with hinting(OTHER_INPUT):
        given.expect_loaded(given.run(student, "finetune"))
    with hinting(TRAINING.format("finetune")):
        seen = student.run(
            learning.trained, stage="finetune", documents=documents, sizes=given.sizes, start=given.start, epochs=1,
            rate=0.0, names=given.names, weights=given.weights,
        )  # fmt: skip
    expect_saved(
        seen,
        given.weights,
        hint="after an epoch at a learning rate of 0, train saved other weights than those that were loaded",
    )


@number("1f-5-hidden")
@weight(1)
def test_pretraining_learns(student: Student, rng: np.random.Generator, unseen: np.random.Generator) -> None:
    """A short pretraining on a small corpus lowers the loss, and train saves the result."""
    _, documents = corpus(rng, PEOPLE)
    sizes = model_sizes(documents, 72, layers=1)
    start = reference_model.untrained(sizes, rng)
    with hinting(TRAINING.format("pretrain")):
        seen = student.run(
            learning.trained, stage="pretrain", documents=documents, sizes=sizes, start=start, epochs=EPOCHS, rate=1e-2
        )
    expect_learned(seen, start, sizes, corrupted(documents[:JUDGED], vocabulary_of(seen, documents), 72, unseen))


@number("1f-6-hidden")
@weight(2)
def test_params_with_pretraining(
    student: Student, gold: Gold, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """vanilla.pretrain.params holds a vanilla model that learned from the text, vanilla.finetune.params another one.

    What a pretrained model must know is said in `uploads.KNOWS_MORE`.
    """
    for_staff["loss"] = expect_both_stages(student, "vanilla", gold, unseen)


@number("1f-7-hidden")
@weight(5)
def test_test_predictions_with_pretraining(
    student: Student,
    gold: Gold,
    assignment: Assignment,
    unseen: np.random.Generator,
    for_staff: dict[str, Any],
    after_due_date: bool,
) -> None:
    """vanilla.pretrain.test.predictions answers at least {vanilla.test} of the test questions."""
    score = judge(student, "vanilla.pretrain.test.predictions", gold, for_staff)
    expect_threshold(
        score,
        assignment.thresholds["vanilla"].test,
        hint="evaluate the finetuned model on birth_test_inputs.tsv, in its order",
        exact=after_due_date,
    )
    expect_own(student, "vanilla.pretrain.test.predictions", gold, assignment, unseen, for_staff)
