"""What a release shows on the terminal: the steps as they pass, and at the end who gets what and what was earned.

Promises: looks only; decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from harness.assignment import Assignment
from harness.release.handouts.course import Course
from harness.release.selfcheck import Marks

AUDIENCES = {
    "student.zip": "students",
    "autograder.zip": "Gradescope",
    "manifest.json": "staff",
    "profile.toml": "staff",
}


def warn(console: Console, *, demo_key: bool, course: Course | None = None) -> None:
    """Say loudly what makes this release no course's: answers that are no secret, a course that is made up."""
    if demo_key:
        console.print(
            "THE PUBLIC DEMO KEY IS IN USE: everyone can make the test answers of this release again. "
            "For a term, make a key file and give it with --key-file.",
            style="bold white on red",
        )
    if course is not None and course.example:
        console.print(
            "THE HANDOUTS SHOW AN EXAMPLE: course, term and dates in handouts/course.toml are made up. "
            "Write your own there, and set example = false.",
            style="bold white on red",
        )


def artefact_table(artefacts: Mapping[str, bytes], entries: Mapping[str, Mapping[str, bytes]]) -> Table:
    """Who gets which file: entries, size, the beginning of its SHA-256."""
    table = _table("What each audience gets")
    for heading in ("audience", "file in dist/"):
        table.add_column(heading, overflow="fold")
    for heading in ("files", "size"):
        table.add_column(heading, justify="right")
    table.add_column("sha256")
    for name, data in sorted(artefacts.items(), key=lambda item: (_audience(item[0]), item[0])):
        count = str(len(entries[name])) if name in entries else "1"
        audience = _audience(name)
        table.add_row(audience, name, count, f"{len(data) / 1024:,.0f} KiB", hashlib.sha256(data).hexdigest()[:12])
    return table


def _audience(name: str) -> str:
    return "staff" if name.startswith("staff/") else AUDIENCES.get(name, "students")


def marks_table(marks: Iterable[Marks], assignment: Assignment) -> Table:
    """What each upload of the self-check earns, part by part."""
    shown = list(marks)
    table = _table("What the self-check saw")
    table.add_column("part")
    for each in shown:
        table.add_column(each.who, justify="right")
    for part in assignment.parts:
        table.add_row(f"{part.id} {part.title}", *(_points(each, part.id) for each in shown))
    table.add_section()
    for title, extra in (("total", False), ("extra credit", True)):
        parts = [part.id for part in assignment.parts if part.extra_credit == extra]
        if parts:
            table.add_row(title, *(_sum(each, parts) for each in shown))
    return table


def _table(title: str) -> Table:
    """Narrow enough for a terminal of 80 columns."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))


def _sum(marks: Marks, parts: Iterable[str]) -> str:
    earned, possible = (sum(points.get(part, 0) for part in parts) for points in (marks.points, marks.possible))
    return f"{earned:g} of {possible:g}"


def _points(marks: Marks, part: str) -> str:
    if part not in marks.possible:
        return "-"
    return f"{marks.points[part]:g} of {marks.possible[part]:g}"
