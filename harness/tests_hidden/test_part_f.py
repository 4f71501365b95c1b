"""Hidden claims of part f: pretraining, loading, and what came out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.checks import expect_bar, expect_loaded, hinting, judge, random_weights
from harness.gold import Gold
from harness.probes import learning, training
from harness.student import Reference, Student
from harness.tests_hidden.inputs import (
    OTHER_INPUT,
    TRAINING,
    corpus,
    expect_learned,
    expect_recipe,
    expect_saved,
    names_table,
)
from harness.tests_hidden.uploads import expect_different, expect_variant, state_dict


@number("1f-3-hidden")
@weight(2)
def test_both_stages_use_the_given_hyperparameters(
    student: Student, reference: Reference, rng: np.random.Generator
) -> None:
    """pretrain, and finetune after pretraining, have the epochs, batch sizes, rates and decay that are given."""
    names, documents = corpus(rng, 10)
    weights = random_weights(student.run(training.parameter_shapes, documents=documents, block_size=72), rng)
    for stage, extra in (("pretrain", {}), ("finetune", {"names": names_table(names), "weights": weights})):
        rate = float(rng.uniform(1e-4, 5e-4))
        with hinting(OTHER_INPUT):
            seen = student.run(training.prepared, stage=stage, documents=documents, block_size=72, rate=rate, **extra)
        expect_recipe(seen, reference, stage, 72, rate)


@number("1f-4-hidden")
@weight(3)
def test_pretrained_weights_are_loaded(student: Student, rng: np.random.Generator) -> None:
    """finetune starts from whatever weights the given file holds, and these are what train trains and saves."""
    names, documents = corpus(rng, 10)
    weights = random_weights(student.run(training.parameter_shapes, documents=documents, block_size=72), rng)
    common: dict[str, Any] = {"names": names_table(names), "documents": documents, "block_size": 72}
    with hinting(OTHER_INPUT):
        expect_loaded(student.run(training.prepared, stage="finetune", weights=weights, **common), weights)
    with hinting(TRAINING.format("finetune")):
        seen = student.run(learning.carried, weights=weights, **common)
    expect_saved(
        seen,
        weights,
        hint="after an epoch at a learning rate of 0, train saved other weights than those that were loaded",
    )


@number("1f-5-hidden")
@weight(1)
def test_pretraining_learns(student: Student, rng: np.random.Generator) -> None:
    """A short pretraining on a small corpus lowers the loss, and train saves the result."""
    _, documents = corpus(rng, 16)
    with hinting(TRAINING.format("pretrain")):
        seen = student.run(learning.trained, stage="pretrain", documents=documents, block_size=72, epochs=6)
    expect_learned(seen)


@number("1f-6-hidden")
@weight(2)
def test_params_with_pretraining(student: Student) -> None:
    """vanilla.pretrain.params and vanilla.finetune.params are state dicts of a vanilla model, and differ."""
    found = [state_dict(student, name) for name in ("vanilla.pretrain.params", "vanilla.finetune.params")]
    for name, each in zip(("vanilla.pretrain.params", "vanilla.finetune.params"), found, strict=True):
        expect_variant(each, name, perceiver=False)
    expect_different(found[0], found[1], "vanilla.pretrain.params and vanilla.finetune.params")


@number("1f-7-hidden")
@weight(5)
def test_test_predictions_with_pretraining(
    student: Student, gold: Gold, manifest: Assignment, for_staff: dict[str, Any]
) -> None:
    """vanilla.pretrain.test.predictions answers at least 10% of the test questions."""
    score = judge(student, "vanilla.pretrain.test.predictions", gold, for_staff)
    expect_bar(
        score, manifest.thresholds.vanilla, hint="evaluate the finetuned model on birth_test_inputs.tsv, in its order"
    )
