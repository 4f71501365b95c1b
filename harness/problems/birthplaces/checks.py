"""What basic and hidden graded tests have in common: predictions, spans, and a trainer that is prepared and not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.assignment import percent as percent_of
from harness.grading.feedback import Cause, Failure, expect
from harness.grading.student import Student
from harness.predictions import PredictionsError, of_another_split, parse
from harness.probes import training
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.answers import Score, meets, percent, places_of, score
from harness.problems.birthplaces.questions import Gold, Question, expected_vocabulary
from harness.problems.birthplaces.spans import NotASpan, Span, legible

#: Goes on in the column in which a failure's texts begin.
NEXT_LINE = "\n" + " " * 10


def judge(student: Student, name: str, gold: Gold, for_staff: dict[str, Any]) -> Score:
    """The score of predictions file `name` (`....dev.predictions` or `....test.predictions`).

    Leaves `correct` and `total` for staff, whatever comes of it.

    Raises:
        Failure: the file is missing or malformed, or is the one for the other split.
    """
    split = name.split(".")[-2]
    questions: Sequence[Question] = getattr(gold, split)
    for_staff.update(correct=0, total=len(questions))
    lines = student.file(name).read_bytes()
    try:
        found = score(parse(lines), questions, secret=split == "test")
        for_staff.update(correct=found.correct, total=found.total)
        said = _mix_up(student, name, gold)
    except PredictionsError as problem:
        said = _mix_up(student, name, gold) or str(problem)
    if said:
        raise Failure(
            expected=f"{name}: {len(questions)} lines, one answer for each question, in their order",
            seen=said,
            hint="run the evaluation command again: it writes one line for each question, in their order",
            public=True,
        )
    return found


def _mix_up(student: Student, name: str, gold: Gold) -> str | None:
    """A sentence when this file answers the questions of the other split: the other file is not blamed for it."""
    stem, split, ending = name.rsplit(".", 2)
    other = "dev" if split == "test" else "test"
    lines, beside = (_lines_of(student, f"{stem}.{each}.{ending}") for each in (split, other))
    return of_another_split(split, lines, beside, places_of(gold.dev), gold.questions_of_test)


def _lines_of(student: Student, name: str) -> Sequence[str]:
    """The lines of a predictions file, none where there is no file that can be read."""
    path = student.submission.present.get(name)
    try:
        return parse(path.read_bytes()) if path else ()
    except PredictionsError:
        return ()


def expect_threshold(found: Score, threshold: float, hint: str, *, exact: bool = True) -> None:
    """A Failure unless at least the fraction `threshold` of the answers is right.

    Args:
        exact: tell how many are right. Else only on which side of half the threshold: every figure that an upload
            brings tells something about answers that nobody has.
    """
    if not meets(found, threshold):
        seen = f"{percent(found)} ({found.correct} of {found.total})" if exact else _coarse(found, threshold)
        raise Failure(expected=f"at least {percent_of(threshold)} right", seen=seen, hint=hint, public=True)


def _coarse(found: Score, threshold: float) -> str:
    half = f"{threshold / 2:.0%}"
    side = f"{half} or more, but less than {threshold:.0%}" if meets(found, threshold / 2) else f"less than {half}"
    return f"{side} (how many exactly is shown after the due date)"


def model_sizes(documents: Sequence[str], block_size: int, layers: int = 3) -> dict[str, int]:
    """Of a small model for this corpus, with a few characters to spare."""
    vocabulary = len(expected_vocabulary(documents)) + 8
    return {"vocab_size": vocabulary, "block_size": block_size, "n_layer": layers, "n_head": 2, "n_embd": 16}


def draw_tokens(sizes: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
    """Two sequences of half the block."""
    return rng.integers(0, sizes["vocab_size"], (2, sizes["block_size"] // 2))


@dataclass(frozen=True)
class Preparation:
    """What a trainer is prepared with: corpora, and a model with random weights, which no training arrives at."""

    documents: list[str]
    sizes: dict[str, int]
    start: dict[str, np.ndarray]
    tokens: np.ndarray
    names: str = ""
    weights: dict[str, np.ndarray] | None = None  #: of the file to load, where there is one

    @classmethod
    def draw(
        cls, documents: list[str], block_size: int, rng: np.random.Generator, *, names: str = "", load: bool = False
    ) -> Preparation:
        """One with random weights; with a file of others if `load`."""
        sizes = model_sizes(documents, block_size)
        weights = reference_model.arbitrary(sizes, rng) if load else None
        return cls(documents, sizes, reference_model.arbitrary(sizes, rng), draw_tokens(sizes, rng), names, weights)

    def run(self, student: Student, stage: str, rate: float | None = None) -> dict[str, Any]:
        """What probe `training.prepared` saw of it."""
        seen: dict[str, Any] = student.run(
            training.prepared, stage=stage, documents=self.documents, sizes=self.sizes, start=self.start,
            tokens=self.tokens, names=self.names, weights=self.weights, rate=rate,
        )  # fmt: skip
        return seen

    def expect_untrained(self, seen: dict[str, Any], function: str) -> None:
        """A Failure unless the trainer's model answers as it did before `function`."""
        self._expect(
            seen,
            self.start,
            f"untouched weights: {function} prepares, train trains",
            hint=f"do not train in {function}",
        )

    def expect_loaded(self, seen: dict[str, Any]) -> None:
        """A Failure unless the trainer's model holds the weights of the file and answers with them."""
        assert self.weights is not None
        self._expect(
            seen,
            self.weights,
            "every tensor of the file in the model, before the first step",
            hint="where a path is given, load its weights into the model with load_state_dict, and do not train yet",
        )

    def expect_answering(self, seen: dict[str, Any]) -> None:
        """A Failure unless the trainer's model answers with the weights that it is said to have, whatever they are."""
        hint = "hand the model that was given to the Trainer"
        known = reference_model.fits(seen["model"], self.sizes)
        expect(known, "the model that was given, in the Trainer", "another one", hint=hint)
        expect_logits(seen["logits"], seen["model"], self.tokens, self.sizes)

    def _expect(self, seen: dict[str, Any], weights: dict[str, np.ndarray], expected: str, hint: str) -> None:
        expect(seen["model"] is not None, "the model that was given, in the Trainer", "another one", hint=hint)
        wrong = [name for name, value in weights.items() if not np.array_equal(seen["model"].get(name), value)]
        named = f"{len(wrong)} of {len(weights)} tensors differ, such as {', '.join(wrong[:2])}"
        expect(not wrong, expected, named, hint=hint)
        expect_logits(seen["logits"], weights, self.tokens, self.sizes)


