"""The supervisor's side of a grade, beside sessions that are stand-ins of a few lines."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.errors import InternalError
from harness.grading import catalogue, supervisor
from harness.grading.results import Done, Fact, Note, NoteKind, Outcome, Results, Verdict, to_line
from harness.grading.supervisor import GradeRequest
from harness.manifest import load

GRADED_TESTS = catalogue.collect(load())
PASSES = [to_line(Verdict(graded_test.id, Outcome.PASS, "passed")) for graded_test in GRADED_TESTS]

SESSION = """
import os, signal, sys, time
request = sys.stdin.readline()
sys.stdout.buffer.write(bytes.fromhex({written!r}))
sys.stdout.flush()
{end}
"""
KILLS_ITSELF = "os.kill(os.getpid(), 9)"


def supervised(
    monkeypatch: pytest.MonkeyPatch, written: bytes, end: str = "", target: Path | None = None, limit: float = 60.0, stop=bool
) -> Results:  # fmt: skip
    """The results of a grade whose session writes this and then comes to this end."""
    script = SESSION.format(written=written.hex(), end=end)

    @contextmanager
    def session(_: GradeRequest, server: object) -> Iterator[supervisor._Session]:
        command = [sys.executable, "-c", script]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdin is not None
        assert process.stdout is not None
        started = supervisor._Session(process, process.stdin, process.stdout)
        try:
            started.tell(b"{}\n")
            yield started
        finally:
            started.close()

    monkeypatch.setattr(supervisor, "_session", session)
    request = GradeRequest("upload", "data", "scratch", GRADED_TESTS, True, None, False)
    results = Results.of(GRADED_TESTS)
    supervisor._supervise(request, results, target, limit, stop)
    assert results.finished
    return results


def passed(results: Results) -> int:
    return sum(result.outcome is Outcome.PASS for result in results.by_id.values())


@pytest.mark.parametrize("count", [0, 1, 7, len(PASSES) - 1])
def test_a_session_killed_after_some_verdicts_loses_none_of_them(monkeypatch, tmp_path: Path, count: int) -> None:
    results = supervised(monkeypatch, b"".join(PASSES[:count]), KILLS_ITSELF, tmp_path / "results.json")
    assert [result.outcome for result in results.by_id.values()] == [
        *[Outcome.PASS] * count,
        *[Outcome.INTERNAL_ERROR] * (len(PASSES) - count),
    ]
    document = json.loads((tmp_path / "results.json").read_bytes())
    assert document["score"] == results.score
    assert "The grading session ended with status -9." in document["output"]
    assert "unread_reports" not in results.extra


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_half_written_last_line_is_dropped(monkeypatch, kept: int) -> None:
    results = supervised(monkeypatch, b"".join(PASSES[:3]) + PASSES[3][:kept], KILLS_ITSELF)
    assert passed(results) == 3
    assert results.by_id[GRADED_TESTS[3].id].outcome is Outcome.INTERNAL_ERROR
    assert results.extra["unread_reports"] == 1


def test_a_line_that_was_cut_off_in_the_middle_costs_itself_alone(monkeypatch) -> None:
    written = PASSES[0] + PASSES[1][:30] + b"\n" + PASSES[2] + b'{"score": 64}\n' + PASSES[3]
    results = supervised(monkeypatch, written, KILLS_ITSELF)
    assert [i for i, r in results.by_id.items() if r.outcome is Outcome.PASS] == [GRADED_TESTS[i].id for i in (0, 2, 3)]
    assert results.extra["unread_reports"] == 2


def test_an_exit_without_a_word_is_an_internal_error_whatever_its_status(monkeypatch) -> None:
    results = supervised(monkeypatch, PASSES[0], "os._exit(0)")
    assert passed(results) == 1
    assert len(results.internal_errors) == len(PASSES) - 1
    assert results.notes == [Note(NoteKind.GRADE, "The grading session ended by itself.")]


def test_a_session_that_comes_to_its_end_is_believed(monkeypatch) -> None:
    told = Note(NoteKind.UPLOAD, "opened 'work.zip'")
    written = b"".join([to_line(told), to_line(Fact("seed", "abc")), *PASSES, to_line(Done())])
    results = supervised(monkeypatch, written)
    assert (results.internal_errors, results.notes, results.extra) == ((), [told], {"seed": "abc"})
    assert results.as_json()["extra_data"]["internal_error"] is False


def test_a_session_that_takes_too_long_is_ended_and_keeps_what_it_judged(monkeypatch) -> None:
    results = supervised(monkeypatch, b"".join(PASSES[:2]), "time.sleep(3600)", limit=2.0)
    assert passed(results) == 2
    assert results.extra["session"] == "took longer than 2 s and was ended"


def test_a_grade_that_is_told_to_stop_keeps_what_it_judged(monkeypatch) -> None:
    looks = itertools.count()
    results = supervised(monkeypatch, b"".join(PASSES[:2]), "time.sleep(3600)", stop=lambda: next(looks) > 20)
    assert passed(results) == 2
    assert "The grading session was ended from outside." in results.as_json()["output"]


def test_what_was_written_before_the_session_was_ended_is_read_afterwards(monkeypatch, tmp_path: Path) -> None:
    """The supervisor may be late: here it looks at nothing until all is written and it is told to stop."""
    written = tmp_path / "written"

    def stop() -> bool:
        while not written.exists():
            time.sleep(0.01)
        return True

    end = f"open({str(written)!r}, 'w').close(); time.sleep(3600)"
    assert passed(supervised(monkeypatch, b"".join(PASSES[:4]), end, stop=stop)) == 4


def test_each_verdict_is_in_results_json_before_the_next_is_reached(monkeypatch, tmp_path: Path) -> None:
    """So that a supervisor that is killed leaves it on the disk."""
    target = tmp_path / "results.json"
    Results.of(GRADED_TESTS).write(target)
    look = f"'\"passed\"' not in open({str(target)!r}).read()"
    end = f"while {look}:\n    time.sleep(0.01)\nos.write(1, bytes.fromhex({PASSES[1].hex()!r}))\n{KILLS_ITSELF}"
    assert passed(supervised(monkeypatch, PASSES[0], end, target, limit=30.0)) == 2


@pytest.mark.parametrize("poison", [b"", b"{", b"\xff", json.dumps(Results.of(GRADED_TESTS).as_json()).encode()])
def test_results_json_is_output_and_nothing_is_learnt_from_it(monkeypatch, tmp_path: Path, poison: bytes) -> None:
    """Whatever happens to the file while the grade runs, the verdicts survive it, and it is whole in the end."""
    target = tmp_path / "results.json"
    end = f"open({str(target)!r}, 'wb').write({poison!r}); {KILLS_ITSELF}"
    results = supervised(monkeypatch, b"".join(PASSES[:5]), end, target)
    assert passed(results) == 5
    document = json.loads(target.read_bytes())
    assert document["score"] == results.score > 0


def test_results_that_cannot_be_written_end_the_session(monkeypatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "results.json"
    with pytest.raises(InternalError, match="cannot write the results"):
        supervised(monkeypatch, PASSES[0], "time.sleep(3600)", gone)


def test_a_request_arrives_as_it_was_sent() -> None:
    request = GradeRequest("an upload", "data", "scratch", GRADED_TESTS, True, None, True)
    assert GradeRequest.from_line(request.to_line()) == request
    assert request.to_line().count(b"\n") == 1
