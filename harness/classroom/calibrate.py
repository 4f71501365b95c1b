"""Next term's question: what in a finished class told nobody apart, and what nobody could make use of. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise

from harness.classroom.items import Accuracies, Item, accuracies, items
from harness.classroom.reading import FAIL, PASS, Sheet, Upload, message_of, sheet

#: Fewer uploads say too little of a graded test, and fewer students of a message.
LEAST_UPLOADS = 5
LEAST_STUDENTS = 3


@dataclass(frozen=True)
class Advice:
    """A message, how many uploads it was told to, and how many of these held in the next upload of the same people."""

    test: str
    text: str
    told: int
    better: int


@dataclass(frozen=True)
class Calibration:
    """What `calibrate` found in a class of `graded` uploads."""

    graded: int
    all_passed: tuple[Item, ...]
    all_failed: tuple[Item, ...]
    met_by_all: tuple[Accuracies, ...]
    met_by_none: tuple[Accuracies, ...]
    no_help: tuple[Advice, ...]
    followed: int  #: how many pairs of an upload and its next one there were to look at


def calibration(uploads: Sequence[Upload], thresholds: Mapping[str, float]) -> Calibration:
    """Read a finished class."""
    judged = [item for item in items(uploads) if item.judged >= LEAST_UPLOADS]
    counted = [each for each in accuracies(uploads, thresholds) if len(each.shares) >= LEAST_UPLOADS]
    bounded = [each for each in counted if each.threshold is not None]
    advice = tuple(_advice(uploads))
    return Calibration(
        graded=sum(upload.is_graded for upload in uploads),
        all_passed=tuple(item for item in judged if item.passed == item.judged),
        all_failed=tuple(item for item in judged if item.passed == 0),
        met_by_all=tuple(each for each in bounded if each.met == len(each.shares)),
        met_by_none=tuple(each for each in bounded if each.met == 0),
        no_help=tuple(each for each in advice if each.told >= LEAST_STUDENTS and each.better == 0),
        followed=sum(max(0, len(_attempts(upload)) - 1) for upload in uploads),
    )


def _advice(uploads: Sequence[Upload]) -> Iterator[Advice]:
    told: Counter[tuple[str, str]] = Counter()
    better: Counter[tuple[str, str]] = Counter()
    shown: dict[tuple[str, str], str] = {}
    for upload in uploads:
        met = {key: (text, improved) for key, text, improved in _followed(upload)}  # a student counts once
        for key, (text, improved) in met.items():
            told[key] += 1
            better[key] += improved
            shown[key] = min(shown.get(key, text), text)
    for key in sorted(told, key=lambda key: (-told[key], key)):
        yield Advice(key[0], shown[key], told[key], better[key])


def _followed(upload: Upload) -> Iterator[tuple[tuple[str, str], str, bool]]:
    """Each message that the people of an upload read, and whether its graded test held in their next one."""
    attempts = _attempts(upload)
    for before, after in pairwise(attempts):
        for test, line in before.lines.items():
            if line.outcome == FAIL and line.message and test in after.lines:
                text = upload.scrub(line.message)
                yield (test, message_of(text)), text, after.lines[test].outcome == PASS


def _attempts(upload: Upload) -> list[Sheet]:
    """What its people read, in the order of their uploads; the last is what the platform graded, not our regrade."""
    record = upload.record
    earliest = datetime.min.replace(tzinfo=timezone.utc)
    dated = [(each.created_at or earliest, sheet(each.results)) for each in record.history]
    last = upload.before if upload.before.lines else upload.now
    dated.append((record.created_at or datetime.max.replace(tzinfo=timezone.utc), last))
    dated.sort(key=lambda each: each[0] if each[0].tzinfo else each[0].replace(tzinfo=timezone.utc))
    return [each for _, each in dated if each.lines]


def as_text(found: Calibration) -> str:
    """For the terminal."""
    lines = [f"{found.graded} graded uploads"]
    for heading, told in _sections(found):
        lines += ["", heading, *(f"  {line}" for line in told or ["none"])]
    return "\n".join(lines)


def _sections(found: Calibration) -> Iterator[tuple[str, list[str]]]:
    yield "Graded tests that everybody passed", [_of(item) for item in found.all_passed]
    yield "Graded tests that nobody passed", [_of(item) for item in found.all_failed]
    yield "Thresholds that everybody met", [_bound(each, min(each.shares)) for each in found.met_by_all]
    yield "Thresholds that nobody met", [_bound(each, max(each.shares)) for each in found.met_by_none]
    heading = f"Messages after which no next upload was better (n = {found.followed} pairs of uploads)"
    yield heading, [f"{each.test}: {each.told} students: {' '.join(each.text.split())}" for each in found.no_help]


def _of(item: Item) -> str:
    return f"{item.test} (n = {item.judged}, {item.points:g} points): {item.title}"


def _bound(each: Accuracies, nearest: float) -> str:
    word = "least" if each.met else "best"
    return f"{each.test} (n = {len(each.shares)}): {100 * (each.threshold or 0):g}%; the {word} is {100 * nearest:.1f}%"