def expect_logits(seen: Any, weights: Mapping[str, np.ndarray], tokens: np.ndarray, sizes: Mapping[str, int]) -> None:
    """A Failure unless these are the logits of a vanilla model with these weights, as worked out here."""
    expect(
        reference_model.agree(seen, reference_model.logits(weights, tokens, sizes["n_head"])),
        "the logits that the GPT of model.py gives with these weights",
        "others",
        hint="leave GPT, Block and CausalSelfAttention as they were given",
    )


def expect_pairs(drawn: dict[str, Any]) -> None:
    """A Failure unless every item that probe `corruption.draws` drew is a pair."""
    alone = [each.partition(": ")[2] for each in drawn["types"] if each.startswith("no pair")]
    hint = "the last line of your place is return x, y"
    expect(not alone, "a pair of two tensors, x and y", f"one value: {'; '.join(alone)}", hint=hint)


def expect_vocabulary(drawn: dict[str, Any], documents: Sequence[str]) -> None:
    """A Failure unless the dataset that probe `corruption.draws` drew from has the vocabulary of these documents."""
    wanted, seen = expected_vocabulary(documents), drawn["vocabulary"]
    lost = [character for character in wanted if character not in seen]
    expect(
        seen == wanted,
        "PAD, MASK, then every character of the corpus in order as vocabulary",
        f"without {lost}" if lost else f"another order or others, it begins {seen[:8]}",
        hint="the vocabulary lost or moved characters: leave the constructor of CharCorruptionDataset as it was given",
    )


def expect_span(drawn: Span | NotASpan, documents: Sequence[str], block_size: int) -> Span:
    """The draw, a Failure where it does not decode."""
    if isinstance(drawn, NotASpan):
        raise Failure(
            expected="prefix MASK suffix MASK masked_content [MASK] PAD...",
            seen=f"{drawn.reason}{NEXT_LINE}{legible(drawn.text)}",
            case=f"block_size {block_size}, document{NEXT_LINE}{documents[drawn.index]}",
            hint=drawn.hint,
        )
    return drawn


@contextmanager
def hinting(hint: str, *types: str) -> Iterator[None]:
    """Give a Failure because student code raised this hint, where it fits the exception.

    Args:
        types: the exceptions that the hint is about, all if there are none. Others keep the hint that goes with them.
            Hidden graded tests do not tell one exception from another.
    """
    try:
        yield
    except Failure as failure:
        if failure.cause is Cause.ENDED and (not types or not failure.raised or failure.raised in types):
            failure.hint = hint
        raise
