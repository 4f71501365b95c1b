"""Random inputs of the hidden claims, and checks that several of them share."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.feedback import expect
from harness.probes import learning
from harness.student import Reference

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RARE = "äçéñøšžłğ\u0142\u1e7d"

#: The handout's own size. Solutions written for it keep its numbers whatever preset they were trained with.
_HANDOUT = {
    "scratch": {"max_epochs": 75, "batch_size": 256, "learning_rate": 6e-4},
    "finetune": {"max_epochs": 10, "batch_size": 256, "learning_rate": 6e-4},
    "pretrain": {"max_epochs": 650, "batch_size": 128, "learning_rate": 6e-3},
}


#: Why finetune and pretrain may raise in hidden claims although the basic ones pass.
OTHER_INPUT = (
    "an exception was raised with another corpus than that of the basic claims: is every path read that is given, and "
    "is every character of the corpus in the vocabulary?"
)
TRAINING = "training raised an exception: does every example have one length, and does {} prepare what train needs?"


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


def expect_recipe(seen: dict[str, Any], reference: Reference, stage: str, block_size: int, rate: float) -> None:
    """A Failure unless the configuration that probe `training.prepared` saw has this stage's numbers.

    Right are the handout's numbers and those of each preset, as a whole. The learning rate may be the one that was
    asked for (`rate`) or the stage's own; final_tokens may count pretraining or, in finetuning, finetuning examples.
    """
    config, examples = seen["config"], (seen["documents"], seen["dataset"]["length"])
    recipes = [each[stage] for each in reference.run(learning.recipes, examples=1, block_size=block_size).values()]
    recipes = [{**_HANDOUT[stage], "warmup_tokens": 512 * 20, "final_tokens": 200 * block_size}, *recipes]
    sizes = [(recipe["max_epochs"], recipe["batch_size"]) for recipe in recipes]
    where = "pretrain" if stage == "pretrain" else f"finetune with{'out' if stage == 'scratch' else ''} pretraining"
    hint = f"{where}: {{}} is not what the comment in helper.py gives for this stage"
    for wanted, names in (
        (sizes, ("max_epochs", "batch_size")),
        ([(each,) for each in (rate, *(recipe["learning_rate"] for recipe in recipes))], ("learning_rate",)),
        ([(True,)], ("lr_decay",)),
        ([(recipe["warmup_tokens"],) for recipe in recipes], ("warmup_tokens",)),
        ([(recipe["final_tokens"] * count,) for recipe in recipes for count in examples], ("final_tokens",)),
    ):
        found = tuple(config.get(name) for name in names)
        expect(
            any(_alike(found, each) for each in wanted),
            f"{where}: {', '.join(names)} one of {sorted(set(wanted))}",
            found,
            hint=hint.format(" or ".join(names)),
        )


def _alike(found: tuple[Any, ...], wanted: tuple[float, ...]) -> bool:
    """Whether the numbers agree, but for what rounding to whole tokens changes."""
    return all(isinstance(a, (int, float)) and abs(a - b) <= 1e-3 * b for a, b in zip(found, wanted, strict=True))


def expect_learned(seen: dict[str, Any]) -> None:
    """A Failure unless probe `learning.trained` saw the loss fall and the saved file hold the trained weights."""
    before, after = seen["loss_before"], seen["loss_after"]
    expect(
        np.isfinite([before, after]).all() and after < 0.9 * before,
        "a loss at least a tenth lower after a few epochs",
        f"{before:.3f} before, {after:.3f} after",
        hint="does train() call trainer_obj.train(), and does the Trainer hold the model?",
    )
    expect(
        not seen["unmoved"],
        "every matrix of the model changed",
        f"not so: {', '.join(seen['unmoved'][:2])}",
        hint="training must reach the whole model: is a part of it frozen, or not the one in the Trainer?",
    )
    expect_saved(seen, seen["model"], hint="save after training, and the model that was trained")


def expect_saved(seen: dict[str, Any], weights: dict[str, np.ndarray], hint: str) -> None:
    """A Failure unless the file that `train` wrote holds these weights under their own names."""
    expect(
        seen["written"] is True and seen["tensors"] is not None,
        "a state dict at writing_params_path",
        "another file" if seen["written"] else "no such file",
        hint="in train, save model.state_dict() to writing_params_path, and nothing else",
    )
    saved = seen["tensors"]
    wrong = [n for n, value in weights.items() if n not in saved or not np.array_equal(value, saved[n])]
    expect(
        not wrong, "these weights in the saved file", f"{len(wrong)} tensors differ: {', '.join(wrong[:2])}", hint=hint
    )
