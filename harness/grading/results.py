"""The results of one grade: what became of each graded test, how they travel, and results.json as Gradescope reads it.

A grade has its results twice. The session, which judges, keeps a copy and reports each change of it as one line of
JSON; the supervisor, which answers for results.json, applies the lines to its own. Both change by `apply` alone, so
they cannot come to differ.

Promises: from the first `write` on, the file is valid at every moment, lists every graded test with its points, and no
graded test in it has a score that was not recorded for it. Extra credit that nobody tried is one line for all of it,
without a score. It is output only: nothing here reads it. Source of the format: Gradescope's autograder specification.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from harness.errors import InternalError
from harness.grading.catalogue import GradedTest

#: Gradescope cuts each output at 100,000 characters; ours stay readable.
LONGEST_OUTPUT = 20_000
#: Room for the remark on what was cut.
_REMARK = 50

INTERNAL_ERROR_NOTE = (
    "This is an internal error of the grader, not of your work: it is reported to the course staff, "
    "and these points are not final."
)

#: Begins the line that names graded tests without a verdict.
UNJUDGED = "Not judged because of an internal error of the grader"


class Outcome(Enum):
    """What became of a graded test. NOT_RUN stands until something better is recorded."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    SKIPPED = "skipped"
    """Extra credit that was not tried: neither a pass nor a failure."""
    INTERNAL_ERROR = "internal_error"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Result:
    """One graded test's line in the results. `staff` goes into the line's extra_data."""

    graded_test: GradedTest
    outcome: Outcome = Outcome.NOT_RUN
    output: str = "This graded test has not run yet."
    staff: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """All of the graded test's points, or none."""
        return self.graded_test.points if self.outcome is Outcome.PASS else 0.0

    @property
    def is_failure(self) -> bool:
        """Whether points were missed: practice has none."""
        return self.outcome is Outcome.FAIL and self.graded_test.points > 0

    def as_json(self, hidden_tests: str) -> dict[str, Any]:
        """The entry of `tests`. `hidden_tests`: when students see a hidden graded test, in the platform's words."""
        practice = self.outcome is Outcome.FAIL and not self.is_failure
        status = "passed" if self.outcome is Outcome.PASS else "failed"
        return {
            "number": self.graded_test.id,
            "name": clean(self.graded_test.title),
            "score": self.score,
            "max_score": self.graded_test.points,
            **({} if practice else {"status": status}),  # an entry that says neither is red on no page
            "output": clean(self.output),
            "output_format": "text",
            "visibility": hidden_tests if self.graded_test.kind == "hidden" else "visible",
            "extra_data": {"outcome": self.outcome.value, **plain(self.staff)},
        }


@dataclass(frozen=True)
class Skipped:
    """The extra credit of one problem that was not tried, as one line."""

    problem: str
    results: tuple[Result, ...]

    @property
    def points(self) -> float:
        """What it would have added."""
        return sum(result.graded_test.points for result in self.results)

    @property
    def title(self) -> str:
        """The line: which parts, and that nothing is lost."""
        parts = ", ".join(dict.fromkeys(result.graded_test.part for result in self.results))
        worth = f"extra credit, {self.points:g} point{'s' * (self.points != 1)} on top" if self.points else "practice"
        return f"{parts} not tried ({worth}): nothing is lost"

    def as_json(self) -> dict[str, Any]:
        """The entry of `tests`: no score and no status, which the platform shows in no colour."""
        return {
            "number": self.problem,
            "name": self.title,
            "output": "Optional parts that were not uploaded, or not written yet, take nothing away.",
            "output_format": "text",
            "visibility": "visible",
            "extra_data": {
                "outcome": Outcome.SKIPPED.value,
                "tests": [result.graded_test.id for result in self.results],
            },
        }


#: What stands in place of a release's ID where a grader was run that belongs to none.
UNRELEASED = "none, the grader of a working copy"


class NoteKind(Enum):
    """What a note is about, for whoever shows some notes and not others."""

    OTHER_DATA = "other data"  # the upload was made for another term; before all else, since it explains the rest
    ABSENT = "absent"  # a deliverable that was not uploaded
    UPLOAD = "upload"  # anything else about the upload: a file that cannot be used, an unusual layout
    IGNORED = "ignored"  # files that nobody asked for
    GRADE = "grade"  # how the grade itself went


