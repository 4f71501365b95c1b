"""The answers in a predictions file, and how many of them are right.

Promises: the rules of a predictions file are these and no others. Bytes are UTF-8, a byte-order mark at the start is
dropped; lines end with a line feed, the last one may lack it; carriage returns at the end of a line are dropped. A line
is right if it then equals the gold answer, character by character, but for spaces, tabs and pad characters behind it:
no trimming in front, no change of case or Unicode form. Blank lines beyond the expected number, at the very end, are
forgiven. Verdicts are computed with whole numbers, and a printed percentage is never above the true one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from harness.errors import HoldoutError
from harness.problems.birthplaces.questions import BOM, PAD, Question, lines_of, load_gold, without_surplus_blanks

_BEHIND = f" \t{PAD}"
_LEAST_EVIDENCE = 5  # right answers that a shift must explain before it is believed


class PredictionsError(HoldoutError):
    """A predictions file that cannot be scored; `str()` says what was expected and what to do."""

    exit_code = 2


@dataclass(frozen=True)
class Score:
    """How many of how many answers are right."""

    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """The fraction of right answers; 0 where there are no questions."""
        return self.correct / self.total if self.total else 0.0


# --- predictions ------------------------------------------------------------------------------------------------------


def parse(data: bytes) -> tuple[str, ...]:
    """The lines of a predictions file, without line ends.

    Raises:
        PredictionsError: it is not UTF-8.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PredictionsError("it is UTF-16, expected UTF-8: write it with run.py, not through a shell's `>`")
    try:
        return lines_of(data)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, _offset(data, problem)) + 1
        raise PredictionsError(f"line {line} is not UTF-8 text: write the file with run.py again") from problem


def _offset(data: bytes, problem: UnicodeDecodeError) -> int:
    return problem.start + (len(BOM) if data.startswith(BOM) else 0)


def score(predicted: Sequence[str], gold: Sequence[Question], *, secret: bool = False) -> Score:
    """Count the lines of `predicted` that equal the answers of `gold`.

    Args:
        secret: nobody may learn of `gold` from what is said.

    Raises:
        PredictionsError: the number of lines is wrong; says both numbers and, unless the answers are secret, where a
            line looks split or lost.
    """
    lines = without_surplus_blanks(predicted, len(gold))
    if len(lines) != len(gold):
        raise PredictionsError(_wrong_count(lines, gold, secret))
    return Score(_matches(lines, gold), len(gold))


def plain(line: str) -> str:
    """A line without what is no part of an answer: spaces, tabs and PADs behind it."""
    return line.rstrip(_BEHIND)


def is_right(line: str, question: Question) -> bool:
    """Whether a line is the answer to a question."""
    return plain(line) == plain(question.place)


def _matches(lines: Sequence[str], gold: Sequence[Question]) -> int:
    return sum(is_right(line, question) for line, question in zip(lines, gold, strict=False))


def wrong_answers(content: bytes, gold: Sequence[Question]) -> dict[int, str]:
    """The answers of a file that are not right, by line from 0; none where the file cannot be scored."""
    try:
        lines = without_surplus_blanks(parse(content), len(gold))
    except PredictionsError:
        return {}
    if len(lines) != len(gold):
        return {}
    return {
        at: line for at, (line, question) in enumerate(zip(lines, gold, strict=True)) if not is_right(line, question)
    }


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


# --- what may have gone wrong -----------------------------------------------------------------------------------------


def _wrong_count(lines: Sequence[str], gold: Sequence[Question], secret: bool) -> str:
    if not any(line.strip() for line in lines):
        return f"it is empty, expected {len(gold)} lines, one answer for each question: run the evaluation again"
    counted = f"it has {len(lines)} lines, expected {len(gold)}, one answer for each question"
    if secret:
        return f"{counted}: run the evaluation again"
    guess = _where_split(lines, gold) if len(lines) > len(gold) else _where_lost(lines, gold)
    return f"{counted}{guess}"


def _where_split(lines: Sequence[str], gold: Sequence[Question]) -> str:
    advice = "replace line breaks inside a prediction before it is written"
    bounds = _shift(lines, gold)
    first, last = bounds or (0, len(lines) - 1)
    suspect = next((number for number in range(first, last + 1) if not lines[number].strip()), None)
    if suspect is None and bounds is None:
        suspect = _after_longest(lines, gold)
    if suspect is not None:
        return f"; line {suspect + 1} looks like the rest of the one before: {advice}"
    if bounds is not None:
        return f"; a prediction looks split between lines {first + 1} and {last + 1}: {advice}"
    return f"; {advice}"


