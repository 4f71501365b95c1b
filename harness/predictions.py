"""Files of predictions, an answer a line: how they are read, and what may have gone wrong with them.

Promises: the rules of a predictions file are these and no others. Bytes are UTF-8, a byte-order mark at the start is
dropped; lines end with a line feed, the last one may lack it; carriage returns at the end of a line are dropped. Blank
lines beyond the expected number, at the very end, are forgiven. A line is right if it then equals the answer, character
by character, but for spaces, tabs and pad characters behind it: no trimming in front, no other case or Unicode form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from harness.errors import HoldoutError, UsageError

BOM = b"\xef\xbb\xbf"
_BEHIND = " \t\u25a1"  # the assignment's pad character, too
_LEAST_EVIDENCE = 5  # right answers that a shift must explain before it is believed


class PredictionsError(HoldoutError):
    """A predictions file that cannot be scored; `str()` says what was expected and what to do."""

    exit_code = 2


# --- lines ------------------------------------------------------------------------------------------------------------


def lines_of(data: bytes) -> tuple[str, ...]:
    """The lines of a text file without line ends, a byte-order mark and what makes a line feed a Windows one."""
    lines = data.removeprefix(BOM).decode("utf-8").split("\n")
    if lines[-1] == "":
        lines.pop()  # what follows the last line feed is no line
    return tuple(line.rstrip("\r") for line in lines)


def without_surplus_blanks(lines: Sequence[str], expected: int) -> Sequence[str]:
    """What lies before blank lines at the end, but at least `expected` lines."""
    last = len(lines)
    while last > expected and not lines[last - 1].strip():
        last -= 1
    return lines[:last]


def read_lines(path: Path) -> Sequence[str]:
    """The lines of a data file, blank ones at its end aside. UsageError where it cannot be read, or holds none."""
    try:
        lines = lines_of(path.read_bytes())
    except OSError as problem:
        raise UsageError(f"{path}: cannot be read ({problem.strerror}); a dataset holds this file") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"{path}: is not UTF-8 text (byte {problem.start}); save it as UTF-8") from problem
    kept = without_surplus_blanks(lines, 0)
    if not kept:
        raise UsageError(f"{path}: is empty; expected at least one line")
    return kept


def parse(data: bytes, writer: str = "run.py") -> tuple[str, ...]:
    """The lines of a predictions file, without line ends; `writer` is the command that writes such files.

    Raises:
        PredictionsError: it is not UTF-8.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PredictionsError(f"it is UTF-16, expected UTF-8: write it with {writer}, not through a shell's `>`")
    try:
        return lines_of(data)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, _offset(data, problem)) + 1
        raise PredictionsError(f"line {line} is not UTF-8 text: write the file with {writer} again") from problem


def _offset(data: bytes, problem: UnicodeDecodeError) -> int:
    return problem.start + (len(BOM) if data.startswith(BOM) else 0)


def answers_in(lines: Sequence[str], answers: Sequence[str], *, secret: bool = False) -> Sequence[str]:
    """The lines of a file, one for each of the right `answers`.

    Args:
        secret: nobody may learn of `answers` from what is said.

    Raises:
        PredictionsError: the number of lines is wrong; says both numbers and, unless the answers are secret, where a
            line looks split or lost.
    """
    kept = without_surplus_blanks(lines, len(answers))
    if len(kept) != len(answers):
        raise PredictionsError(_wrong_count(kept, answers, secret))
    return kept


def plain(line: str) -> str:
    """A line without what is no part of an answer: spaces, tabs and PADs behind it."""
    return line.rstrip(_BEHIND)


def same(line: str, answer: str) -> bool:
    """Whether a line is this answer."""
    return plain(line) == plain(answer)


def matches(lines: Sequence[str], answers: Sequence[str]) -> int:
    """How many lines are the answer in their place."""
    return sum(same(line, answer) for line, answer in zip(lines, answers, strict=False))


