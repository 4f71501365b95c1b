"""What becomes of each upload of a class, whatever its grade does. The grades are stand-ins: no process is started."""

from __future__ import annotations

import errno
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from harness.classroom import journal, regrade
from harness.classroom.journal import Counts, Spent, opened, records
from harness.classroom.progress import duration, told
from harness.classroom.records import Record, State
from harness.classroom.regrade import MOST_TRIES, Graded, Merging, RegradeRequest
from harness.errors import InternalError, UsageError
from harness.grading.results import told_unjudged
from harness.manifest import load
from tests.classroom.made_exports import gradescope, write_folder, write_zip
from tests.faults.grades import small_disk


def document(upload: Path, outcome: str = "pass") -> dict:
    test = {"number": "1a-0-hidden", "score": 1.0, "output": upload.name, "extra_data": {"outcome": outcome}}
    return {"score": 1.0, "output": "", "extra_data": {"internal_error": outcome != "pass"}, "tests": [test]}


def graded(upload: Path) -> Graded:
    return Graded(document(upload), (), Spent(1.0, 2.0, 3))


def unjudged(upload: Path) -> Graded:
    return Graded(document(upload, "internal_error"), ("1a-0-hidden",), Spent())


class Grader:
    """Grades as it is told for the upload, and remembers what it graded and how many at a time."""

    def __init__(self, **behaviour: Callable[[Path], Graded]) -> None:
        self.behaviour = behaviour
        self.calls: Counter[str] = Counter()
        self.order: list[str] = []
        self.company: dict[str, int] = {}
        self._at_work = 0
        self._lock = threading.Lock()

    def __call__(self, upload: Path, stop: Callable[[], bool]) -> Graded:
        name = "submission_" + (upload / "model.py").read_text().split()[-1]
        with self._lock:
            self._at_work += 1
            self.calls[name] += 1
            self.order.append(name)
            self.company[name] = max(self.company.get(name, 0), self._at_work)
        try:
            return self.behaviour.get(name, graded)(upload)
        finally:
            with self._lock:
                self._at_work -= 1


class Heard:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shown: list[tuple[Counts, int]] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def show(self, counts: Counts, internal_errors: int) -> None:
        self.shown.append((counts, internal_errors))


@pytest.fixture
def class_of(tmp_path: Path, data: Path):
    """Writes a class of so many uploads; gives what regrades it."""

    def make(count: int, **changes) -> RegradeRequest:
        export = write_folder(tmp_path / "export", gradescope(*range(1, count + 1)))
        return RegradeRequest(**{"export": export, "out": tmp_path / "out", "data": data, **changes})

    return make


def run(request: RegradeRequest, grader: Grader | None = None, stop: Callable[[], bool] = lambda: False):
    return regrade.regrade(request, Heard(), stop, grader or Grader())


def by_name(out: Path) -> dict[str, Record]:
    return {record.submission: record for record in records(out)}


def fail(problem: Exception) -> Callable[[Path], Graded]:
    def raises(_: Path) -> Graded:
        raise problem

    return raises


