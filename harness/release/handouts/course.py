"""handouts/course.toml: what a course changes from term to term."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_PAPERS = ("us-letter", "a4")


@dataclass(frozen=True)
class Course:
    """The course's own words in the handouts. Every key of course.toml is a field here, and the other way round."""

    course: str
    term: str
    problem_set: str
    issued: dt.date
    due: dt.datetime
    timezone: str
    questions: str
    upload: str
    paper: str
    example: bool  # the rest is made up, and the handouts say so

    @property
    def due_sentence(self) -> str:
        """The deadline in words, such as `Due Sunday, April 4, 2027, at 11:59 pm Pacific Time.`."""
        due = self.due
        hour = due.hour % 12 or 12
        clock = f"{hour}:{due.minute:02} {'am' if due.hour < 12 else 'pm'}"
        return (
            f"Due {_DAYS[due.weekday()]}, {_MONTHS[due.month - 1]} {due.day}, {due.year}, at {clock} {self.timezone}."
        )


def load_course(path: Path) -> Course:
    """Read `path`.

    Raises:
        UsageError: missing, no TOML, a key missing or unknown or of the wrong kind, or due before it is issued.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the course's particulars ({problem.strerror})") from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not valid TOML: {problem}") from problem
    known = [entry.name for entry in fields(Course)]
    if wrong := sorted(set(known) ^ set(raw)):
        state = "missing" if wrong[0] in known else "unknown"
        raise UsageError(f"{path}: '{wrong[0]}' is {state}; the keys are {', '.join(known)}")
    for name in known:
        _check(path, name, raw[name])
    course = Course(**raw)
    if course.due.date() < course.issued:
        raise UsageError(f"{path}: due {course.due:%Y-%m-%d} lies before issued {course.issued:%Y-%m-%d}")
    return course


def _check(path: Path, name: str, value: Any) -> None:
    if name == "due":
        if not isinstance(value, dt.datetime) or value.tzinfo is not None:
            raise UsageError(f"{path}: due = {value}: a local date and time is needed, such as 2027-04-04T23:59:00")
    elif name == "issued":
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            raise UsageError(f"{path}: issued = {value}: a date is needed, such as 2027-03-12")
    elif name == "example":
        if not isinstance(value, bool):
            raise UsageError(f"{path}: example = {value!r}: true or false is needed")
    elif not isinstance(value, str) or not value.strip():
        raise UsageError(f"{path}: {name} = {value!r}: some text is needed")
    elif name == "paper" and value not in _PAPERS:
        raise UsageError(f"{path}: paper = {value!r}: choose {' or '.join(_PAPERS)}")
