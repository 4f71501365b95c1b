"""What graded tests about predictions have in common: the file's BLEU, and whether it reaches a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.predictions import PredictionsError, of_another_split, parse
from harness.problems.translation.bleu import WRITER, Score, meets, score, shown
from harness.problems.translation.sentences import Gold, Pair, references


def judge(student: Student, name: str, gold: Gold, for_staff: dict[str, Any]) -> Score:
    """The BLEU of predictions file `name` (`....dev.predictions` or `....test.predictions`).

    Leaves for staff: `bleu` with its `signature`, the same as `share` (0 to 1), and how many lines are `exact`.

    Raises:
        Failure: the file is missing or malformed, or is the one for the other split.
    """
    split = name.split(".")[-2]
    pairs: Sequence[Pair] = getattr(gold, split)
    for_staff.update(bleu=0.0, share=0.0, exact=0, sentences=len(pairs))
    content = student.file(name).read_bytes()
    try:
        found = score(parse(content, WRITER), pairs, secret=split == "test")
        said = _mix_up(student, name, gold)
    except PredictionsError as problem:
        said = _mix_up(student, name, gold) or str(problem)
    if said:
        raise Failure(
            expected=f"{name}: {len(pairs)} lines, one English translation for each sentence, in their order",
            seen=said,
            hint="run the evaluation command again: it writes one line for each sentence, in their order",
            public=True,
        )
    for_staff.update(bleu=round(100 * found.bleu, 2), signature=found.signature, share=found.bleu, exact=found.exact)
    return found


def _mix_up(student: Student, name: str, gold: Gold) -> str | None:
    """A sentence when this file translates the sentences of the other split."""
    stem, split, ending = name.rsplit(".", 2)
    other = "dev" if split == "test" else "test"
    lines, beside = (_lines_of(student, f"{stem}.{each}.{ending}") for each in (split, other))
    return of_another_split(split, lines, beside, references(gold.dev), gold.sentences_of_test)


def _lines_of(student: Student, name: str) -> Sequence[str]:
    """The lines of a predictions file, surplus spaces aside; none where there is no file that can be read."""
    path = student.submission.present.get(name)
    try:
        return [" ".join(line.split()) for line in parse(path.read_bytes())] if path else ()
    except PredictionsError:
        return ()


def expect_threshold(found: Score, threshold: float, name: str, hint: str, *, exact: bool = True) -> None:
    """A Failure unless the BLEU of predictions file `name` is at least the fraction `threshold`.

    Args:
        exact: tell the BLEU. Else only on which side of half the threshold it is: every figure that an upload brings
            tells something about translations that nobody has.
    """
    if not meets(found, threshold):
        seen = f"BLEU {shown(found)}" if exact else _coarse(found, threshold)
        told = f"{name}: a BLEU of at least {100 * threshold:g}"
        raise Failure(expected=told, seen=f"{name}: {seen}", hint=hint, public=True)


def _coarse(found: Score, threshold: float) -> str:
    half = f"{50 * threshold:g}"
    side = f"{half} or more, but less than {100 * threshold:g}" if meets(found, threshold / 2) else f"less than {half}"
    return f"a BLEU of {side} (the exact one is shown after the due date)"