@dataclass(frozen=True)
class Verdict:
    """What became of the graded test with this ID."""

    test_id: str
    outcome: Outcome
    output: str
    staff: Mapping[str, Any] = field(default_factory=dict)


def verdict_on(test_id: str, outcome: Outcome, output: str, staff: Mapping[str, Any]) -> Verdict:
    """A verdict that JSON can say, whatever `output` and `staff` hold."""
    return Verdict(test_id, outcome, clean(output), plain(staff))


@dataclass(frozen=True)
class Note:
    """A sentence for the student, above the graded tests."""

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class Fact:
    """One entry of the top level's extra_data, for staff."""

    name: str
    value: Any


@dataclass(frozen=True)
class Done:
    """Every graded test has its verdict, and nothing more will come."""


Report = Verdict | Note | Fact | Done
_REPORTS: Mapping[str, Callable[..., Report]] = {
    "verdict": lambda test_id, outcome, output, staff: Verdict(
        str(test_id), Outcome(outcome), str(output), dict(staff)
    ),
    "note": lambda kind, text: Note(NoteKind(kind), str(text)),
    "fact": Fact,
    "done": Done,
}


class ReportError(Exception):
    """A line that is no report, or one about a graded test that this grade does not have."""


def to_line(report: Report) -> bytes:
    """The report as one line of JSON in ASCII, with its end: a line without one was cut off."""
    fields = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(report).items()}
    return json.dumps({type(report).__name__.lower(): fields}, allow_nan=False).encode("ascii") + b"\n"


