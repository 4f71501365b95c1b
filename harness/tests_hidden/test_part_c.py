"""Hidden claims of part c: the configuration, the data and a real, short training."""

from __future__ import annotations

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.checks import hinting
from harness.feedback import expect
from harness.probes import learning, training
from harness.spans import spell
from harness.student import Reference, Student
from harness.tests_hidden.inputs import OTHER_INPUT, TRAINING, corpus, expect_learned, expect_recipe, names_table


@number("1c-2-hidden")
@weight(1)
def test_finetune_uses_the_given_hyperparameters(
    student: Student, reference: Reference, rng: np.random.Generator
) -> None:
    """Without pretraining, finetune has the epochs, batch size, learning rate and decay that the assignment gives."""
    names, documents = corpus(rng, 12)
    rate = float(rng.uniform(1e-4, 5e-4))
    with hinting(OTHER_INPUT):
        seen = student.run(
            training.prepared, stage="scratch", names=names_table(names), documents=documents, block_size=72, rate=rate
        )
    expect_recipe(seen, reference, "scratch", 72, rate)
    table = seen["dataset"]
    text = spell(np.asarray(table["x"]).reshape(-1), table["itos"])
    expect(
        table["length"] == len(names) and text.startswith(f"Where was {names[0][0]} born?"),
        "all lines of the finetuning corpus, in NameDataset's form",
        f"{table['length']} items, the first {text!r}",
        hint="open finetune_corpus_path and hand all of its text to NameDataset",
    )


@number("1c-3-hidden")
@weight(1)
def test_train_trains_and_saves(student: Student, rng: np.random.Generator) -> None:
    """train lowers the loss and saves the trained weights, as a state dict, where it is told to."""
    names, documents = corpus(rng, 12)
    with hinting(TRAINING.format("finetune")):
        seen = student.run(
            learning.trained, stage="scratch", names=names_table(names), documents=documents, block_size=72, epochs=6
        )
    expect_learned(seen)
