"""Results of a class, ours or what the platform's export brought, read into plain lines.

Promises: whatever lies in a results document (null, a failure's bare `output`, tests without numbers, words for
numbers), what can be read of it is read and the rest counts as not told. Nothing here raises for odd content.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.classroom.records import Record, Results, State

PASS, FAIL, UNJUDGED, SKIPPED = "pass", "fail", "unjudged", "skipped"

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Line:
    """What became of one graded test for one upload."""

    test: str  #: its ID; the title where a document has no numbers
    title: str
    score: float
    points: float
    outcome: str  #: PASS, FAIL, UNJUDGED, or SKIPPED where nobody tried
    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Of a full answer, 0 to 1, where the graded test measured it: right answers of all, or what it says itself."""
        told = self.extra.get("share")
        if isinstance(told, float) and 0 <= told <= 1:
            return told
        correct, total = self.extra.get("correct"), self.extra.get("total")
        if isinstance(correct, int) and isinstance(total, int) and 0 <= correct <= total and total > 0:
            return correct / total
        return None

    def spent(self, name: str) -> float | None:
        """The `seconds` or `peak_bytes` that the graded test took, where it is told."""
        told = self.extra.get("spent")
        return _number(told.get(name)) if isinstance(told, Mapping) else None


@dataclass(frozen=True)
class Sheet:
    """One results document, read."""

    lines: Mapping[str, Line]
    score: float | None
    extra: Mapping[str, Any]


def sheet(results: Results | None) -> Sheet:
    """The document; an empty one where there is none, or where it has no tests."""
    if not isinstance(results, Mapping):
        return Sheet({}, None, {})
    tests = results.get("tests")
    rows = [each for each in tests if isinstance(each, Mapping)] if isinstance(tests, list | tuple) else []
    lines = {line.test: line for line in map(_line, rows) if line.test}
    score = _number(results.get("score"))
    if score is None and lines:
        score = sum(line.score for line in lines.values())
    extra = results.get("extra_data")
    return Sheet(lines, score, extra if isinstance(extra, Mapping) else {})


def _line(row: Mapping[str, Any]) -> Line:
    extra = row.get("extra_data")
    extra = extra if isinstance(extra, Mapping) else {}
    title, test = _text(row.get("name")), _text(row.get("number"))
    score, points = _number(row.get("score")) or 0.0, _number(row.get("max_score")) or 0.0
    return Line(
        test or title, title, score, points, _outcome(row, extra, score, points), _text(row.get("output")), extra
    )


def _outcome(row: Mapping[str, Any], extra: Mapping[str, Any], score: float, points: float) -> str:
    """Of ours by `extra_data.outcome`; of other documents by the status, else by whether all points were given."""
    told = extra.get("outcome")
    if told in (PASS, FAIL, SKIPPED):
        return str(told)
    if told is not None:
        return UNJUDGED
    status = row.get("status")
    if status in ("passed", "failed"):
        return PASS if status == "passed" else FAIL
    return PASS if points and score >= points else FAIL


def message_of(output: str) -> str:
    """What a message says apart from its numbers, so that one complaint with many numbers is one message."""
    return _NUMBER.sub("#", " ".join(output.split()))[:_LONGEST_MESSAGE]


@dataclass(frozen=True)
class Upload:
    """A record with its results read, under the name that the report shows."""

    record: Record
    label: str
    now: Sheet
    before: Sheet

    @property
    def is_graded(self) -> bool:
        """Whether a finished grade of it is there."""
        return self.record.state is State.GRADED and self.record.results is not None

    def scrub(self, text: str) -> str:
        """`text` without what tells whose upload it is, unless the label tells it anyway."""
        for word in self._identity:
            text = re.sub(re.escape(word), self.label, text, flags=re.IGNORECASE)
        return text

    @property
    def _identity(self) -> Sequence[str]:
        if self.label != self.record.pseudonym:
            return ()
        people = (word for each in self.record.submitters for word in (each.email, each.name, each.sid) if word)
        words = {*people, self.record.submission, *((str(self.record.upload),) if self.record.upload else ())}
        return sorted((word for word in words if len(word) > 2), key=lambda word: (-len(word), word))


def uploads(records: Iterable[Record], *, names: bool) -> tuple[Upload, ...]:
    """The records, read, in the order of what the report calls them."""
    found = [
        Upload(each, _label(each) if names else each.pseudonym, sheet(each.results), sheet(each.previous))
        for each in records
    ]
    return tuple(sorted(found, key=lambda each: (each.label, each.record.submission)))


def _label(record: Record) -> str:
    people = [each.name or each.email or each.sid or "" for each in record.submitters]
    return ", ".join(name for name in people if name) or record.submission


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
