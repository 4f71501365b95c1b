"""What a failed graded test says to a student: expected, seen, the smallest case, and one hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any


class Cause(Enum):
    """What kind of reason a graded test has for not holding."""

    PROPERTY = "property"  # the code answered, and the answer is not right
    ENDED = "ended"  # the code raised an exception or ended its process where it should have answered
    LIMIT = "limit"  # it took more time or memory than it may
    UNREADABLE = "unreadable"  # it answered something that cannot be read
    WAITS = "waits"  # there is nothing to look at yet: a file, a part or an import is missing


@dataclass
class Failure(AssertionError):  # noqa: N818 - a verdict that pytest reads as a failed test; nothing went wrong
    """A graded test that does not hold.

    Attributes:
        expected: what right work does, as a sentence or a value.
        seen: what this work did. Never shown for a hidden graded test.
        hint: one thing to look at. Shown for hidden graded tests too, so it names no input.
        case: the smallest input that shows it. Never shown for a hidden graded test.
        public: whether expected and seen may be shown for a hidden graded test too (a missing file, an import that
        failed).
        cause: what kind of reason it is.
    """

    expected: str
    seen: str
    hint: str = ""
    case: str = ""
    public: bool = False
    cause: Cause = Cause.PROPERTY

    def __str__(self) -> str:
        return render(self, hidden=False)

    def to_dict(self) -> dict[str, Any]:
        """The failure in plain values; the inverse of `from_dict`."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.value if isinstance(value, Enum) else value for name, value in told.items()}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Failure:
        """The inverse of `to_dict`."""
        kinds = {field.name: type(field.default) for field in fields(cls) if isinstance(field.default, Enum)}
        values: dict[str, Any] = {name: kinds[name](each) if name in kinds else each for name, each in told.items()}
        return cls(**values)


def expect(condition: object, expected: str, seen: object, *, hint: str, case: object = "") -> None:
    """Raise a Failure unless `condition` holds."""
    if not condition:
        raise Failure(expected=expected, seen=str(seen), hint=hint, case=str(case))


def render(failure: Failure, *, hidden: bool) -> str:
    """The lines that a student reads; for a hidden graded test only what may be told."""
    rows = []
    if not hidden or failure.public:
        rows += [("expected", failure.expected), ("seen", failure.seen), ("case", failure.case)]
    rows.append(("hint", failure.hint))
    return "\n".join(f"{label + ':':<10}{text}" for label, text in rows if text)