def wrong_lines(content: bytes, answers: Sequence[str]) -> dict[int, str]:
    """The lines of a file that are not the right answer, by number from 0; none where the file cannot be scored."""
    try:
        lines = answers_in(parse(content), answers, secret=True)
    except PredictionsError:
        return {}
    return {at: line for at, (line, answer) in enumerate(zip(lines, answers, strict=True)) if not same(line, answer)}


# --- what may have gone wrong -----------------------------------------------------------------------------------------


def _wrong_count(lines: Sequence[str], answers: Sequence[str], secret: bool) -> str:
    if not any(line.strip() for line in lines):
        return f"it is empty, expected {len(answers)} lines, one answer for each question: run the evaluation again"
    counted = f"it has {len(lines)} lines, expected {len(answers)}, one answer for each question"
    if secret:
        return f"{counted}: run the evaluation again"
    guess = _where_split(lines, answers) if len(lines) > len(answers) else _where_lost(lines, answers)
    return f"{counted}{guess}"


def _where_split(lines: Sequence[str], answers: Sequence[str]) -> str:
    why = "as where an answer holds a line break"
    bounds = _shift(lines, answers)
    first, last = bounds or (0, len(lines) - 1)
    suspect = next((number for number in range(first, last + 1) if not lines[number].strip()), None)
    if suspect is None and bounds is None:
        suspect = _after_longest(lines, answers)
    if suspect is not None:
        return f"; line {suspect + 1} looks like the rest of the one before, {why}"
    if bounds is not None:
        return f"; a prediction looks split between lines {first + 1} and {last + 1}, {why}"
    return ""


def _where_lost(lines: Sequence[str], answers: Sequence[str]) -> str:
    bounds = _shift(lines, answers)
    if bounds is None:
        return "; the evaluation may have stopped early: run it again"
    return f"; one looks lost between lines {bounds[0] + 1} and {bounds[1] + 1}: run the evaluation again"


def _shift(lines: Sequence[str], answers: Sequence[str]) -> tuple[int, int] | None:
    """The lines (from 0) between which the answers move by the one line that is too many or too few.

    None where more than one line is, or where the answers behind it do not speak for it clearly: three times as many
    must be right as without a move. Frequent answers are right here and there by chance, so the bounds are generous.
    """
    by = len(lines) - len(answers)
    if abs(by) != 1:
        return None
    straight = [_right(lines, index, answer) for index, answer in enumerate(answers)]
    moved = [_right(lines, index + by, answer) for index, answer in enumerate(answers)]
    # right[cut]: as many are right if answers[:cut] are in place and answers[cut:] moved.
    gains = (in_place - shifted for in_place, shifted in zip(straight, moved, strict=True))
    right = list(accumulate(gains, initial=sum(moved)))
    best = [cut for cut, total in enumerate(right) if total >= max(right) - 1]
    if sum(moved[best[-1] :]) < max(_LEAST_EVIDENCE, 3 * sum(straight[best[-1] :])):
        return None
    return max(best[0] - 1, 0), moved.index(True, best[-1]) + by


def _right(lines: Sequence[str], index: int, answer: str) -> bool:
    return 0 <= index < len(lines) and same(lines[index], answer)


def _after_longest(lines: Sequence[str], answers: Sequence[str]) -> int | None:
    """The line after the first one that is much longer than any answer."""
    limit = 3 * max(len(answer) for answer in answers) if answers else 0
    return next((index + 1 for index, line in enumerate(lines[:-1]) if len(line) > limit), None)


def of_another_split(
    split: str, lines: Sequence[str], beside: Sequence[str], dev: Sequence[str], questions_of_test: int
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


def _speaks_for(lines: Sequence[str], answers: Sequence[str]) -> bool:
    """Whether lines give these answers clearly more often than they would in any other order."""
    times = Counter(map(plain, answers))
    by_chance = sum(count * times[line] for line, count in Counter(map(plain, lines)).items()) / max(1, len(answers))
    return matches(lines, answers) >= 2 * by_chance + _LEAST_EVIDENCE
