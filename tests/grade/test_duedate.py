"""Whether the due date has passed, read from whatever the platform leaves."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.grading.duedate import due_date_passed

NOW = datetime(2030, 3, 1, 12, 0, tzinfo=timezone.utc)
PAST, FUTURE = "2030-03-01T04:59:59.000000-07:00", "2030-03-01T05:00:01.000000-07:00"


def written(folder: Path, assignment: Any) -> Path:
    path = folder / "submission_metadata.json"
    path.write_text(json.dumps({"id": 1, "assignment": assignment}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("assignment", "passed"),
    [
        ({"due_date": PAST, "late_due_date": None}, True),
        ({"due_date": PAST}, True),
        ({"due_date": "2030-03-01T11:59:59Z"}, True),
        ({"due_date": FUTURE, "late_due_date": None}, False),
        ({"due_date": PAST, "late_due_date": FUTURE}, False),
        ({"due_date": PAST, "late_due_date": PAST}, True),
    ],
)
def test_it_has_passed_when_the_last_date_is_over(tmp_path: Path, assignment: Any, passed: bool) -> None:
    assert due_date_passed(written(tmp_path, assignment), NOW) is passed


@pytest.mark.parametrize(
    "assignment",
    [None, [], "text", {}, {"due_date": None}, {"due_date": 5}, {"due_date": "soon"}, {"due_date": "2030-02-01T00:00:00"},
     {"due_date": None, "late_due_date": PAST}, {"due_date": PAST, "late_due_date": "late"}],
)  # fmt: skip
def test_what_cannot_be_read_counts_as_not_passed(tmp_path: Path, assignment: Any) -> None:
    assert due_date_passed(written(tmp_path, assignment), NOW) is False


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"[" * 100_000])
def test_a_file_that_is_none_counts_as_not_passed(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "submission_metadata.json"
    if content is not None:
        path.write_bytes(content)
    assert due_date_passed(path, NOW) is False
