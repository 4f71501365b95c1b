"""The page of one upload, as `grade --html` writes it, from the results that the journal keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.assignment import Assignment
from harness.classroom.reading import FAIL, PASS, SKIPPED, Line, Upload
from harness.grading import catalogue
from harness.grading.catalogue import GradedTest
from harness.grading.page import as_html
from harness.grading.results import Note, NoteKind, Outcome, Result, Results, replace_file

FOLDER = "pages"
_OUTCOMES = {PASS: Outcome.PASS, FAIL: Outcome.FAIL, SKIPPED: Outcome.SKIPPED}


def write(uploads: Iterable[Upload], folder: Path, assignment: Assignment) -> dict[str, str]:
    """Write a page for each graded upload into `folder`/pages; submission -> where, as the report links it."""
    known = {each.id: each for each in catalogue.collect(assignment)}
    places: dict[str, str] = {}
    for upload in uploads:
        if upload.is_graded:
            place = f"{FOLDER}/{re.sub(r'[^A-Za-z0-9_-]', '_', upload.record.pseudonym)}.html"
            (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
            titles = {part.id: part.title for part in assignment.parts}
            page = as_html(results_of(upload, known, assignment), upload.record.pseudonym, titles)
            replace_file(folder / place, page.encode("utf-8"))
            places[upload.record.submission] = place
    return places


def results_of(upload: Upload, known: Mapping[str, GradedTest], assignment: Assignment) -> Results:
    """The results of a finished grade, as they were before they were written down."""
    told = str((upload.record.results or {}).get("output") or "")
    results = Results(
        {test: _result(upload, line, known) for test, line in upload.now.lines.items()},
        extra=dict(upload.now.extra),
        notes=[Note(NoteKind.GRADE, upload.scrub(line)) for line in told.splitlines()],
        extra_credit=frozenset(part.id for part in assignment.parts if part.extra_credit),
        hidden_tests=assignment.hidden_tests,
    )
    results.finished = True
    return results


def _result(upload: Upload, line: Line, known: Mapping[str, GradedTest]) -> Result:
    """One line; its title and points are those of then, whatever the graded test says now."""
    part = line.test.partition("-")[0]
    kind = known[line.test].kind if line.test in known else "hidden"
    graded_test = GradedTest(line.test, line.title, part, line.points, kind, "", "")
    outcome = _OUTCOMES.get(line.outcome, Outcome.INTERNAL_ERROR)
    staff = {name: value for name, value in line.extra.items() if name != "outcome"}
    return Result(graded_test, outcome, upload.scrub(line.message), staff)
