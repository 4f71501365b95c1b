"""Random inputs of the hidden graded tests, and checks that several of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.grading.feedback import expect
from harness.grading.student import Reference
from harness.probes import learning
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.questions import MASK, PAD, expected_vocabulary

#: Inputs x and targets y as tokens, (examples, length) each.
Pairs = tuple[np.ndarray, np.ndarray]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RARE = "äçéñøšžłğ\u0142\u1e7d"

#: The handout's own size. Solutions written for it keep its numbers whatever preset they were trained with.
_HANDOUT = {
    "scratch": {"max_epochs": 75, "batch_size": 256, "learning_rate": 6e-4},
    "finetune": {"max_epochs": 10, "batch_size": 256, "learning_rate": 6e-4},
    "pretrain": {"max_epochs": 650, "batch_size": 128, "learning_rate": 6e-3},
}

#: A short training: sixteen steps with batches of eight. Each epoch writes what a training resumes from, which takes as
#: long as several steps, so they are few. On the loss of the first JUDGED people it must show.
PEOPLE, EPOCHS, JUDGED = 64, 2, 16

#: Why finetune and pretrain may raise in hidden graded tests although the basic ones pass.
OTHER_INPUT = (
    "an exception was raised; if a basic test about this function fails as well, start there. If not, the "
    "arguments make the difference: is every path read that is given, and may the learning rate be given by its name?"
)
TRAINING = (
    "training raised an exception; if a basic test about {} or the dataset fails as well, start there. If not: "
    "does every example have one length, and does train use the Trainer that it is given?"
)


def words(rng: np.random.Generator, sizes: Sequence[int], *, rare: bool = False) -> list[str]:
    """Capitalised random words of so many letters; with `rare`, three in ten end with a letter beyond ASCII."""
    places = rng.integers(len(_LETTERS), size=int(sum(sizes)))  # all at once: one by one takes ten times as long
    letters = "".join([_LETTERS[place] for place in places.tolist()])
    ends = np.cumsum(sizes).tolist()
    found = [letters[end - size : end].capitalize() for end, size in zip(ends, sizes, strict=True)]
    if rare:
        last = rng.integers(len(_RARE), size=len(found)).tolist()
        chosen = (rng.random(len(found)) < 0.3).tolist()
        found = [each[:-1] + _RARE[k] if c else each for each, k, c in zip(found, last, chosen, strict=True)]
    return found


def corpus(rng: np.random.Generator, people: int) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, place) pairs, and one document each that holds every character of the questions.

    Of ASCII letters alone: what a dataset makes of others is a matter of part 1e.
    """
    drawn = words(rng, [5, 6, 6] * people)
    names = [(f"{a} {b}", c) for a, b, c in zip(drawn[::3], drawn[1::3], drawn[2::3], strict=True)]
    return names, [f"{name}. Where was {name} born? {name} was born in {place}." for name, place in names]


def names_table(names: list[tuple[str, str]]) -> str:
    """The finetuning corpus of these people."""
    return "".join(f"Where was {name} born?\t{place}\n" for name, place in names)


