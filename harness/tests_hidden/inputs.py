"""Random inputs of the hidden claims, and checks that several of them share."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.feedback import expect
from harness.probes import training
from harness.student import Reference

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RARE = "äçéñøšžłğ\u0142\u1e7d"

#: The handout's own size. Solutions written for it keep its numbers whatever preset they were trained with.
_HANDOUT = {
    "scratch": {"max_epochs": 75, "batch_size": 256},
    "finetune": {"max_epochs": 10, "batch_size": 256},
    "pretrain": {"max_epochs": 650, "batch_size": 128},
}


def word(rng: np.random.Generator, letters: int) -> str:
    """A capitalised random word, now and then with a letter beyond ASCII."""
    chosen = list(rng.choice(list(_LETTERS), letters))
    if rng.random() < 0.3:
        chosen[-1] = str(rng.choice(list(_RARE)))
    return "".join(chosen).capitalize()


def corpus(rng: np.random.Generator, people: int) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, place) pairs, and one document each that holds every character of the questions."""
    names = [(f"{word(rng, 5)} {word(rng, 6)}", word(rng, 6)) for _ in range(people)]
    return names, [f"{name}. Where was {name} born? {name} was born in {place}." for name, place in names]


def names_table(names: list[tuple[str, str]]) -> str:
    """The finetuning corpus of these people."""
    return "".join(f"Where was {name} born?\t{place}\n" for name, place in names)


def text(rng: np.random.Generator, length: int) -> str:
    """A document of exactly `length` characters without any repeated structure."""
    words = " ".join(word(rng, int(rng.integers(2, 9))) for _ in range(length // 2 + 1))
    return words[: length - 1] + "."


def epochs_of(reference: Reference, stage: str) -> list[dict[str, int]]:
    """The legitimate epochs and batch sizes of a stage: the handout's, and those of each preset."""
    found = [_HANDOUT[stage]]
    for preset in reference.run(training.recipes).values():
        if preset[stage] not in found:
            found.append(preset[stage])
    return found


def expect_learned(seen: dict[str, Any]) -> None:
    """A Failure unless probe `training.trained` saw the loss fall and the saved file hold the trained weights."""
    before, after, saved = seen["loss_before"], seen["loss_after"], seen["saved"]
    expect(
        np.isfinite([before, after]).all() and after < 0.9 * before,
        "a loss at least a tenth lower after a few epochs",
        f"{before:.3f} before, {after:.3f} after",
        hint="does train() call trainer_obj.train() on the model that it was given?",
    )
    expect(
        saved is not None,
        "a state dict at writing_params_path",
        "no such file",
        hint="save model.state_dict() in train",
    )
    wrong = [n for n, value in seen["model"].items() if n not in saved or not np.array_equal(value, saved[n])]
    expect(
        not wrong,
        "the trained weights in the saved file",
        f"{len(wrong)} tensors differ, {', '.join(wrong[:2])}",
        hint="save after training, and under the model's own names",
    )
