"""Item analysis: what the graded tests and their thresholds tell of a class. Pure."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.classroom.reading import FAIL, PASS, UNJUDGED, Line, Upload, message_of


@dataclass(frozen=True)
class Item:
    """One graded test over a class.

    Of `judged` uploads it has a verdict, `unjudged` had an internal error, and the others did not try it.
    """

    test: str
    title: str
    points: float
    judged: int
    passed: int
    unjudged: int
    discrimination: float | None  #: point-biserial, with the rest of the score; None where it is not defined
    seconds: float | None  #: median over the uploads that tell it
    peak_bytes: float | None  #: the same
    timed: int  #: how many tell seconds
    weighed: int  #: how many tell memory

    @property
    def rate(self) -> float | None:
        """The share that passed."""
        return self.passed / self.judged if self.judged else None

    @property
    def difficulty(self) -> float | None:
        """The share that did not pass."""
        return None if self.rate is None else 1 - self.rate


@dataclass(frozen=True)
class Accuracies:
    """Right answers of a class in one graded test of predictions, and the least share that earns its points."""

    test: str
    title: str
    shares: tuple[float, ...]
    threshold: float | None

    @property
    def met(self) -> int:
        """How many reach the threshold."""
        return sum(share >= (self.threshold or 0) - 1e-12 for share in self.shares)


@dataclass(frozen=True)
class Message:
    """What a failed graded test said, numbers aside, and to how many uploads."""

    test: str
    text: str  #: as one of them read it
    count: int


def items(uploads: Sequence[Upload]) -> tuple[Item, ...]:
    """Every graded test that a finished grade of the class has, by ID."""
    columns: defaultdict[str, list[tuple[Line, float]]] = defaultdict(list)
    for upload in uploads:
        if upload.is_graded:
            total = sum(line.score for line in upload.now.lines.values())
            for line in upload.now.lines.values():
                columns[line.test].append((line, total - line.score))
    return tuple(_item(test, columns[test]) for test in sorted(columns))


def _item(test: str, column: Sequence[tuple[Line, float]]) -> Item:
    judged = [(line, rest) for line, rest in column if line.outcome in (PASS, FAIL)]
    passes = [line.outcome == PASS for line, _ in judged]
    seconds = [value for line, _ in column if (value := line.spent("seconds")) is not None]
    peaks = [value for line, _ in column if (value := line.spent("peak_bytes")) is not None]
    return Item(
        test=test,
        title=column[0][0].title,
        points=max(line.points for line, _ in column),
        judged=len(judged),
        passed=sum(passes),
        unjudged=sum(line.outcome == UNJUDGED for line, _ in column),
        discrimination=correlation(passes, [rest for _, rest in judged]),
        seconds=statistics.median(seconds) if seconds else None,
        peak_bytes=statistics.median(peaks) if peaks else None,
        timed=len(seconds),
        weighed=len(peaks),
    )


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's; with zeros and ones on one side it is the point-biserial. None where a side does not vary."""
    if len(first) < 3:
        return None
    centre, other = statistics.fmean(first), statistics.fmean(second)
    spread = math.sqrt(sum((x - centre) ** 2 for x in first) * sum((y - other) ** 2 for y in second))
    if spread < 1e-12:
        return None
    return sum((x - centre) * (y - other) for x, y in zip(first, second, strict=True)) / spread


def accuracies(uploads: Sequence[Upload], thresholds: Mapping[str, float]) -> tuple[Accuracies, ...]:
    """For each graded test that counts right answers, those of the class."""
    shares: defaultdict[str, list[float]] = defaultdict(list)
    titles: dict[str, str] = {}
    for line in _lines(uploads):
        if line.share is not None:
            shares[line.test].append(line.share)
            titles.setdefault(line.test, line.title)
    return tuple(Accuracies(test, titles[test], tuple(shares[test]), thresholds.get(test)) for test in sorted(shares))


def messages(uploads: Sequence[Upload]) -> tuple[Message, ...]:
    """What failed graded tests said, the most common first."""
    counts: Counter[tuple[str, str]] = Counter()
    shown: dict[tuple[str, str], str] = {}
    for upload in uploads:
        if not upload.is_graded:
            continue
        for line in upload.now.lines.values():
            if line.outcome == FAIL:
                text = upload.scrub(line.message)
                key = (line.test, message_of(text))
                counts[key] += 1
                shown[key] = min(shown.get(key, text), text)  # one of them, whatever the order of the class
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    return tuple(Message(key[0], shown[key], counts[key]) for key in ranked)


def _lines(uploads: Iterable[Upload]) -> Iterator[Line]:
    for upload in uploads:
        if upload.is_graded:
            yield from upload.now.lines.values()
