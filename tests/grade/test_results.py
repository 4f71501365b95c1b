"""Results: equal on both sides of the channel, and results.json valid at every moment, never better than was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InternalError
from harness.grading import catalogue
from harness.grading.results import (
    Done,
    Fact,
    Note,
    NoteKind,
    Outcome,
    Report,
    ReportError,
    Results,
    Verdict,
    clean,
    from_line,
    to_line,
)
from harness.manifest import load

GRADED_TESTS = catalogue.collect(load())


def strict(path: Path):
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_new_results_are_fail_closed(tmp_path: Path) -> None:
    Results.of(GRADED_TESTS).write(tmp_path / "results.json")
    document = strict(tmp_path / "results.json")
    assert document["score"] == 0
    assert document["extra_data"] == {"release": None, "seed": None, "isolation": None, "internal_error": True}
    assert [test["number"] for test in document["tests"]] == [graded_test.id for graded_test in GRADED_TESTS]
    assert [test["name"] for test in document["tests"]] == [graded_test.title for graded_test in GRADED_TESTS]
    assert sum(test["max_score"] for test in document["tests"]) == load().points + load().extra_points
    assert {test["extra_data"]["outcome"] for test in document["tests"]} == {"not_run"}
    assert all(test["status"] == "failed" for test in document["tests"])


def test_a_pass_earns_the_points_of_its_graded_test_only(tmp_path: Path) -> None:
    results = Results.of(GRADED_TESTS)
    results.record(GRADED_TESTS[0].id, Outcome.PASS, "passed", {"correct": 3, "total": 9})
    results.close_open(Outcome.FAIL, "no")
    results.finish("nothing is open.")
    results.write(tmp_path / "results.json")
    document = strict(tmp_path / "results.json")
    assert document["score"] == GRADED_TESTS[0].points
    assert document["tests"][0]["extra_data"] == {"outcome": "pass", "correct": 3, "total": 9}
    assert document["extra_data"]["internal_error"] is False


def test_an_internal_error_is_said_at_the_top_and_marked() -> None:
    results = Results.of(GRADED_TESTS)
    results.record(GRADED_TESTS[3].id, Outcome.INTERNAL_ERROR, "broke")
    results.close_open(Outcome.PASS, "passed")
    results.finish("nothing is open.")
    document = results.as_json()
    assert GRADED_TESTS[3].id in document["output"]
    assert document["tests"][3]["extra_data"]["outcome"] == "internal_error"
    assert document["extra_data"]["internal_error"] is True


def test_finishing_closes_what_is_open_as_an_internal_error() -> None:
    results = Results.of(GRADED_TESTS)
    results.record(GRADED_TESTS[0].id, Outcome.FAIL, "no")
    results.finish("the lights went out.")
    assert results.internal_errors == tuple(graded_test.id for graded_test in GRADED_TESTS[1:])
    assert "the lights went out" in results.by_id[GRADED_TESTS[1].id].output


@given(
    st.text(alphabet=st.characters(codec=None)),
    st.dictionaries(st.text(), st.floats() | st.text() | st.integers() | st.none() | st.just(object())),
)
def test_whatever_is_recorded_on_one_side_is_the_same_on_the_other(text: str, staff: dict[str, object]) -> None:
    there = Results.of(GRADED_TESTS, release="r")
    here = Results.of(GRADED_TESTS, release="r", listener=lambda report: there.apply(from_line(to_line(report))))
    here.add_note(NoteKind.IGNORED, text)
    here.add_extra("found", staff)
    here.record(GRADED_TESTS[0].id, Outcome.PASS, text, staff)
    here.record(GRADED_TESTS[1].id, Outcome.PASS, text, staff)
    here.record(GRADED_TESTS[1].id, Outcome.FAIL, "taken back")
    here.finish(text)
    assert (there.by_id, there.extra, there.notes, there.finished) == (here.by_id, here.extra, here.notes, True)


REPORTS: list[Report] = [
    Verdict("1e-2-hidden", Outcome.INTERNAL_ERROR, "two\nlines \u2028 \ufffd", {"correct": 3, "total": 9}),
    Note(NoteKind.ABSENT, "model.py: missing"),
    Fact("isolation", {"place": "root"}),
    Done(),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_a_report_is_one_line_and_no_beginning_of_it_is_one(report: Report) -> None:
    line = to_line(report)
    assert line.count(b"\n") == 1
    assert from_line(line) == report
    for length in range(len(line)):
        with pytest.raises(ReportError):
            from_line(line[:length])


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"{}\n", b"[]\n", b"1\n", b"\xff\n", b'{"done": {}, "note": {}}\n', b'{"score": 64}\n', b'{"done": []}\n',
        b'{"verdict": {"test_id": "1e-2-hidden", "outcome": "excellent", "output": "", "staff": {}}}\n',
        b'{"verdict": {"test_id": "1e-2-hidden", "outcome": "pass"}}\n',
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(ReportError):
        from_line(line)


def test_a_verdict_on_a_graded_test_of_another_grade_is_refused() -> None:
    results = Results.of(GRADED_TESTS[:2])
    with pytest.raises(ReportError, match=GRADED_TESTS[2].id):
        results.apply(Verdict(GRADED_TESTS[2].id, Outcome.PASS, "passed"))
    assert results.score == 0


def test_an_impossible_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    Results.of(GRADED_TESTS).write(target)
    before = target.read_bytes()
    missing = tmp_path / "gone" / "results.json"
    with pytest.raises(InternalError, match="cannot write the results"):
        Results.of(GRADED_TESTS).write(missing)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@given(st.text(alphabet=st.characters(codec=None, categories=("Cc", "Cs", "Lu", "So", "Zl"))))
def test_any_text_becomes_strict_utf8_without_controls(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(c < " " and c not in "\n\t" for c in cleaned)


def test_long_text_is_cut_and_says_so() -> None:
    assert clean("x" * 50_000).endswith("[30000 characters cut]")
