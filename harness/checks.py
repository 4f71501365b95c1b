"""What basic and hidden claims have in common: judging predictions, and a trainer that is prepared and not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.feedback import Failure, expect
from harness.predictions import PredictionsProblem, Question, Score, meets, parse, percent, score
from harness.student import Student


def judge(student: Student, name: str, gold: Sequence[Question], for_staff: dict[str, Any]) -> Score:
    """The score of predictions file `name`; a Failure with a sentence when it is missing or malformed.

    Leaves `correct` and `total` for staff as soon as they are known.
    """
    for_staff.update(correct=0, total=len(gold))
    path = student.file(name)
    try:
        found = score(parse(path.read_bytes()), gold)
    except PredictionsProblem as problem:
        raise Failure(
            expected=f"{name}: {len(gold)} lines, one answer for each question",
            seen=str(problem),
            hint="write the file with the evaluation command and upload it unchanged",
            public=True,
        ) from problem
    for_staff.update(correct=found.correct, total=found.total)
    return found


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
        hint="model.load_state_dict(torch.load(reading_params_path)) when a path is given",
    )


def random_weights(shapes: dict[str, list[int]], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights for tensors of these shapes that no training would arrive at."""
    return {name: rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02) for name, shape in shapes.items()}