def _where_lost(lines: Sequence[str], gold: Sequence[Question]) -> str:
    bounds = _shift(lines, gold)
    if bounds is None:
        return "; the evaluation may have stopped early: run it again"
    return f"; one looks lost between lines {bounds[0] + 1} and {bounds[1] + 1}: run the evaluation again"


def _shift(lines: Sequence[str], gold: Sequence[Question]) -> tuple[int, int] | None:
    """The lines (from 0) between which the answers move by the one line that is too many or too few.

    None where more than one line is, or where the answers behind it do not speak for it clearly: three times as many
    must be right as without a move. Frequent places are right here and there by chance, so the bounds are generous.
    """
    by = len(lines) - len(gold)
    if abs(by) != 1:
        return None
    straight = [_right(lines, index, question) for index, question in enumerate(gold)]
    moved = [_right(lines, index + by, question) for index, question in enumerate(gold)]
    # right[cut]: as many are right if gold[:cut] is answered in place and gold[cut:] moved.
    gains = (in_place - shifted for in_place, shifted in zip(straight, moved, strict=True))
    right = list(accumulate(gains, initial=sum(moved)))
    best = [cut for cut, total in enumerate(right) if total >= max(right) - 1]
    if sum(moved[best[-1] :]) < max(_LEAST_EVIDENCE, 3 * sum(straight[best[-1] :])):
        return None
    return max(best[0] - 1, 0), moved.index(True, best[-1]) + by


def _right(lines: Sequence[str], index: int, question: Question) -> bool:
    return 0 <= index < len(lines) and is_right(lines[index], question)


def _after_longest(lines: Sequence[str], gold: Sequence[Question]) -> int | None:
    """The line after the first one that is much longer than any answer."""
    limit = 3 * max(len(question.place) for question in gold) if gold else 0
    return next((index + 1 for index, line in enumerate(lines[:-1]) if len(line) > limit), None)


def of_another_split(
    split: str, lines: Sequence[str], beside: Sequence[str], dev: Sequence[Question], questions_of_test: int
) -> str | None:
    """A sentence if a file is the one for the other split, by its number of lines or by what it answers.

    Of two equal files it is the one that is the copy. The answers for test are not looked at: the sentence would tell
    of them. Those for dev are the students' own.

    Args:
        split: "dev" or "test", that the file is named for; lines: its lines; beside: those of the file for the other.
    """
    other = "dev" if split == "test" else "test"
    sentence = f"this looks like the {other} file: run the evaluation again, with an outputs path of its own"
    counts = {"dev": len(dev), "test": questions_of_test}
    if len(without_surplus_blanks(lines, counts[split])) != counts[split]:
        fits = len(without_surplus_blanks(lines, counts[other])) == counts[other]
        return sentence if fits and any(line.strip() for line in lines) else None
    if counts["dev"] != counts["test"]:
        return None
    if split == "test":
        return sentence if _speaks_for(lines, dev) else None
    copied = tuple(lines) == tuple(beside) and len(set(lines)) > 1
    return sentence if (copied or _speaks_for(beside, dev)) and not _speaks_for(lines, dev) else None


def _speaks_for(lines: Sequence[str], gold: Sequence[Question]) -> bool:
    """Whether lines answer these questions clearly more often than they would in any other order."""
    places = Counter(plain(question.place) for question in gold)
    by_chance = sum(times * places[line] for line, times in Counter(map(plain, lines)).items()) / max(1, len(gold))
    return _matches(lines, gold) >= 2 * by_chance + _LEAST_EVIDENCE


def accuracies(upload: Path, data: Path) -> dict[str, float]:
    """Fraction of right answers by predictions file, without its ending, of a complete upload."""
    gold = {split: load_gold(data / f"birth_{split}.tsv") for split in ("dev", "test")}
    files = sorted(upload.glob("*.predictions"))
    return {
        path.stem: round(score(parse(path.read_bytes()), gold[path.stem.rpartition(".")[2]]).accuracy, 4)
        for path in files
    }


def fit(upload: Path, data: Path) -> float | None:
    """The accuracy of an upload's best predictions file; one that cannot be scored has 0. None without files."""
    gold = {split: load_gold(data / f"birth_{split}.tsv") for split in ("dev", "test")}
    files = [path for path in upload.rglob("*.predictions") if path.stem.rpartition(".")[2] in gold]
    return max((_accuracy(path, gold[path.stem.rpartition(".")[2]]) for path in files), default=None)


def _accuracy(path: Path, gold: Sequence[Question]) -> float:
    try:
        return score(parse(path.read_bytes()), gold).accuracy
    except PredictionsError:
        return 0.0
