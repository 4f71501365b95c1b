"""Basic claims of part c: a vanilla model, and a trainer that is prepared and not run."""

from __future__ import annotations

from gradescope_utils.autograder_utils.decorators import number, weight

from harness.checks import expect_untrained
from harness.feedback import expect
from harness.probes import training
from harness.samples import DOCUMENTS, NAMES, NAMES_TSV, SIZES, vanilla_parameters
from harness.student import Student


@number("1c-0-basic")
@weight(1)
def test_vanilla_model_has_the_configured_size(student: Student) -> None:
    """initialize_vanilla_model returns a GPT of the size that the configuration asks for."""
    built = student.run(training.initialise, variant="vanilla", sizes=SIZES)
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


@number("1c-1-basic")
@weight(1)
def test_finetune_prepares_a_trainer_on_the_names(student: Student) -> None:
    """finetune, without pretraining, returns a configuration and a Trainer on all names, and does not train."""
    seen = student.run(training.prepared, stage="scratch", names=NAMES_TSV, documents=DOCUMENTS, block_size=64)
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
    expect_untrained(seen, "finetune")
