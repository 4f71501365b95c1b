"""The journal keeps what was finished, whatever ends the process and whenever, and goes on with the rest."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from harness.classroom import journal
from harness.classroom.exports import Upload
from harness.classroom.journal import Listed, Spent, opened, records
from harness.classroom.records import Attempt, Record, State, Submitter
from harness.errors import InternalError, UsageError
from tests.faults.grades import small_disk

MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def upload(serial: int, **changes) -> Upload:
    made = Upload(
        f"submission_{serial}",
        (f"submission_{serial}",),
        (Submitter(f"Name {serial}", f"000{serial}", None), Submitter(None, None, "two@example.edu")),
        MADE,
        {"score": 0.5},
        (Attempt(None, None), Attempt(MADE, {"score": 0.25})),
    )
    return replace(made, **changes)


def listed(*serials: int, fingerprint: str = "f") -> list[Listed]:
    return [Listed(upload(serial), f"{fingerprint}{serial}", Path(f"/uploads/{serial}")) for serial in serials]


def document(submission: str, points: float = 1.0) -> dict:
    return {"score": points, "tests": [{"number": "1a", "score": points, "output": submission}]}


def go_on(folder: Path, serials=(1, 2, 3), release: str = "r", points: float = 1.0) -> None:
    """What a regrade does, without grades."""
    with opened(folder) as kept:
        kept.enrol(listed(*serials))
        run = kept.begin(release, None)
        for task in kept.waiting(run):
            kept.started(run, task)
            kept.lies_at(task, Path("/uploads") / task.submission.removeprefix("submission_"))
            kept.finished(run, task, document(task.submission, points), Spent(1.5, 2.5, 7))


def told(folder: Path) -> list[Record]:
    """Everything that the journal says, apart from the pseudonyms, which are drawn."""
    return [replace(record, pseudonym="") for record in records(folder)]


def test_what_was_finished_is_told_in_the_order_of_the_export(tmp_path: Path) -> None:
    go_on(tmp_path / "out", (3, 1, 2))
    found = records(tmp_path / "out")
    assert [record.submission for record in found] == ["submission_3", "submission_1", "submission_2"]
    assert len({record.pseudonym for record in found}) == 3
    first = found[0]
    assert (first.submitters, first.created_at, first.history) == (upload(3).submitters, MADE, upload(3).history)
    assert (first.state, first.reason) == (State.GRADED, "")
    assert first.results == document("submission_3")
    assert first.previous == {"score": 0.5}
    assert (first.cpu_seconds, first.wall_seconds, first.peak_bytes) == (1.5, 2.5, 7)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of journals, each of which waits for the disk many times."""
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shared if Path(shared).is_dir() else None) as folder:
        yield Path(folder)


def killed_before_write(number: int, folder: Path) -> bool:
    """Run `go_on` in a process that is killed before its write of that number; False where it has fewer writes."""
    with warnings.catch_warnings():  # of threads: the child uses no lock that one of them could hold
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        seen = 0

        def count(*_) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

        connect = journal._connect

        def traced(folder: Path) -> sqlite3.Connection:
            database = connect(folder)
            database.set_trace_callback(count)
            return database

        journal._connect = traced
        sys.addaudithook(
            lambda event, _: count() if event in {"open", "os.mkdir", "os.rename", "tempfile.mkstemp"} else None
        )
        try:
            go_on(folder)
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_between_any_two_writes_loses_and_doubles_nothing(memory: Path) -> None:
    go_on(memory / "unbroken")
    expected, number = told(memory / "unbroken"), 0
    while killed_before_write(number := number + 1, folder := memory / str(number)):
        before = {}
        if (folder / journal.NAME).is_file() and number > 20:
            before = {record.submission: record for record in records(folder)}
        go_on(folder)
        assert told(folder) == expected, number
        for record in records(folder):
            known = before.get(record.submission, record)
            assert record.pseudonym == known.pseudonym
            assert known.results in (None, record.results)
        files = [path.name for path in (folder / "results").rglob("*") if path.is_file()]
        assert sorted(files) == sorted(f"{record.pseudonym}.json" for record in records(folder)), number
    assert number > 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_kills_one_after_the_other_end_in_the_same_results(memory: Path) -> None:
    go_on(memory / "unbroken")
    kills, number = 0, 30
    while killed_before_write(number, memory / "out"):
        kills, number = kills + 1, number + 3
        assert kills < 100
    assert kills > 2
    assert told(memory / "out") == told(memory / "unbroken")


def test_who_was_graded_at_a_kill_waits_for_the_others_and_is_set_aside_in_the_end(tmp_path: Path) -> None:
    for kill in range(journal.MOST_KILLS):
        with opened(tmp_path) as kept:
            kept.enrol(listed(1, 2))
            run = kept.begin("r", None)
            order = [task.submission for task in kept.waiting(run)]
            assert order == (["submission_2", "submission_1"] if kill else ["submission_1", "submission_2"])
            kept.started(run, next(task for task in kept.waiting(run) if task.submission == "submission_1"))
    go_on(tmp_path, (1, 2))
    first, second = records(tmp_path)
    assert (first.state, first.results) == (State.SET_ASIDE, None)
    assert first.reason == "the regrade was killed 5 times while it was graded"
    assert second.state is State.GRADED
    with opened(tmp_path) as kept:
        kept.retry(run)
        assert [task.submission for task in kept.waiting(run)] == ["submission_1"]


