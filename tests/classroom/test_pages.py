"""The page of one upload: that of its grade, reached from the report."""

from __future__ import annotations

import re
import stat
from dataclasses import replace

from harness import manifest
from harness.classroom import pages, report
from harness.classroom.records import State
from harness.grading import catalogue
from harness.grading.page import as_html
from harness.grading.results import Note, NoteKind, Outcome, Results

from . import made_class


def graded() -> Results:
    loaded = manifest.load()
    extra_credit = [part.id for part in loaded.parts if part.extra_credit]
    results = Results.of(catalogue.collect(loaded), extra_credit=extra_credit, release="2026-autumn", seed="7")
    for at, test in enumerate(results.by_id):
        results.record(
            test, (Outcome.PASS, Outcome.FAIL, Outcome.INTERNAL_ERROR)[at % 3], f"said of {test}", {"look": "odd"}
        )
    results.apply(Note(NoteKind.UPLOAD, "opened 'work.zip'"))
    results.finish("")
    return results


def record_of(results: Results):
    return replace(made_class.records(1)[0], state=State.GRADED, results=results.as_json())


def test_it_is_the_page_that_the_grade_itself_writes(tmp_path):
    results = graded()
    found = report.read([record_of(results)], manifest.load())
    (place,) = pages.write(found.uploads, tmp_path, manifest.load()).values()
    page = (tmp_path / place).read_text(encoding="utf-8")
    notes = [Note(NoteKind.GRADE, line) for line in results.as_json()["output"].splitlines()]
    titles = {part.id: part.title for part in manifest.load().parts}
    assert page == as_html(replace(results, notes=notes), found.uploads[0].record.pseudonym, titles)
    assert stat.S_IMODE((tmp_path / place).stat().st_mode) == 0o600


def test_the_report_links_the_pages_that_are_there(tmp_path):
    records = made_class.records(30)
    found = report.read(records, manifest.load())
    found = replace(found, pages=pages.write(found.uploads, tmp_path, manifest.load()))
    linked = re.findall(r'<a href="(pages/[^"]+)">', report.as_html(found))
    assert len(linked) == len(set(linked)) == len(found.graded) == 29
    assert all((tmp_path / place).is_file() for place in linked)


def test_a_pseudonym_is_no_way_out_of_the_folder(tmp_path):
    record = replace(record_of(graded()), pseudonym="../../up")
    found = report.read([record], manifest.load())
    (place,) = pages.write(found.uploads, tmp_path, manifest.load()).values()
    assert (tmp_path / place).parent == tmp_path / "pages"
