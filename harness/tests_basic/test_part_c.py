"""Basic graded tests of part 1c: a vanilla model, and a trainer that is prepared and not run."""

from __future__ import annotations

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import training
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.checks import Preparation, draw_tokens, expect_logits
from harness.problems.birthplaces.samples import DOCUMENTS, NAMES, NAMES_TSV, SIZES, vanilla_parameters


@number("1c-0-basic")
@weight(1)
def test_vanilla_model_has_the_configured_size(student: Student, rng: np.random.Generator) -> None:
    """initialize_vanilla_model returns a GPT of the size that the configuration asks for."""
    weights, tokens = reference_model.arbitrary(SIZES, rng), draw_tokens(SIZES, rng)
    built = student.run(training.initialise, variant="vanilla", sizes=SIZES, weights=weights, tokens=tokens)
    expect(built["is_gpt"] is True, "a GPT", "something else", hint="return GPT(mconf)")
    expect(
        built["parameters"] == vanilla_parameters(SIZES),
        f"{vanilla_parameters(SIZES)} parameters for {SIZES}",
        f"{built['parameters']} parameters",
        hint="use the given configuration as it is",
    )
    expect(
        built["blocks_of"] == {"down": 0, "up": 0, "plain": SIZES["n_layer"]},
        f"{SIZES['n_layer']} ordinary Blocks",
        built["blocks_of"],
        hint="a vanilla model has no perceiver blocks",
    )
    expect_logits(built["logits"], weights, tokens, SIZES)


@number("1c-1-basic")
@weight(1)
def test_finetune_prepares_a_trainer_on_the_names(student: Student, rng: np.random.Generator) -> None:
    """finetune, without pretraining, returns a configuration and a Trainer on all names, and does not train."""
    given = Preparation.draw(DOCUMENTS, 64, rng, names=NAMES_TSV)
    seen = given.run(student, "scratch")
    dataset = seen["dataset"]
    expect(
        dataset["class"] == "NameDataset",
        "a Trainer on a NameDataset",
        dataset["class"],
        hint="finetuning uses NameDataset",
    )
    expect(
        dataset["length"] == len(NAMES),
        f"{len(NAMES)} questions",
        dataset["length"],
        hint="read the whole finetuning corpus",
    )
    given.expect_untrained(seen, "finetune")