def test_every_upload_is_graded_once_and_not_again(class_of) -> None:
    request, grader = class_of(5, jobs=2), Grader()
    ending = run(request, grader)
    assert ending == regrade.Ending(Counts(0, 5, 0))
    assert ending.exit_code == 0
    assert set(grader.calls.values()) == {1}
    assert max(grader.company.values()) <= 2
    record = by_name(request.out)["submission_1"]
    assert record.results == document(request.export / "submission_1")
    assert record.upload == request.export / "submission_1"
    assert (record.previous or {})["score"] == 1.0
    assert (record.cpu_seconds, record.wall_seconds, record.peak_bytes) == (1.0, 2.0, 3)
    again = Grader()
    assert run(request, again).counts == Counts(0, 5, 0)
    assert again.calls == {}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (unjudged, "an internal error kept 1a-0-hidden from being judged, in the last of 3 tries"),
        (fail(InternalError("the session broke.")), "the session broke, in the last of 3 tries"),
        (fail(ValueError("oh")), "ValueError: oh, in the last of 3 tries"),
    ],
)
def test_a_poisoned_upload_is_tried_a_few_times_and_set_aside_and_blocks_nothing(class_of, behaviour, reason) -> None:
    request, grader = class_of(4), Grader(submission_2=behaviour)
    ending = run(request, grader)
    assert ending.counts == Counts(0, 3, 1)
    assert ending.exit_code == 1
    assert grader.calls == {"submission_1": 1, "submission_2": MOST_TRIES, "submission_3": 1, "submission_4": 1}
    assert grader.order[-2:] == ["submission_2"] * 2
    aside = by_name(request.out)["submission_2"]
    assert (aside.state, aside.reason) == (State.SET_ASIDE, reason)
    assert (aside.results is None) == (behaviour is not unjudged)
    assert run(request, grader).counts == Counts(0, 3, 1)
    assert grader.calls["submission_2"] == MOST_TRIES
    assert run(RegradeRequest(request.export, request.out, request.data, retry=True)).counts == Counts(0, 4, 0)
    assert by_name(request.out)["submission_2"].reason == ""


def test_an_internal_error_that_passes_costs_another_try_alone(class_of) -> None:
    tries: list[int] = []

    def once(upload: Path) -> Graded:
        tries.append(1)
        return unjudged(upload) if len(tries) == 1 else graded(upload)

    request = class_of(2)
    assert run(request, Grader(submission_1=once)).counts == Counts(0, 2, 0)
    assert len(tries) == 2


def test_an_upload_that_cannot_be_graded_is_set_aside_at_once(class_of) -> None:
    request, grader = class_of(2), Grader(submission_1=fail(UsageError("no such folder or zip")))
    assert run(request, grader).counts == Counts(0, 1, 1)
    assert grader.calls["submission_1"] == 1
    assert by_name(request.out)["submission_1"].reason == "no such folder or zip"


def test_what_the_export_lacks_is_set_aside_with_its_reason(class_of) -> None:
    request = class_of(2)
    (request.export / "submission_1" / "model.py").unlink()
    (request.export / "submission_1").rmdir()
    assert run(request).counts == Counts(0, 1, 1)
    assert "has no folder of that name" in by_name(request.out)["submission_1"].reason


def test_a_full_disk_ends_it_and_blames_nobody(class_of) -> None:
    def full(_: Path) -> Graded:
        raise InternalError("no folder for temporary files can be made") from OSError(errno.ENOSPC, "full")

    request = class_of(4)
    for _ in range(2 * journal.MOST_KILLS):
        ending = run(request, Grader(submission_2=full))
        assert ending.problem == "no folder for temporary files can be made"
        assert ending.exit_code == 3
        assert ending.counts == Counts(3, 1, 0)
    assert run(request).counts == Counts(0, 4, 0)


