"""The report's files: equal for equal records, without names unless asked for, and what they say of odd classes."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import stat
from dataclasses import replace

import pytest

from harness import manifest
from harness.classroom import report
from harness.classroom.figures import histogram, svg
from harness.classroom.records import State, Submitter
from harness.classroom.similarity import Pair, Similarity

from . import made_class


@pytest.fixture(scope="module")
def records():
    return made_class.records(120)


@pytest.fixture(scope="module")
def page(records) -> str:
    return report.as_html(read(records))


def read(records, **options) -> report.Class:
    return report.read(records, manifest.load(), **options)


def test_equal_records_give_equal_bytes_in_any_order(records, tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    mixed = random.Random(1).sample(records, len(records))
    first = report.write(read(records), tmp_path / "first")
    second = report.write(read(mixed), tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_pseudonyms_hide_who_it_is_in_every_file(records, tmp_path):
    named = replace(
        records[0],
        results={**records[0].results, "tests": [{**records[0].results["tests"][0], "status": "failed", "score": 0,
                 "output": f"no file in {records[0].submission} of {records[0].submitters[0].name.upper()}",
                 "extra_data": {"outcome": "fail"}}]},
    )  # fmt: skip
    aside = replace(
        records[1], state=State.SET_ASIDE, reason=f"{records[1].submission}: lost, ask {records[1].submitters[0].email}"
    )
    pair = Pair("code", "code", named.submission, "earlier/Grace Kim.zip", "alike", 1.0, is_earlier=True)
    found = replace(read([named, aside, *records[2:]]), similarity=Similarity(120, 1, (pair,)))
    written = report.write(found, tmp_path)
    assert [path.name for path in written] == [report.PAGE, report.TABLE, report.NUMBERS]
    secrets = {"Grace Kim", "earlier/"}
    for record in records:
        secrets |= {
            record.submission,
            *(word for each in record.submitters for word in (each.name, each.sid, each.email)),
        }
    for path in written:
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in secrets if re.search(rf"\b{re.escape(word.lower())}\b", text)]
        assert named.pseudonym in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_names_are_shown_where_asked_for(records, tmp_path):
    written = report.write(read(records, names=True), tmp_path)
    page = written[0].read_text(encoding="utf-8")
    assert records[0].submitters[0].name in page.replace("&#39;", "'")
    assert written[-1].name == report.SCORES


def test_scores_for_a_platform_keep_zeros_and_give_each_of_a_group_its_line(records):
    rows = list(csv.DictReader(io.StringIO(report.as_scores(read(records, names=True)), newline="")))
    graded = [each for each in records if each.state is State.GRADED]
    assert len(rows) == 1 + sum(len(each.submitters) for each in graded)
    assert rows[0]["Student"].strip() == "Points Possible"
    by_sid = {row["SIS User ID"]: row for row in rows}
    title = manifest.load().title
    for record in graded:
        for person in record.submitters:
            assert float(by_sid[person.sid][title]) == record.results["score"]
    assert not {each.submitters[0].sid for each in records if each.state is not State.GRADED} & by_sid.keys()


@pytest.mark.parametrize("later", [3, 7])
def test_who_handed_in_twice_counts_with_the_later_upload(records, later):
    people = records[3].submitters
    both = [replace(records[at], submitters=people, created_at=records[50 + (at == later)].created_at) for at in (3, 7)]
    rows = csv.DictReader(io.StringIO(report.as_scores(read(both, names=True)), newline=""))
    scores = {row["SIS User ID"]: float(row[manifest.load().title]) for row in rows}
    assert records[3].results["score"] != records[7].results["score"]
    assert scores[people[0].sid] == records[later].results["score"]


def test_no_cell_is_a_formula(records):
    evil = replace(records[0], submitters=(Submitter('=HYPERLINK("http://x")', "1", "@x"),), pseudonym="+1+1")
    for text in (
        report.as_scores(read([evil], names=True)),
        report.as_csv(read([evil], names=True)),
        report.as_csv(read([evil])),
    ):
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell[:1] in "=+@" and cell]


def test_a_negative_change_stays_a_number(records):
    lost = replace(records[0], previous={**records[0].results, "score": records[0].results["score"] + 5})
    (row,) = csv.DictReader(io.StringIO(report.as_csv(read([lost])), newline=""))
    assert row["change"] == "-5"


def test_what_students_wrote_is_text_on_the_page(records):
    evil = {**records[0].results["tests"][0], "output": "</pre><script>alert(1)</script>", "status": "failed",
            "extra_data": {"outcome": "fail"}}  # fmt: skip
    page = report.as_html(read([replace(records[0], pseudonym="<img src=x>", results={"tests": [evil]})]))
    assert "<script>alert" not in page
    assert "<img" not in page


def test_the_page_asks_for_nothing_from_elsewhere(page):
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["'](?!#)[^"']*|url\((?!#)|@import|xlink|https?:""", page)


def test_every_figure_has_its_n_and_a_table_that_sums_to_it(records, page):
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 1 + len(read(records).accuracies)
    for figure in figures:
        (n,) = set(re.findall(r"n = (\d+)", re.sub(r"<figcaption>.*?</figcaption>", "", figure, flags=re.DOTALL)))
        (table,) = re.findall(r"<table>.*?</table>", figure, re.DOTALL)
        assert sum(map(int, re.findall(r'<td class="n">(\d+)</td>', table))) == int(n)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_histogram_counts_every_value_once():
    values = [0.0, 0.1, 0.1 - 1e-12, 0.3, 1.0]
    shown = histogram(values, 1.0, is_share=True, threshold=0.1)
    assert shown.n == len(values)
    assert shown.counts[list(shown.edges).index(0.1)] == 2  # what is 10% but for rounding counts as 10%
    assert histogram([70.0], 64).edges[-1] >= 70
    assert histogram([], 10).rows == []


def test_a_figure_takes_its_colours_from_the_page():
    text = svg(histogram([1.0, 2.0], 2), "f", "points")
    assert "var(--bar)" in text
    assert not re.search(r"#[0-9a-f]{6}\b", text)
    assert text == svg(histogram([1.0, 2.0], 2), "f", "points")


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_of_none_or_one_has_a_report(count, tmp_path):
    waiting = replace(made_class.records(1)[0], state=State.WAITING, results=None, previous=None)
    report.write(read([waiting] * count), tmp_path)
    assert json.loads((tmp_path / report.NUMBERS).read_text())["n"] == {"graded": 0, "uploads": count}


def test_provenance_is_told_with_its_numbers_and_as_a_reason_to_look(records, page):
    found = read(records)
    assert found.odd
    assert found.odd[0].told == "the uploaded params give 3 of 20 lines that were asked for again"
    assert "not a verdict" in page
