"""handouts/course.toml: what a course changes from term to term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness import settings
from harness.settings import Table

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MOST_SPACE = 20  # centimetres: what a page has
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
    late: str
    """Sentences on work that comes late."""
    uploads: str
    """Sentences on how often one may upload, and what counts."""
    honour: str
    """Sentences on the rules for working together, behind the assignment's own."""
    paper: str
    example: bool  # the rest is made up, and the handouts say so
    answer_space: Mapping[str, float] = field(default_factory=dict)
    """Question of a written part -> centimetres for an answer by hand, below the question in the handout."""

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
        SettingsError: missing, no TOML, a key missing or unknown or of the wrong kind, or due before it is issued.
    """
    table = settings.read(path, "the course's particulars")
    names = [entry.name for entry in fields(Course)]
    table.only([name for name in names if name != "answer_space"], ["answer_space"])
    for name, value in table.values.items():
        _check(table, name, value)
    course = Course(**table.values)
    if course.due.date() < course.issued:
        table.refuse("due", f"lies before issued, {course.issued:%Y-%m-%d}")
    return course


def _check(table: Table, name: str, value: Any) -> None:
    if name == "due":
        if not isinstance(value, dt.datetime) or value.tzinfo is not None:
            table.refuse(name, "a local date and time is needed, such as 2027-04-04T23:59:00")
    elif name == "issued":
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            table.refuse(name, "a date is needed, such as 2027-03-12")
    elif name == "answer_space":
        spaces = table.table(name)
        for label in spaces.values:
            spaces.number(label, 0, _MOST_SPACE, f"a number of centimetres, at most {_MOST_SPACE},")
    elif name == "example":
        table.flag(name)
    else:
        table.text(name, among=_PAPERS if name == "paper" else ())
