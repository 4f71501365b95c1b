"""results.json: valid at every moment, and never better than what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assignment import load
from harness.errors import InternalError
from harness.grading import catalogue
from harness.grading.results import Ledger, Outcome, clean, read_back

GRADED_TESTS = catalogue.collect(load())


def strict(path: Path):
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_new_ledger_is_fail_closed(tmp_path: Path) -> None:
    Ledger.of(GRADED_TESTS).write(tmp_path / "results.json")
    document = strict(tmp_path / "results.json")
    assert document["score"] == 0
    assert document["extra_data"]["internal_error"] is True
    assert [test["number"] for test in document["tests"]] == [graded_test.id for graded_test in GRADED_TESTS]
    assert sum(test["max_score"] for test in document["tests"]) == 64 + 10
    assert all(test["status"] == "failed" for test in document["tests"])


def test_a_pass_earns_the_points_of_its_graded_test_only(tmp_path: Path) -> None:
    ledger = Ledger.of(GRADED_TESTS)
    ledger.record(GRADED_TESTS[0].id, Outcome.PASS, "passed")
    ledger.close_open(Outcome.FAIL, "no")
    ledger.finished = True
    ledger.write(tmp_path / "results.json")
    document = strict(tmp_path / "results.json")
    assert document["score"] == GRADED_TESTS[0].points
    assert document["extra_data"]["internal_error"] is False


def test_a_fault_is_said_at_the_top_and_marked(tmp_path: Path) -> None:
    ledger = Ledger.of(GRADED_TESTS)
    ledger.record(GRADED_TESTS[3].id, Outcome.INTERNAL_ERROR, "broke")
    ledger.close_open(Outcome.PASS, "passed")
    ledger.finished = True
    document = ledger.as_json()
    assert GRADED_TESTS[3].id in document["output"]
    assert document["extra_data"]["internal_error"] is True


def test_reading_back_gives_the_same_ledger(tmp_path: Path) -> None:
    ledger = Ledger.of(GRADED_TESTS, seed="abc")
    ledger.record(GRADED_TESTS[2].id, Outcome.PASS, "passed", {"correct": 3, "total": 9})
    ledger.write(tmp_path / "results.json")
    again = read_back(tmp_path / "results.json", GRADED_TESTS)
    assert again is not None
    assert again.results == ledger.results
    assert again.extra["seed"] == "abc"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"tests": []}', b'{"tests": [{"number": 1}], "extra_data": {}}', b"\xff"]
)
def test_a_broken_file_reads_as_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.json").write_bytes(content)
    assert read_back(tmp_path / "results.json", GRADED_TESTS) is None


def test_an_impossible_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    Ledger.of(GRADED_TESTS).write(target)
    before = target.read_bytes()
    missing = tmp_path / "gone" / "results.json"
    with pytest.raises(InternalError, match="cannot write the results"):
        Ledger.of(GRADED_TESTS).write(missing)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@given(st.text(alphabet=st.characters(codec=None, categories=("Cc", "Cs", "Lu", "So", "Zl"))))
def test_any_text_becomes_strict_utf8_without_controls(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(c < " " and c not in "\n\t" for c in cleaned)


def test_long_text_is_cut_and_says_so() -> None:
    assert clean("x" * 50_000).endswith("[30000 characters cut]")