def from_line(line: bytes) -> Report:
    """The inverse of `to_line`.

    Raises:
        ReportError: it is no whole line of `to_line`.
    """
    if not line.endswith(b"\n"):
        raise ReportError("a line without an end")
    try:
        ((name, fields),) = json.loads(line).items()
        return _REPORTS[name](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ReportError(f"{type(problem).__name__}: {problem}") from problem


def _unheard(_: Report) -> None:
    """Nobody listens."""


@dataclass
class Results:
    """The results of one grade, in the order of the graded tests.

    Read its fields; change them through its methods, which tell `listener` of every change.
    """

    by_id: dict[str, Result]
    extra: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    extra_credit: frozenset[str] = frozenset()
    """The parts whose points come on top."""
    hidden_tests: str = "visible"
    """When students see hidden graded tests, in the platform's words."""
    listener: Callable[[Report], None] = _unheard
    started: float = field(default_factory=time.monotonic)
    finished: bool = False

    @classmethod
    def of(
        cls,
        graded_tests: Iterable[GradedTest],
        *,
        extra_credit: Iterable[str] = (),
        hidden_tests: str = "visible",
        listener: Callable[[Report], None] = _unheard,
        **extra: Any,
    ) -> Results:
        """Results in which nothing has run; `extra` goes to the top level's extra_data."""
        by_id = {graded_test.id: Result(graded_test) for graded_test in graded_tests}
        return cls(
            by_id, dict(extra), extra_credit=frozenset(extra_credit), hidden_tests=hidden_tests, listener=listener
        )

    def apply(self, report: Report) -> None:
        """Take in one report.

        Raises:
            ReportError: it is about a graded test that is not among these.
        """
        match report:
            case Verdict(test_id, outcome, output, staff):
                if test_id not in self.by_id:
                    raise ReportError(f"no graded test {test_id} in this grade")
                self.by_id[test_id] = replace(self.by_id[test_id], outcome=outcome, output=output, staff=staff)
            case Note(NoteKind.OTHER_DATA):
                self.notes.insert(0, report)
            case Note():
                self.notes.append(report)
            case Fact(name, value):
                self.extra[name] = value
            case Done():
                self.finished = True
        self.listener(report)

    def record(self, test_id: str, outcome: Outcome, output: str, staff: Mapping[str, Any] | None = None) -> None:
        """Set what became of a graded test. A later record takes an earlier one's place."""
        self.apply(verdict_on(test_id, outcome, output, staff or {}))

    def add_note(self, kind: NoteKind, text: str) -> None:
        """Say something to the student, above the graded tests."""
        self.apply(Note(kind, clean(text)))

    def add_extra(self, name: str, value: Any) -> None:
        """Set an entry of the top level's extra_data."""
        self.apply(Fact(name, plain(value)))

    def close_open(self, outcome: Outcome, reason: str) -> None:
        """Give every graded test that has not run this outcome and reason."""
        for test_id, result in list(self.by_id.items()):
            if result.outcome is Outcome.NOT_RUN:
                self.record(test_id, outcome, reason)

    def finish(self, reason: str) -> None:
        """Close what is open as an internal error, and say that nothing more will come."""
        self.close_open(Outcome.INTERNAL_ERROR, f"Not judged: {reason} {INTERNAL_ERROR_NOTE}")
        self.apply(Done())

    @property
    def score(self) -> float:
        """The points earned so far."""
        return sum(result.score for result in self.by_id.values())

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Extra credit that was not tried, by problem."""
        by_problem: dict[str, list[Result]] = {}
        for result in self.by_id.values():
            if result.outcome is Outcome.SKIPPED:
                by_problem.setdefault(result.graded_test.part[0], []).append(result)
        return tuple(Skipped(problem, tuple(found)) for problem, found in by_problem.items())

    @property
    def internal_errors(self) -> tuple[str, ...]:
        """IDs of the graded tests that an internal error, or an interruption, kept from being judged."""
        return tuple(i for i, r in self.by_id.items() if r.outcome in (Outcome.INTERNAL_ERROR, Outcome.NOT_RUN))

    def as_json(self) -> dict[str, Any]:
        """The whole document."""
        return {
            "score": self.score,
            "execution_time": round(time.monotonic() - self.started, 3),
            "output": clean(self._summary()),
            "output_format": "text",
            "stdout_visibility": "hidden",
            "extra_data": {
                "release": None,
                "seed": None,
                "isolation": None,
                **plain(self.extra),
                "internal_error": not self.finished or bool(self.internal_errors),
            },
            "tests": [*self._tests()],
        }

    def _tests(self) -> Iterator[dict[str, Any]]:
        for result in self.by_id.values():
            if result.outcome is not Outcome.SKIPPED:
                yield result.as_json(self.hidden_tests)
        for each in self.skipped:
            yield each.as_json()

    def _summary(self) -> str:
        lines = [note.text for note in self.notes]
        if not self.finished:
            lines.insert(0, f"Grading was interrupted before it was complete. {INTERNAL_ERROR_NOTE}")
        elif self.internal_errors:
            lines.insert(0, told_unjudged(self.internal_errors))
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Replace `path` by these results' document in one step; on any problem the old file stays.

        Raises:
            InternalError: the folder is missing, full or not writable.
        """
        text = json.dumps(self.as_json(), allow_nan=False, ensure_ascii=False, indent=1)
        replace_file(path, text.encode("utf-8"))


def told_unjudged(test_ids: Iterable[str]) -> str:
    """The line that heads the output where an internal error kept these graded tests from being judged."""
    return f"{UNJUDGED}: {', '.join(test_ids)}. {INTERNAL_ERROR_NOTE}"


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, then move it there: readers see the old file or the new one, never a part."""
    name = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except OSError as problem:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        raise InternalError(
            f"{path}: cannot write the results ({problem.strerror}); the file was left as it was"
        ) from problem


def clean(text: str) -> str:
    """Text that every JSON reader takes: no lone surrogates, NULs or terminal controls, and cut when long.

    What is clean stays as it is. A text is cut first: a student's may be megabytes long.
    """
    over = len(text) - LONGEST_OUTPUT
    kept = text if over <= _REMARK else text[:LONGEST_OUTPUT]
    kept = kept.encode("utf-8", "replace").decode("utf-8")
    kept = "".join(c if c in "\n\t" or c.isprintable() or c == "\u2028" else "\ufffd" for c in kept)
    return kept if over <= _REMARK else f"{kept}\n[{over} characters cut]"


def plain(value: Any) -> Any:
    """`value` as strict JSON can say it; what it cannot say is described, so that no note breaks the results."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return clean(repr(value))
