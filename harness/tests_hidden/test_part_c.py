"""Hidden graded tests of part 1c: the configuration, the data and a real, short training."""

from __future__ import annotations

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Reference, Student
from harness.probes import learning
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.checks import Preparation, hinting, model_sizes
from harness.problems.birthplaces.spans import spell
from harness.tests_hidden.inputs import (
    EPOCHS,
    JUDGED,
    OTHER_INPUT,
    PEOPLE,
    TRAINING,
    answers,
    corpus,
    expect_learned,
    expect_recipe,
    names_table,
    recipes,
    vocabulary_of,
)


@number("1c-2-hidden")
@weight(1)
def test_finetune_uses_the_given_hyperparameters(
    student: Student, reference: Reference, rng: np.random.Generator
) -> None:
    """Without pretraining, finetune has the epochs, batch size, learning rate and decay that the assignment gives."""
    names, documents = corpus(rng, 12)
    rate = float(rng.uniform(1e-4, 5e-4))
    with hinting(OTHER_INPUT):
        given = Preparation.draw(documents, 72, rng, names=names_table(names))
        seen = given.run(student, "scratch", rate)
    given.expect_answering(seen)
    expect_recipe(seen, recipes(reference, 72), "scratch", 72, rate)
    table = seen["dataset"]
    text = spell(np.asarray(table["x"]).reshape(-1), table["itos"])
    count = "fewer" if table["length"] < len(names) else "more"
    expect(
        table["length"] == len(names),
        "all lines of the finetuning corpus, one example each",
        f"{table['length']} examples for {len(names)} lines",
        hint=f"the Trainer's dataset has {count} examples than the file at "
        "finetune_corpus_path has lines: hand all of its text to NameDataset, as it is",
    )
    expect(
        text.startswith(f"Where was {names[0][0]} born?"),
        "the first line of the finetuning corpus in NameDataset's form",
        repr(text),
        hint="the first example does not begin with the first question of the file at finetune_corpus_path: is it this "
        "file that is read, and is NameDataset as it was given?",
    )


@number("1c-3-hidden")
@weight(1)
def test_train_trains_and_saves(student: Student, rng: np.random.Generator) -> None:
    """train lowers the loss and saves the trained weights, as a state dict, where it is told to."""
    names, documents = corpus(rng, PEOPLE)
    sizes = model_sizes(documents, 72, layers=1)
    start = reference_model.untrained(sizes, rng)
    with hinting(TRAINING.format("finetune")):
        seen = student.run(
            learning.trained, stage="scratch", documents=documents, sizes=sizes, start=start, epochs=EPOCHS, rate=1e-2,
            names=names_table(names),
        )  # fmt: skip
    expect_learned(seen, start, sizes, answers(names[:JUDGED], vocabulary_of(seen, documents), 72))
