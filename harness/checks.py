"""What basic and hidden claims have in common: predictions, spans, and a trainer that is prepared and not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.feedback import Failure, expect
from harness.gold import Gold
from harness.predictions import PredictionsProblem, Question, Score, identical, meets, parse, percent, score, swapped
from harness.spans import NotASpan, Span, expected_vocabulary, legible
from harness.student import Student

#: Goes on in the column in which a failure's texts begin.
NEXT_LINE = "\n" + " " * 10


def judge(student: Student, name: str, gold: Gold, for_staff: dict[str, Any]) -> Score:
    """The score of predictions file `name` (`....dev.predictions` or `....test.predictions`).

    Leaves `correct` and `total` for staff, whatever comes of it.

    Raises:
        Failure: the file is missing or malformed, or was mixed up with the one for the other split.
    """
    questions: Sequence[Question] = getattr(gold, name.split(".")[-2])
    for_staff.update(correct=0, total=len(questions))
    lines = student.file(name).read_bytes()
    try:
        found = score(parse(lines), questions)
        for_staff.update(correct=found.correct, total=found.total)
        said = _mix_up(student, name, gold)
    except PredictionsProblem as problem:
        said = _mix_up(student, name, gold) or str(problem)
    if said:
        raise Failure(
            expected=f"{name}: {len(questions)} lines, one answer for each question, in their order",
            seen=said,
            hint="write the file with the evaluation command and upload it unchanged",
            public=True,
        )
    return found


def _mix_up(student: Student, name: str, gold: Gold) -> str | None:
    """A sentence when the dev and the test file of one model look exchanged, or are one file.

    Only for hidden claims, since students do not have the answers for test.
    """
    stem, split, ending = name.rsplit(".", 2)
    paths = [student.submission.present.get(f"{stem}.{each}.{ending}") for each in ("dev", "test")]
    if split != "test" or None in paths:
        return None
    try:
        dev, test = (parse(path.read_bytes()) for path in paths if path is not None)
    except PredictionsProblem:
        return None
    return swapped(dev, test, gold.dev, gold.test) or identical(dev, test)


def expect_bar(found: Score, bar: float, hint: str) -> None:
    """A Failure unless at least the fraction `bar` of the answers is right."""
    if not meets(found, bar):
        seen = f"{percent(found)} ({found.correct} of {found.total})"
        raise Failure(expected=f"at least {bar:.0%} right", seen=seen, hint=hint, public=True)


def expect_untrained(seen: dict[str, Any], function: str) -> None:
    """A Failure unless probe `training.prepared` saw the same weights before and after `function`."""
    moved = [name for name in seen["parameters"] if not np.array_equal(seen["before"][name], seen["after"].get(name))]
    expect(
        not moved,
        f"untouched weights: {function} prepares, train trains",
        f"{len(moved)} tensors changed, {', '.join(moved[:2])}",
        hint=f"do not train in {function}",
    )


def expect_loaded(seen: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    """A Failure unless the trainer's model holds `weights` bit for bit."""
    wrong = [name for name, value in weights.items() if not np.array_equal(seen["after"].get(name), value)]
    expect(
        not wrong,
        "every tensor of the file in the model, before the first step",
        f"{len(wrong)} of {len(weights)} tensors differ, {', '.join(wrong[:2])}",
        hint="where a path is given, load its weights into the model with load_state_dict, and do not train yet",
    )


def random_weights(shapes: dict[str, list[int]], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights for tensors of these shapes that no training would arrive at."""
    return {name: rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02) for name, shape in shapes.items()}


def expect_vocabulary(drawn: dict[str, Any], documents: Sequence[str]) -> None:
    """A Failure unless the data set that probe `corruption.draws` drew from has the vocabulary of these documents."""
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
def hinting(hint: str) -> Iterator[None]:
    """Give a Failure because student code raised this hint, which knows more than the exception's name."""
    try:
        yield
    except Failure as failure:
        if failure.expected == "the code returns":
            failure.hint = hint
        raise