def test_an_upload_that_was_put_back_is_not_blamed(tmp_path: Path) -> None:
    for _ in range(2 * journal.MOST_KILLS):
        with opened(tmp_path) as kept:
            kept.enrol(listed(1))
            run = kept.begin("r", None)
            (task,) = kept.waiting(run)
            kept.started(run, task)
            kept.put_back(run, task)
            assert task.kills == 0


def test_a_try_that_failed_is_repeated_after_the_others_until_the_last(tmp_path: Path) -> None:
    with opened(tmp_path) as kept:
        kept.enrol(listed(1, 2))
        run = kept.begin("r", None)
        kept.failed(run, kept.waiting(run)[0], "for now", last=False)
        assert [(task.submission, task.tries) for task in kept.waiting(run)] == [
            ("submission_2", 0),
            ("submission_1", 1),
        ]
        kept.failed(run, kept.waiting(run)[1], "it is no good", last=True)
        assert kept.counts(run) == journal.Counts(waiting=1, graded=0, set_aside=1)
    assert [(record.state, record.reason) for record in records(tmp_path)] == [
        (State.SET_ASIDE, "it is no good"),
        (State.WAITING, ""),
    ]


def test_another_release_keeps_the_results_of_the_one_before(tmp_path: Path) -> None:
    go_on(tmp_path, release="old", points=1.0)
    go_on(tmp_path, release="new", points=2.0)
    found = records(tmp_path)[0]
    assert (found.results or {})["score"] == 2.0
    assert (found.previous or {})["score"] == 1.0
    go_on(tmp_path, release="old")  # comes back: it has been graded with it
    found = records(tmp_path)[0]
    assert (found.results or {})["score"] == 1.0
    assert (found.previous or {})["score"] == 2.0


def test_what_an_unfinished_run_has_not_reached_shows_the_results_of_the_one_before(tmp_path: Path) -> None:
    go_on(tmp_path, release="old")
    with opened(tmp_path) as kept:
        run = kept.begin("new", None)
        task = kept.waiting(run)[0]
        assert kept.earlier_results(run, task) == document("submission_1")
    found = records(tmp_path)[0]
    assert (found.state, found.results, found.previous) == (State.WAITING, document("submission_1"), {"score": 0.5})


def test_an_upload_that_changed_is_graded_again_and_a_problem_that_is_mended_too(tmp_path: Path) -> None:
    missing = Listed(upload(9, place=None, problem="it is missing"), "", None)
    with opened(tmp_path) as kept:
        kept.enrol([*listed(1, 2), missing])
        run = kept.begin("r", None)
        for task in kept.waiting(run):
            kept.finished(run, task, document(task.submission), Spent())
    assert records(tmp_path)[2].reason == "it is missing"
    with opened(tmp_path) as kept:
        kept.enrol([*listed(1), *listed(2, fingerprint="changed"), *listed(9)])
        assert [task.submission for task in kept.waiting(kept.begin("r", None))] == ["submission_2", "submission_9"]


def test_results_that_somebody_changed_are_made_again(tmp_path: Path) -> None:
    go_on(tmp_path)
    path = next((tmp_path / "results").rglob("*.json"))
    path.write_text("{}")
    with opened(tmp_path) as kept:
        (task,) = kept.waiting(kept.begin("r", None))
    assert path.stem == task.pseudonym
    go_on(tmp_path)
    assert all(record.results == document(record.submission) for record in records(tmp_path))


def test_who_is_no_longer_in_the_export_is_not_shown(tmp_path: Path) -> None:
    go_on(tmp_path, (1, 2))
    names = {record.submission: record.pseudonym for record in records(tmp_path)}
    go_on(tmp_path, (2, 3))
    found = records(tmp_path)
    assert [record.submission for record in found] == ["submission_2", "submission_3"]
    assert found[0].pseudonym == names["submission_2"]


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    go_on(tmp_path / "out")
    for folder in (tmp_path / "out", *(path for path in (tmp_path / "out").rglob("*") if path.is_dir())):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_regrade_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    with opened(tmp_path) as kept:
        kept.enrol(listed(1))
        with pytest.raises(UsageError, match="another regrade writes into it just now"), opened(tmp_path):
            pass
        assert len(records(tmp_path)) == 1
    go_on(tmp_path)


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    tmp_path.chmod(0o755)
    with pytest.raises(UsageError, match="holds something else than a regraded class"), opened(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    with pytest.raises(UsageError, match="holds no regraded class"):
        records(tmp_path)


def test_a_damaged_journal_and_one_of_another_version_are_told(tmp_path: Path) -> None:
    go_on(tmp_path / "a")
    (tmp_path / "a" / journal.NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(UsageError, match="is damaged"), opened(tmp_path / "a"):
        pass
    go_on(tmp_path / "b")
    with sqlite3.connect(tmp_path / "b" / journal.NAME) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(UsageError, match="was written by another version"):
        records(tmp_path / "b")


@pytest.fixture
def disk(tmp_path: Path):
    try:
        with small_disk(tmp_path / "disk", kibibytes=512) as folder:
            yield folder
    except OSError as problem:
        pytest.skip(f"no right to mount: {problem}")


def test_a_full_disk_is_told_and_what_was_finished_stays(disk: Path) -> None:
    out = disk / "out"
    go_on(out)
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1024))
    with pytest.raises(InternalError, match=r"cannot be written|cannot write"):
        go_on(out, tuple(range(1, 100)))
    ballast.unlink()
    assert [record.results for record in records(out)] == [document(f"submission_{serial}") for serial in (1, 2, 3)]
    go_on(out, (1, 2, 3, 4))
    assert [record.state for record in records(out)] == [State.GRADED] * 4
