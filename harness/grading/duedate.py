"""Whether the assignment's due date has passed, as the platform's submission_metadata.json has it.

Only the grader reads that file. It is read leniently: whatever it lacks or says otherwise, the due date has not passed,
and less is told. No verdict follows from it.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

#: Where the platform leaves it.
METADATA = Path("/autograder/submission_metadata.json")

_LARGEST = 16 << 20
_DATES = ("due_date", "late_due_date")


def due_date_passed(metadata: Path = METADATA, now: datetime | None = None) -> bool:
    """Whether the due date, and the one for late work where there is one, are over."""
    try:
        with metadata.open("rb") as stream:
            assignment = json.loads(stream.read(_LARGEST))["assignment"]
        dates = [_date(assignment[name]) for name in _DATES if assignment.get(name) is not None]
        return assignment.get("due_date") is not None and max(dates) < (now or datetime.now(timezone.utc))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def _date(text: str) -> datetime:
    """The moment that an ISO text names; TypeError, when it is compared, for one without an offset."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
