"""How many of the answers in a predictions file are right.

How a file is read, and when a line is right, stands in `harness.predictions`. Verdicts are computed with whole numbers,
and a printed percentage is never above the true one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from harness.predictions import PredictionsError, answers_in, matches, parse, same
from harness.problems.birthplaces.questions import Question, load_gold

#: What names of this problem's predictions files begin with.
VARIANTS = ("vanilla.", "perceiver.")


@dataclass(frozen=True)
class Score:
    """How many of how many answers are right."""

    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """The fraction of right answers; 0 where there are no questions."""
        return self.correct / self.total if self.total else 0.0


def places_of(gold: Sequence[Question]) -> list[str]:
    """The right answers."""
    return [question.place for question in gold]


def score(predicted: Sequence[str], gold: Sequence[Question], *, secret: bool = False) -> Score:
    """Count the lines of `predicted` that equal the answers of `gold`.

    Args:
        secret: nobody may learn of `gold` from what is said.

    Raises:
        PredictionsError: the number of lines is wrong; says both numbers and, unless the answers are secret, where a
            line looks split or lost.
    """
    places = places_of(gold)
    return Score(matches(answers_in(predicted, places, secret=secret), places), len(gold))


def is_right(line: str, question: Question) -> bool:
    """Whether a line is the answer to a question."""
    return same(line, question.place)


def needed(total: int, threshold: float) -> int:
    """The least number of right answers of `total` that reaches `threshold`, read as the decimal it is written as."""
    return math.ceil(Fraction(str(threshold)) * total)


def meets(score: Score, threshold: float) -> bool:
    """Whether `score` reaches the fraction `threshold`. False where there are no questions."""
    return score.total > 0 and score.correct >= needed(score.total, threshold)


def percent(score: Score) -> str:
    """The accuracy with one decimal, rounded down: what is short of a threshold never reads as the threshold itself."""
    tenths = 1000 * score.correct // score.total if score.total else 0
    return f"{tenths // 10}.{tenths % 10}%"


def accuracies(upload: Path, data: Path) -> dict[str, float]:
    """Fraction of right answers by predictions file, without its ending, of a complete upload."""
    gold = {split: load_gold(data / f"birth_{split}.tsv") for split in ("dev", "test")}
    files = [path for path in sorted(upload.glob("*.predictions")) if path.name.startswith(VARIANTS)]
    return {
        path.stem: round(score(parse(path.read_bytes()), gold[path.stem.rpartition(".")[2]]).accuracy, 4)
        for path in files
    }


def fit(upload: Path, data: Path) -> float | None:
    """The accuracy of an upload's best predictions file; one that cannot be scored has 0. None without files."""
    gold = {split: load_gold(data / f"birth_{split}.tsv") for split in ("dev", "test")}
    files = [path for path in upload.rglob("*.predictions") if path.stem.rpartition(".")[2] in gold]
    files = [path for path in files if path.name.startswith(VARIANTS)]
    return max((_accuracy(path, gold[path.stem.rpartition(".")[2]]) for path in files), default=None)


def _accuracy(path: Path, gold: Sequence[Question]) -> float:
    try:
        return score(parse(path.read_bytes()), gold).accuracy
    except PredictionsError:
        return 0.0
