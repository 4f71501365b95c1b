"""results.json as Gradescope reads it: written fail-closed first, replaced atomically, strict JSON.

Promises: from the first `write` on, the file is valid at every moment, lists every graded test with its points, and no
graded test in it has a score that was not recorded for it. Source of the format: Gradescope's autograder specification.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


class Outcome(Enum):
    """What became of a graded test. NOT_RUN stands until something better is recorded."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
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

    def as_json(self) -> dict[str, Any]:
        """The entry of `tests`."""
        return {
            "number": self.graded_test.id,
            "name": clean(self.graded_test.title),
            "score": self.score,
            "max_score": self.graded_test.points,
            "status": "passed" if self.outcome is Outcome.PASS else "failed",
            "output": clean(self.output),
            "output_format": "text",
            "visibility": "visible",
            "extra_data": {"outcome": self.outcome.value, **plain(self.staff)},
        }


@dataclass
class Ledger:
    """The results of one run, in the order of the graded tests."""

    results: dict[str, Result]
    extra: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    finished: bool = False

    @classmethod
    def of(cls, graded_tests: Iterable[GradedTest], **extra: Any) -> Ledger:
        """A ledger in which nothing has run; `extra` goes to the top level's extra_data."""
        return cls({graded_test.id: Result(graded_test) for graded_test in graded_tests}, dict(extra))

    def record(self, test_id: str, outcome: Outcome, output: str, staff: Mapping[str, Any] | None = None) -> None:
        """Set what became of a graded test."""
        self.results[test_id] = replace(self.results[test_id], outcome=outcome, output=clean(output), staff=staff or {})

    def close_open(self, outcome: Outcome, reason: str) -> None:
        """Give every graded test that has not run this outcome and reason."""
        for test_id, result in self.results.items():
            if result.outcome is Outcome.NOT_RUN:
                self.record(test_id, outcome, reason)

    @property
    def score(self) -> float:
        """The points earned so far."""
        return sum(result.score for result in self.results.values())

    @property
    def faults(self) -> tuple[str, ...]:
        """IDs of the graded tests that an internal error, or an interruption, kept from being judged."""
        return tuple(i for i, r in self.results.items() if r.outcome in (Outcome.INTERNAL_ERROR, Outcome.NOT_RUN))

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
                "internal_error": not self.finished or bool(self.faults),
            },
            "tests": [result.as_json() for result in self.results.values()],
        }

    def _summary(self) -> str:
        lines = list(self.notes)
        if not self.finished:
            lines.insert(0, f"Grading was interrupted before it was complete. {INTERNAL_ERROR_NOTE}")
        elif self.faults:
            told = f"Not judged because of an internal error of the grader: {', '.join(self.faults)}"
            lines.insert(0, f"{told}. {INTERNAL_ERROR_NOTE}")
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Replace `path` by this ledger's document in one step; on any problem the old file stays.

        Raises:
            InternalError: the folder is missing, full or not writable.
        """
        text = json.dumps(self.as_json(), allow_nan=False, ensure_ascii=False, indent=1)
        replace_file(path, text.encode("utf-8"))


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


def read_back(path: Path, graded_tests: Iterable[GradedTest]) -> Ledger | None:
    """The ledger that an earlier `write` left at `path`, for the same graded tests; None where there is none to use.

    Only for files that our own processes wrote: it trusts the scores' outcomes in them.
    """
    try:
        document = json.loads(path.read_bytes())
        entries = {entry["number"]: entry for entry in document["tests"]}
        ledger = Ledger.of(graded_tests)
        ledger.extra = {k: v for k, v in document["extra_data"].items() if k != "internal_error"}
        for test_id in ledger.results:
            entry = entries[test_id]
            staff = dict(entry["extra_data"])
            ledger.record(test_id, Outcome(staff.pop("outcome")), entry["output"], staff)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return ledger