def test_internal_errors_without_space_for_temporary_files_are_the_disks(
    class_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = class_of(3)
    monkeypatch.setattr(regrade, "_LEAST_FREE_BYTES", 1 << 60)
    ending = run(request, Grader(submission_1=unjudged))
    assert "are left for temporary files; free some space" in ending.problem
    assert ending.counts == Counts(3, 0, 0)


def test_a_grader_that_fails_everybody_ends_it_soon(class_of) -> None:
    grader = Grader(**{f"submission_{serial}": unjudged for serial in range(1, 31)})
    ending = run(class_of(30), grader)
    assert "5 uploads in a row came to an internal error" in ending.problem
    assert len(grader.order) == 5
    assert ending.exit_code == 3


def test_poisoned_uploads_among_others_do_not_end_it(class_of) -> None:
    poisoned = {f"submission_{serial}": unjudged for serial in range(2, 46, 2)}
    assert run(class_of(45), Grader(**poisoned)).counts == Counts(0, 23, 22)


def test_a_stop_puts_back_what_is_being_graded(class_of) -> None:
    stopped = threading.Event()

    def stopping(upload: Path) -> Graded:
        stopped.set()
        time.sleep(0.5)  # it is noticed meanwhile; what comes back is not believed
        return unjudged(upload)

    request, grader = class_of(4), Grader(submission_2=stopping)
    ending = run(request, grader, stopped.is_set)
    assert ending.stopped
    assert ending.exit_code == 130
    assert ending.counts == Counts(3, 1, 0)
    with opened(request.out) as kept:
        assert {(task.tries, task.kills) for task in kept.waiting(1)} == {(0, 0)}
    assert run(request).counts == Counts(0, 4, 0)


def test_who_was_graded_at_two_kills_is_graded_alone(class_of) -> None:
    request = class_of(6, jobs=3)
    stop = threading.Event()
    stop.set()
    run(request, stop=stop.is_set)
    for _ in range(2):
        with opened(request.out) as kept:
            release = kept._database.execute("SELECT release FROM runs").fetchone()[0]
            run_number = kept.begin(release, None)
            kept.started(run_number, next(t for t in kept.waiting(run_number) if t.submission == "submission_3"))

    def slow(upload: Path) -> Graded:
        time.sleep(0.05)
        return graded(upload)

    grader = Grader(**{f"submission_{serial}": slow for serial in range(1, 7)})
    assert run(request, grader).counts == Counts(0, 6, 0)
    assert grader.company["submission_3"] == 1
    assert grader.order[-1] == "submission_3"
    assert max(grader.company.values()) > 1


def test_uploads_of_a_zip_are_graded_from_copies_that_change_with_the_export(tmp_path: Path, data: Path) -> None:
    export = write_zip(tmp_path / "export.zip", gradescope(1, 2))
    request = RegradeRequest(export, tmp_path / "out", data)
    seen: list[Path] = []

    def grader(upload: Path, stop: Callable[[], bool]) -> Graded:
        seen.append(upload)
        return graded(upload)

    regrade.regrade(request, Heard(), lambda: False, grader)
    assert sorted(path.name for path in (request.out / "uploads").iterdir()) == sorted(path.name for path in seen)
    assert {record.upload for record in records(request.out)} == set(seen)
    write_zip(export, {**gradescope(1), "submission_2/model.py": "corrected"})
    regrade.regrade(request, Heard(), lambda: False, grader)
    assert len(seen) == 3
    assert len(list((request.out / "uploads").iterdir())) == 2
    assert not seen[2].samefile(seen[0])


def test_bad_arguments_are_said_before_anything_is_made(class_of, tmp_path: Path) -> None:
    for changes, said in (
        ({"jobs": 0}, "--jobs 0: at least 1"),
        ({"only": "9z"}, "no graded test '9z' here"),
        ({"data": tmp_path}, "not a dataset"),
    ):
        with pytest.raises(UsageError, match=said):
            run(class_of(1, **changes))
    assert not (tmp_path / "out").exists()


def line(number: str, score: float, outcome: str | None = "pass") -> dict:
    return {"number": number, "score": score, "extra_data": {"outcome": outcome} if outcome else {}}


def test_a_part_regraded_keeps_the_other_verdicts() -> None:
    earlier = {
        "score": 3.0,
        "output": "old",
        "extra_data": {"seed": "s", "release": "old"},
        "tests": [line("1a", 1.0), line("1b", 0.0, "fail"), line("1c", 2.0, None), line("9z", 0.5)],
    }
    new = {
        "score": 4.0,
        "output": "",
        "extra_data": {"release": "new", "internal_error": False},
        "tests": [line("1b", 4.0)],
    }
    merged = Merging(["1a", "1b", "1c"], "1b")(earlier, new)
    assert merged == {
        "score": 7.5,
        "output": "",
        "extra_data": {"seed": "s", "release": "new", "internal_error": False, "only": "1b"},
        "tests": [line("1a", 1.0), line("1b", 4.0), line("1c", 2.0, None), line("9z", 0.5)],
    }
    for nothing in (None, {}, {"tests": None}, {"output": "failed"}):
        assert Merging(["1a", "1b"], "1b")(nothing, new) == new


def test_what_stays_unjudged_heads_the_output_of_a_part_regraded() -> None:
    earlier = {"tests": [line("1a", 0.0, "internal_error"), line("1b", 0.0, "internal_error")]}
    new = {"output": f"{told_unjudged(['1b'])}\nnote", "extra_data": {}, "tests": [line("1b", 0.0, "internal_error")]}
    merged = Merging(["1a", "1b"], "1b")(earlier, new)
    assert merged["output"] == f"{told_unjudged(['1a', '1b'])}\nnote"
    assert merged["extra_data"]["internal_error"] is True
    mended = Merging(["1a", "1b"], "1a")(merged, {"output": "", "extra_data": {}, "tests": [line("1a", 1.0)]})
    assert mended["output"] == told_unjudged(["1b"])


def test_only_merges_into_the_run_before_or_what_the_export_brought(class_of) -> None:
    request = class_of(1, only="1d")
    run(request)
    tests = (records(request.out)[0].results or {})["tests"]
    assert {test["number"] for test in tests} == {"1a-0-hidden", "1.10"}


def test_the_summary_shows_pseudonyms_unless_names_are_asked_for(class_of) -> None:
    request = class_of(2)
    broken = "submission_1: cannot be read"
    ending = run(request, Grader(submission_1=fail(UsageError(broken))))
    shown = regrade.summary(request.out, ending)
    record = records(request.out)[0]
    assert f"set aside: {record.pseudonym}: {record.pseudonym}: cannot be read" in shown
    assert "submission_1" not in shown
    assert "Student No1" not in shown
    assert f"set aside: submission_1 (Student No1): {broken}" in regrade.summary(request.out, ending, names=True)


def test_a_release_differs_when_what_grades_differs(data: Path, tmp_path: Path) -> None:
    assignment = load()
    first = regrade.release(data, assignment)
    assert first == regrade.release(data, assignment)
    for name in assignment.data_names():
        (tmp_path / name).write_bytes((data / name).read_bytes() + b"\n")
    assert regrade.release(tmp_path, assignment) != first


def test_progress_tells_rate_internal_errors_and_time_left() -> None:
    assert told(Counts(30, 10, 0), 0, 0, 5.0) == "10 of 40 graded, no internal errors"
    assert (
        told(Counts(30, 10, 2), 3, 6, 60.0) == "10 of 42 graded, 2 set aside, 3 internal errors, 6 a minute, 5 min left"
    )
    assert [duration(seconds) for seconds in (7, 89, 121, 3600, 9000)] == [
        "7 s",
        "89 s",
        "2 min",
        "1 h 00 min",
        "2 h 30 min",
    ]


@pytest.fixture
def disk(tmp_path: Path):
    try:
        with small_disk(tmp_path / "disk", kibibytes=768) as folder:
            yield folder
    except OSError as problem:
        pytest.skip(f"no right to mount: {problem}")


def test_a_full_disk_under_the_results_loses_nothing_that_was_graded(class_of, disk: Path) -> None:
    def filling(upload: Path) -> Graded:
        with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))
        return graded(upload)

    request = class_of(4, out=disk / "out")
    ending = run(request, Grader(submission_3=filling))
    assert "cannot be written" in ending.problem or "cannot write" in ending.problem
    assert ending.exit_code == 3
    assert ending.counts == Counts(2, 2, 0)
    assert f"error: {ending.problem}" in regrade.summary(request.out, ending)
    (disk / "ballast").unlink()
    again = Grader()
    assert run(request, again).counts == Counts(0, 4, 0)
    assert set(again.calls) == {"submission_3", "submission_4"}
    assert [record.results for record in records(request.out)] == [
        document(request.export / f"submission_{serial}") for serial in (1, 2, 3, 4)
    ]


def test_results_that_cannot_be_written_end_it_and_count_against_nobody(
    class_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_, **__) -> None:
        raise InternalError("results.json: cannot write the results")

    request = class_of(2)
    with monkeypatch.context() as broken:
        broken.setattr(journal, "replace_file", refuse)
        for _ in range(journal.MOST_KILLS):
            assert run(request).problem == "results.json: cannot write the results"
    grader = Grader()
    assert run(request, grader).counts == Counts(0, 2, 0)
    assert grader.order == ["submission_1", "submission_2"]