def text(rng: np.random.Generator, length: int, *, rare: bool = False) -> str:
    """A document of exactly `length` characters without any repeated structure; with `rare`, not of ASCII alone."""
    sizes = rng.integers(2, 9, size=length // 3 + 1).tolist()  # three characters a word at least, with its space
    return " ".join(words(rng, sizes, rare=rare))[: length - 1] + "."


#: By preset and stage: the configuration's fields.
Recipes = Mapping[str, Mapping[str, Mapping[str, float]]]


def recipes(reference: Reference, block_size: int) -> Recipes:
    """The numbers of each preset's stages."""
    found: Recipes = reference.run(learning.recipes, examples=1, block_size=block_size)
    return found


def expect_recipe(seen: dict[str, Any], known: Recipes, stage: str, block_size: int, rate: float) -> None:
    """A Failure unless the configuration that probe `training.prepared` saw has this stage's numbers.

    Right are the handout's numbers and those of each preset, as a whole. The learning rate may be the one that was
    asked for (`rate`) or the stage's own; final_tokens may count pretraining or, in finetuning, finetuning examples.
    """
    config, examples = seen["config"], (seen["documents"], seen["dataset"]["length"])
    handout = {**_HANDOUT[stage], "warmup_tokens": 512 * 20, "final_tokens": 200 * block_size}
    right = [handout, *(each[stage] for each in known.values())]
    sizes = [(recipe["max_epochs"], recipe["batch_size"]) for recipe in right]
    where = "pretrain" if stage == "pretrain" else f"finetune with{'out' if stage == 'scratch' else ''} pretraining"
    hint = f"{where}: {{}} is not what the comment in helper.py gives for this stage"
    for wanted, names in (
        (sizes, ("max_epochs", "batch_size")),
        ([(each,) for each in (rate, *(recipe["learning_rate"] for recipe in right))], ("learning_rate",)),
        ([(True,)], ("lr_decay",)),
        ([(recipe["warmup_tokens"],) for recipe in right], ("warmup_tokens",)),
        ([(recipe["final_tokens"] * count,) for recipe in right for count in examples], ("final_tokens",)),
    ):
        found = tuple(config.get(name) for name in names)
        expect(
            any(_alike(found, each) for each in wanted),
            f"{where}: {', '.join(names)} one of {sorted(set(wanted))}",
            found,
            hint=hint.format(" or ".join(names)),
        )

    workers = config.get("num_workers", 0)
    expect(
        isinstance(workers, int) and workers >= 0,
        f"{where}: num_workers of 0 or more",
        workers,
        hint=hint.format("num_workers"),
    )


def _alike(found: tuple[Any, ...], wanted: tuple[float, ...]) -> bool:
    """Whether the numbers agree, but for what rounding to whole tokens changes."""
    return all(isinstance(a, (int, float)) and abs(a - b) <= 1e-3 * b for a, b in zip(found, wanted, strict=True))


def vocabulary_of(seen: Mapping[str, Any], documents: Sequence[str]) -> list[str]:
    """The characters of this corpus in the order of the student's dataset; in the right one where it lacks some."""
    wanted, found = expected_vocabulary(documents), seen["vocabulary"]
    return list(found) if sorted(found) == sorted(wanted) else wanted


def answers(names: Sequence[tuple[str, str]], vocabulary: Sequence[str], block_size: int) -> Pairs:
    """What NameDataset makes of these people: inputs and targets, (people, block_size - 1) each."""
    questions = [f"Where was {name} born?" for name, _ in names]
    texts = [f"{question}{MASK}{place}{MASK}" for question, (_, place) in zip(questions, names, strict=True)]
    x, y = _encoded(texts, vocabulary, block_size)
    for row, question in zip(y, questions, strict=True):
        row[: len(question) - 1] = 0
    return x, y


def corrupted(documents: Sequence[str], vocabulary: Sequence[str], block_size: int, rng: np.random.Generator) -> Pairs:
    """Span-corrupted examples of these documents, one each, a quarter masked: (documents, block_size - 1) each."""
    texts = []
    for document in documents:
        kept = document[: int(rng.integers(16, block_size * 7 // 8))]
        width = len(kept) // 4
        begin = int(rng.integers(0, len(kept) - width))
        texts.append(f"{kept[:begin]}{MASK}{kept[begin + width :]}{MASK}{kept[begin : begin + width]}{MASK}")
    return _encoded(texts, vocabulary, block_size)


def _encoded(texts: Sequence[str], vocabulary: Sequence[str], block_size: int) -> Pairs:
    index = {character: place for place, character in enumerate(vocabulary)}
    rows = np.array([[index[character] for character in text.ljust(block_size, PAD)] for text in texts])
    return rows[:, :-1].copy(), rows[:, 1:].copy()


def expect_learned(
    seen: Mapping[str, Any], start: Mapping[str, np.ndarray], sizes: Mapping[str, int], examples: Pairs
) -> None:
    """A Failure unless the file that probe `learning.trained` saw written holds weights that know these examples.

    The loss is worked out here, from the weights in the file, so that only a training lowers it.
    """
    saved = _saved(seen)
    expect(
        reference_model.fits(saved, sizes),
        "finite weights of the model that was trained",
        "others",
        hint="save after training, and the model that was trained; does the loss stay finite?",
    )
    before, after = (reference_model.loss(weights, *examples, sizes["n_head"]) for weights in (start, saved))
    expect(
        after < 0.9 * before,
        "a loss at least a tenth lower with the saved weights, after a few epochs",
        f"{before:.3f} before, {after:.3f} after",
        hint="does train() call trainer_obj.train(), does the Trainer hold the model, and is it saved after training?",
    )
    unmoved = [name for name, each in start.items() if each.ndim >= 2 and np.array_equal(each, saved[name])]
    expect(
        not unmoved,
        "every matrix of the model changed",
        f"not so: {', '.join(unmoved[:2])}",
        hint="training must reach the whole model: is a part of it frozen, or not the one in the Trainer?",
    )


def expect_saved(seen: Mapping[str, Any], weights: Mapping[str, np.ndarray], hint: str) -> None:
    """A Failure unless the file that `train` wrote holds these weights under their own names."""
    saved = _saved(seen)
    wrong = [name for name, value in weights.items() if name not in saved or not np.array_equal(value, saved[name])]
    expect(
        not wrong, "these weights in the saved file", f"{len(wrong)} tensors differ: {', '.join(wrong[:2])}", hint=hint
    )


def _saved(seen: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The parameters in the file that `train` wrote."""
    expect(
        seen["written"] is True and seen["tensors"] is not None,
        "a state dict at writing_params_path",
        "another file" if seen["written"] else "no such file",
        hint="in train, save model.state_dict() to writing_params_path, and nothing else",
    )
    expect(
        not seen["missing"],
        "every parameter of the model in the saved file, under its own name",
        f"{len(seen['missing'])} are not in it: {', '.join(seen['missing'][:2])}",
        hint="save model.state_dict() as it is, of the model that was trained",
    )
    found: dict[str, np.ndarray] = seen["tensors"]
    return found
