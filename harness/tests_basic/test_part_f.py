"""Basic graded tests of part 1f: pretraining is prepared, pretrained weights are loaded, dev predictions are good."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.problems.birthplaces.checks import Preparation, expect_threshold, judge
from harness.problems.birthplaces.origin import expect_own
from harness.problems.birthplaces.questions import Gold
from harness.problems.birthplaces.samples import DOCUMENTS, NAMES_TSV


@number("1f-0-basic")
@weight(2)
def test_pretrain_prepares_a_trainer_on_the_corpus(student: Student, rng: np.random.Generator) -> None:
    """pretrain returns a configuration and a Trainer on the span-corrupted corpus, and does not train."""
    given = Preparation.draw(DOCUMENTS, 64, rng)
    seen = given.run(student, "pretrain")
    dataset = seen["dataset"]
    expect(
        dataset["class"] == "CharCorruptionDataset" and dataset["length"] == len(DOCUMENTS),
        f"a Trainer on the CharCorruptionDataset of {len(DOCUMENTS)} documents",
        f"{dataset['class']} of {dataset['length']}",
        hint="hand pretrain_dataset to the Trainer",
    )
    given.expect_untrained(seen, "pretrain")


@number("1f-1-basic")
@weight(2)
def test_finetune_loads_pretrained_weights(student: Student, rng: np.random.Generator) -> None:
    """finetune, with a file of pretrained weights, returns a Trainer whose model holds those weights."""
    given = Preparation.draw(DOCUMENTS, 64, rng, names=NAMES_TSV, load=True)
    given.expect_loaded(given.run(student, "finetune"))


@number("1f-2-basic")
@weight(3)
def test_dev_predictions_with_pretraining(
    student: Student, gold: Gold, assignment: Assignment, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """vanilla.pretrain.dev.predictions answers at least {vanilla.dev} of the dev questions."""
    score = judge(student, "vanilla.pretrain.dev.predictions", gold, for_staff)
    expect_threshold(
        score,
        assignment.thresholds["vanilla"].dev,
        hint="was the model pretrained to the end, and are its weights loaded?",
    )
    expect_own(student, "vanilla.pretrain.dev.predictions", gold, assignment, unseen, for_staff)
