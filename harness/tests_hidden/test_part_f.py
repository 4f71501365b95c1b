"""Hidden claims of part f: pretraining, loading, and what came out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.checks import expect_bar, expect_loaded, judge, random_weights
from harness.feedback import expect
from harness.gold import Gold
from harness.probes import training
from harness.student import Reference, Student
from harness.tests_hidden.inputs import corpus, epochs_of, expect_learned, names_table
from harness.tests_hidden.uploads import expect_different, expect_variant, state_dict


@number("1f-3-hidden")
@weight(2)
def test_both_stages_use_the_given_hyperparameters(
    student: Student, reference: Reference, rng: np.random.Generator
) -> None:
    """pretrain, and finetune after pretraining, ask for the epochs and batch sizes that the assignment gives."""
    names, documents = corpus(rng, 10)
    weights = random_weights(student.run(training.parameter_shapes, documents=documents, block_size=72), rng)
    for stage, extra in (("pretrain", {}), ("finetune", {"names": names_table(names), "weights": weights})):
        seen = student.run(training.prepared, stage=stage, documents=documents, block_size=72, **extra)
        found = {key: seen["config"].get(key) for key in ("max_epochs", "batch_size")}
        wanted = epochs_of(reference, stage)
        expect(
            found in wanted,
            f"{stage}: one of {wanted}",
            found,
            hint="take the numbers of this stage from the comment in helper.py",
        )


@number("1f-4-hidden")
@weight(3)
def test_pretrained_weights_are_loaded(student: Student, rng: np.random.Generator) -> None:
    """finetune starts from whatever weights the given file holds, and from none when no file is given."""
    names, documents = corpus(rng, 10)
    weights = random_weights(student.run(training.parameter_shapes, documents=documents, block_size=72), rng)
    common: dict[str, Any] = {"names": names_table(names), "documents": documents, "block_size": 72}
    expect_loaded(student.run(training.prepared, stage="finetune", weights=weights, **common), weights)
    bare = student.run(training.prepared, stage="scratch", **common)
    same = all(np.array_equal(bare["before"][name], bare["after"].get(name)) for name in bare["parameters"])
    expect(
        same, "no file, no change of the weights", "changed weights", hint="load only when reading_params_path is given"
    )


@number("1f-5-hidden")
@weight(1)
def test_pretraining_learns(student: Student, rng: np.random.Generator) -> None:
    """A short pretraining on a small corpus lowers the loss, and train saves the result."""
    _, documents = corpus(rng, 16)
    expect_learned(student.run(training.trained, stage="pretrain", documents=documents, block_size=72, epochs=12))


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
