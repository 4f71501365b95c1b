"""The page of one grade: failures first, what is for staff in their view alone, and nothing said twice."""

from __future__ import annotations

import re

from harness.grading.catalogue import collect
from harness.grading.page import as_html, as_text
from harness.grading.results import NoteKind, Outcome, Results
from harness.manifest import load

GRADED_TESTS = collect(load())
TITLES = {part.id: part.title for part in load().parts}
DATA = "0123abcd, key 4567cdef, of release 1-2-3, from /srv/secret/data"


def graded() -> Results:
    results = Results.of(
        GRADED_TESTS, extra_credit=[p.id for p in load().parts if p.extra_credit], seed="5eed", data=DATA
    )
    for number, each in enumerate(GRADED_TESTS):
        skipped = each.part.startswith("3")
        outcome = Outcome.SKIPPED if skipped else Outcome.FAIL if number == 5 else Outcome.PASS
        results.record(each.id, outcome, "hint: <look>", {"correct": 3} if number == 5 else None)
    return results


def test_failures_come_first_and_sums_of_parts_stand_on_top() -> None:
    page = as_html(graded(), "ada.zip", TITLES)
    listed = re.findall(r'<span class="id">([^<]+)</span>', page)
    assert listed[0] == GRADED_TESTS[5].id
    assert listed[1] == "3"  # not tried, before all that pass
    assert page.index("<b>1c</b>4 / 4") < page.index(listed[0])
    assert "ada.zip" in page
    assert "hint: &lt;look&gt;" in page


def test_students_see_nothing_that_is_for_staff() -> None:
    student, staff = (as_html(graded(), "ada.zip", TITLES, view) for view in ("student", "staff"))
    for text in ("5eed", "/srv/secret", "4567cdef", "correct: 3"):
        assert text in staff
        assert text not in student
    assert "0123abcd" in student


def test_upload_of_which_nothing_can_be_read_is_told_once() -> None:
    results = Results.of(GRADED_TESTS)
    results.add_note(NoteKind.UPLOAD, "notes.zip: is not a zip that can be read")
    results.close_open(Outcome.FAIL, "Nothing to judge, for the reason that stands above all tests.")
    for shown in (as_text(results), as_html(results, "notes.zip", TITLES)):
        assert shown.count("is not a zip that can be read") == 1
        assert "Nothing to judge" not in shown


def test_what_a_graded_test_took_is_told_to_staff_in_figures() -> None:
    results = graded()
    spent = {"seconds": 2.345, "cpu_seconds": 1.26, "peak_bytes": 300 << 20}
    told = {"spent": spent, "provenance": {"asked": 120, "given": 119}}
    results.record(GRADED_TESTS[0].id, Outcome.PASS, "passed", told)
    results.record(GRADED_TESTS[1].id, Outcome.PASS, "passed", {"spent": {"seconds": 0.04}})
    student, staff = (as_html(results, "ada.zip", TITLES, view) for view in ("student", "staff"))
    assert "took 1.3 s of processor, 2.3 s by the clock, 300 MiB of memory\nprovenance: asked 120, given 119" in staff
    assert "took 0.0 s by the clock<" in staff
    for text in ("took ", "MiB", "peak_bytes", "provenance"):
        assert text not in student
    assert "{" not in staff.partition("</style>")[2]


def test_grade_without_a_release_says_so_in_words() -> None:
    assert "<dd>none, the grader of a working copy</dd>" in as_html(graded(), "ada.zip", TITLES)
    results = graded()
    results.add_extra("release", "1-2-3")
    assert "<dd>1-2-3</dd>" in as_html(results, "ada.zip", TITLES)
