"""What a failed graded test says to a student: expected, seen, the smallest case, and one hint."""

from __future__ import annotations

from dataclasses import dataclass

#: Stands for the type of an exception that Python itself does not define: its name is the student's text.
UNKNOWN = "the exception"


@dataclass
class Failure(AssertionError):
    """A graded test that does not hold.

    Attributes:
        expected: what right work does, as a sentence or a value.
        seen: what this work did. Never shown for a hidden graded test.
        hint: one thing to look at. Shown for hidden graded tests too, so it names no input.
        case: the smallest input that shows it. Never shown for a hidden graded test.
        public: whether expected and seen may be shown for a hidden graded test too (a missing file, an import that
        failed).
        raised: the type of the exception that student code raised, where it did.
    """

    expected: str
    seen: str
    hint: str = ""
    case: str = ""
    public: bool = False
    raised: str = ""

    def __str__(self) -> str:
        return render(self, hidden=False)


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
