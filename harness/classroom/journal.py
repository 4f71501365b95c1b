"""The journal of a regraded class: whose each upload is, how far its grade is, and where its results lie.

Theory of operation: a folder holds `journal.sqlite`, and `results/RUN/PSEUDONYM.json` for each finished grade. A run is
the class under one release of the grader, or a part of it (`only`). An upload is begun in one transaction and finished
in another; between the two its results are written in one step and are on the disk before the journal says so. So
whatever ends the process, and whenever, what the journal calls graded is there whole, and the rest is graded again.

Who was being graded when the process was killed is not known to be to blame. Such an upload waits until the others are
graded; only after MOST_KILLS it is set aside.

Promises: the folder is its owner's alone (mode 0700); one process at a time regrades into it, others may read; a disk
that is full is told as that, and costs no more than the grades in flight.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from harness.classroom.exports import Upload
from harness.classroom.records import Attempt, Record, Results, State, Submitter
from harness.errors import InternalError, UsageError
from harness.grading.results import replace_file

NAME = "journal.sqlite"
#: Its lock is held as long as a regrade runs; the system lets go of it with the process.
_LOCK = "running.sqlite"
#: An upload that was in the works so often when the regrade was killed is set aside.
MOST_KILLS = 5

_VERSION = 1
_SCHEMA = """
CREATE TABLE uploads (
    submission TEXT PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, listed INTEGER NOT NULL,
    place TEXT, path TEXT, fingerprint TEXT NOT NULL, problem TEXT NOT NULL, created_at TEXT, brought TEXT
);
CREATE TABLE people (
    submission TEXT NOT NULL REFERENCES uploads, position INTEGER NOT NULL, name TEXT, sid TEXT, email TEXT,
    PRIMARY KEY (submission, position)
);
CREATE TABLE history (
    submission TEXT NOT NULL REFERENCES uploads, position INTEGER NOT NULL, created_at TEXT, results TEXT,
    PRIMARY KEY (submission, position)
);
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, release TEXT NOT NULL, only_test TEXT NOT NULL, begun INTEGER NOT NULL,
    UNIQUE (release, only_test)
);
CREATE TABLE grades (
    run INTEGER NOT NULL REFERENCES runs, submission TEXT NOT NULL REFERENCES uploads, state TEXT NOT NULL,
    fingerprint TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, kills INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', digest TEXT,
    cpu_seconds REAL, wall_seconds REAL, peak_bytes INTEGER, finished_at TEXT,
    PRIMARY KEY (run, submission)
);
"""
_WAITING, _RUNNING, _GRADED, _SET_ASIDE = (state.value for state in State)


@dataclass(frozen=True)
class Listed:
    """An upload of the export, what tells whether it has changed since, and where it lies if that is on the disk."""

    upload: Upload
    fingerprint: str
    path: Path | None


@dataclass(frozen=True)
class Task:
    """An upload that is still to be graded."""

    submission: str
    pseudonym: str
    place: tuple[str, ...]
    fingerprint: str
    tries: int  #: which came to an end, and not to results
    kills: int  #: how often it was being graded when the regrade was killed


@dataclass(frozen=True)
class Spent:
    """What a grade took; None where it cannot be told."""

    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many uploads of a run are in which state; what is in the works counts as waiting."""

    waiting: int
    graded: int
    set_aside: int


class Journal:
    """The journal of one folder, open for a regrade. Its methods may be called from any thread."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database
        self._lock = threading.Lock()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing of it. InternalError where it cannot be written."""
        with self._lock, _told(self.folder):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def uploads_folder(self) -> Path:
        """Where copies of uploads lie that come out of a zip."""
        return _made(self.folder / "uploads")

    def results_file(self, run: int, pseudonym: str) -> Path:
        """Where the results of a finished grade lie."""
        return _made(_made(self.folder / "results") / str(run)) / f"{pseudonym}.json"

    def enrol(self, listed: Iterable[Listed]) -> None:
        """Take in the uploads of an export. Who was there before keeps the pseudonym; who is not in it is not shown."""
        with self._transaction() as database:
            known = {row["submission"]: row for row in database.execute("SELECT * FROM uploads")}
            database.execute("UPDATE uploads SET listed = 0")
            for position, each in enumerate(listed):
                before = known.get(each.upload.submission)
                self._enrol(database, position, each, before)

    def _enrol(self, database: sqlite3.Connection, position: int, each: Listed, before: sqlite3.Row | None) -> None:
        upload, path = each.upload, each.path and str(each.path)
        if before is not None and path is None and before["fingerprint"] == each.fingerprint:
            path = before["path"]
        pseudonym = before["pseudonym"] if before is not None else f"upload-{secrets.token_hex(4)}"
        place = None if upload.place is None else json.dumps(upload.place)
        values = (
            upload.submission, pseudonym, position, 1, place, path, each.fingerprint, upload.problem,
            _dated(upload.created_at), _as_json(upload.results),
        )  # fmt: skip
        if before is None:
            database.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        else:
            database.execute(
                "UPDATE uploads SET submission = ?, pseudonym = ?, position = ?, listed = ?, place = ?, path = ?,"
                " fingerprint = ?, problem = ?, created_at = ?, brought = ? WHERE submission = ?",
                (*values, upload.submission),
            )
        database.execute("DELETE FROM people WHERE submission = ?", (upload.submission,))
        database.execute("DELETE FROM history WHERE submission = ?", (upload.submission,))
        database.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)",
            [(upload.submission, at, who.name, who.sid, who.email) for at, who in enumerate(upload.submitters)],
        )
        database.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            [
                (upload.submission, at, _dated(attempt.created_at), _as_json(attempt.results))
                for at, attempt in enumerate(upload.history)
            ],
        )

    def begin(self, release: str, only: str | None) -> int:
        """The run of this release and part, begun or gone on with: whatever was in the works waits again."""
        with self._transaction() as database:
            key = (release, only or "")
            run = self._latest(database, key)
            _sweep(self.uploads_folder())
            _sweep(self.folder / "results" / str(run))
            database.execute(
                "INSERT OR IGNORE INTO grades (run, submission, state, fingerprint)"
                " SELECT ?, submission, ?, fingerprint FROM uploads WHERE listed",
                (run, _WAITING),
            )
            self._recover(database, run)
        return run

    @staticmethod
    def _latest(database: sqlite3.Connection, key: tuple[str, str]) -> int:
        """The run with this release and part, which from now on is the last: a release may come back."""
        database.execute("INSERT OR IGNORE INTO runs (release, only_test, begun) VALUES (?, ?, 0)", key)
        run = int(database.execute("SELECT run FROM runs WHERE release = ? AND only_test = ?", key).fetchone()[0])
        if run != _last_run(database):
            database.execute("UPDATE runs SET begun = (SELECT max(begun) FROM runs) + 1 WHERE run = ?", (run,))
        return run

    def _recover(self, database: sqlite3.Connection, run: int) -> None:
        """Put right what a kill left, what changed in the export, and what somebody took from the results."""
        killed = f"the regrade was killed {MOST_KILLS} times while it was graded"
        database.execute(
            "UPDATE grades SET kills = kills + 1, reason = CASE WHEN kills + 1 >= ? THEN ? ELSE '' END,"
            " state = CASE WHEN kills + 1 >= ? THEN ? ELSE ? END WHERE run = ? AND state = ?",
            (MOST_KILLS, killed, MOST_KILLS, _SET_ASIDE, _WAITING, run, _RUNNING),
        )
        database.execute(
            "UPDATE grades SET state = ?, tries = 0, kills = 0, reason = '', digest = NULL,"
            " fingerprint = (SELECT fingerprint FROM uploads WHERE uploads.submission = grades.submission)"
            " WHERE run = ? AND fingerprint IS NOT"
            " (SELECT fingerprint FROM uploads WHERE uploads.submission = grades.submission)",
            (_WAITING, run),
        )
        for row in database.execute(
            "SELECT submission, pseudonym, digest FROM grades JOIN uploads USING (submission)"
            " WHERE run = ? AND state = ?",
            (run, _GRADED),
        ).fetchall():
            if _read(self.results_file(run, row["pseudonym"]), row["digest"]) is None:
                database.execute(
                    "UPDATE grades SET state = ? WHERE run = ? AND submission = ?", (_WAITING, run, row["submission"])
                )
        database.execute(
            "UPDATE grades SET state = ?, reason = (SELECT problem FROM uploads WHERE uploads.submission ="
            " grades.submission) WHERE run = ? AND submission IN (SELECT submission FROM uploads WHERE problem <> '')",
            (_SET_ASIDE, run),
        )

    def retry(self, run: int) -> None:
        """Let what is set aside wait once more, unless it never could be graded."""
        with self._transaction() as database:
            database.execute(
                "UPDATE grades SET state = ?, tries = 0, kills = 0, reason = '' WHERE run = ? AND state = ?"
                " AND submission IN (SELECT submission FROM uploads WHERE problem = '')",
                (_WAITING, run, _SET_ASIDE),
            )

    def waiting(self, run: int) -> tuple[Task, ...]:
        """What is still to be graded: in the order of the export, what may be to blame for a kill last."""
        with self._lock, _told(self.folder):
            rows = self._database.execute(
                "SELECT uploads.*, tries, kills FROM grades JOIN uploads USING (submission)"
                " WHERE run = ? AND state = ? AND listed ORDER BY kills, tries, position",
                (run, _WAITING),
            ).fetchall()
        return tuple(map(_task, rows))

    def started(self, run: int, task: Task) -> None:
        """From here on a kill counts."""
        self._change(run, task, "state = ?", _RUNNING)

    def put_back(self, run: int, task: Task) -> None:
        """The grade was stopped through no fault of the upload: it waits as if nothing had been."""
        self._change(run, task, "state = ?", _WAITING)

    def failed(self, run: int, task: Task, reason: str, *, last: bool) -> None:
        """A try came to nothing. The last one sets the upload aside."""
        self._change(
            run,
            task,
            "state = ?, tries = tries + 1, reason = ?",
            _SET_ASIDE if last else _WAITING,
            reason if last else "",
        )

    def finished(self, run: int, task: Task, document: Results, spent: Spent, *, reason: str = "") -> None:
        """The results of a grade; set aside for `reason`, if there is one.

        Raises:
            InternalError: they cannot be written; the journal still says that the upload is in the works.
        """
        data = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1).encode("utf-8")
        path = self.results_file(run, task.pseudonym)
        replace_file(path, data)
        _settle(path.parent)
        self._change(
            run, task,
            "state = ?, reason = ?, tries = tries + 1, digest = ?, cpu_seconds = ?, wall_seconds = ?, peak_bytes = ?,"
            " finished_at = ?",
            _SET_ASIDE if reason else _GRADED, reason, hashlib.sha256(data).hexdigest(), spent.cpu_seconds,
            spent.wall_seconds, spent.peak_bytes, _now(),
        )  # fmt: skip

    def _change(self, run: int, task: Task, assignments: str, *values: Any) -> None:
        with self._transaction() as database:
            database.execute(
                f"UPDATE grades SET {assignments} WHERE run = ? AND submission = ?",  # noqa: S608 - ours
                (*values, run, task.submission),
            )

    def lies_at(self, task: Task, path: Path) -> None:
        """Where the folder or zip is that was graded."""
        with self._transaction() as database:
            database.execute("UPDATE uploads SET path = ? WHERE submission = ?", (str(path), task.submission))

    def counts(self, run: int) -> Counts:
        """How far the run is."""
        with self._lock, _told(self.folder):
            rows = self._database.execute(
                "SELECT state, count(*) FROM grades JOIN uploads USING (submission)"
                " WHERE run = ? AND listed GROUP BY state",
                (run,),
            ).fetchall()
        found = {state: int(count) for state, count in rows}
        return Counts(found.get(_WAITING, 0) + found.get(_RUNNING, 0), found.get(_GRADED, 0), found.get(_SET_ASIDE, 0))

    def earlier_results(self, run: int, task: Task) -> Results | None:
        """The results of the last run before this one that finished the upload, else what the export brought."""
        with self._lock, _told(self.folder):
            rows = _finished(self._database, task.submission, without=run)
            brought = self._database.execute(
                "SELECT brought FROM uploads WHERE submission = ?", (task.submission,)
            ).fetchone()
        documents = (_of_row(self.folder, row) for row in reversed(rows))
        found = next((document for document in documents if document is not None), None)
        return found if found is not None else _from_json(brought["brought"])


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The journal in `folder`, made where there is none, for the only regrade that writes into it.

    Raises:
        UsageError: the folder is used for something else, or by another regrade, or holds a journal that is damaged.
        InternalError: it cannot be written.
    """
    _prepare(folder)
    with _told(folder), closing(sqlite3.connect(folder / _LOCK, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            if not _is_locked(problem):
                raise
            raise UsageError(
                f"{folder}: another regrade writes into it just now; wait for its end, or stop it with Ctrl-C"
            ) from problem
        with closing(_connect(folder)) as database:
            if _version_of(folder, database) == 0:
                database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            yield Journal(folder, database)


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _LOCK).is_file():
            raise UsageError(f"{folder}: holds something else than a regraded class; give a new folder with --out")
        folder.chmod(0o700)
    except OSError as problem:
        raise UsageError(f"{folder}: cannot be used ({problem.strerror}); give another folder with --out") from problem


def _connect(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / NAME, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "PRAGMA synchronous = FULL"
        )  # what is said to be done is on the disk, after a power cut as well
    except BaseException:
        database.close()
        raise
    return database


def _version_of(folder: Path, database: sqlite3.Connection) -> int:
    """0 where the journal has just been made."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, _VERSION):
        raise UsageError(f"{folder / NAME}: was written by another version; regrade into a new folder")
    return version


def _is_locked(problem: sqlite3.Error) -> bool:
    return "locked" in str(problem)


def _task(row: sqlite3.Row) -> Task:
    place = tuple(json.loads(row["place"]))
    return Task(row["submission"], row["pseudonym"], place, row["fingerprint"], row["tries"], row["kills"])


class DiskFullError(InternalError):
    """Nothing more can be written. Whatever was finished before is there."""


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What SQLite complains of, as a sentence."""
    try:
        yield
    except sqlite3.DatabaseError as problem:
        told = str(problem)
        if "full" in told or "disk I/O" in told or "readonly" in told or "unable to open" in told:
            raise DiskFullError(f"{folder / NAME}: cannot be written ({told})") from problem
        if _is_locked(problem):
            raise InternalError(f"{folder / NAME}: another program keeps it locked; close it") from problem
        raise UsageError(f"{folder / NAME}: is damaged ({told}); regrade into a new folder") from problem


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as problem:
        raise InternalError(f"{folder}: cannot be made ({problem.strerror})") from problem
    return folder


def _sweep(folder: Path) -> None:
    """Remove files that were being written when the process was killed: their names begin with a dot until the end."""
    for path in folder.glob(".*"):
        with suppress(OSError):
            path.unlink()


def _settle(folder: Path) -> None:
    """Have the names in `folder` on the disk; where a system cannot do that, they come there by themselves."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def records(folder: Path) -> tuple[Record, ...]:
    """What is known of each upload of the class in `folder`, in the order of the export.

    Raises:
        UsageError: no class was regraded into it.
    """
    nothing = UsageError(
        f"{folder}: holds no regraded class; `python -m harness regrade EXPORT --out {folder}` makes one"
    )
    if not (folder / NAME).is_file():
        raise nothing
    with _told(folder), closing(_connect(folder)) as database:
        if _version_of(folder, database) == 0:
            raise nothing
        database.execute("BEGIN")  # one moment, whatever a regrade writes meanwhile
        last = _last_run(database)
        rows = database.execute("SELECT * FROM uploads WHERE listed ORDER BY position").fetchall()
        return tuple(_record(folder, database, row, last) for row in rows)


def _record(folder: Path, database: sqlite3.Connection, row: sqlite3.Row, last: int | None) -> Record:
    submission = row["submission"]
    grade = database.execute("SELECT * FROM grades WHERE run = ? AND submission = ?", (last, submission)).fetchone()
    finished = _finished(database, submission)
    documents = [(each, found) for each in finished if (found := _of_row(folder, each)) is not None]
    newest, results = documents[-1] if documents else (None, None)
    before = documents[-2][1] if len(documents) > 1 else _from_json(row["brought"])
    return Record(
        submission=submission,
        pseudonym=row["pseudonym"],
        submitters=tuple(
            Submitter(*each)
            for each in database.execute(
                "SELECT name, sid, email FROM people WHERE submission = ? ORDER BY position", (submission,)
            )
        ),
        created_at=_date(row["created_at"]),
        state=State(grade["state"]) if grade is not None else State.WAITING,
        reason=grade["reason"] if grade is not None else "",
        upload=Path(row["path"]) if row["path"] else None,
        results=results,
        previous=before,
        history=tuple(
            Attempt(_date(created_at), _from_json(text))
            for created_at, text in database.execute(
                "SELECT created_at, results FROM history WHERE submission = ? ORDER BY position", (submission,)
            )
        ),
        cpu_seconds=newest["cpu_seconds"] if newest is not None else None,
        wall_seconds=newest["wall_seconds"] if newest is not None else None,
        peak_bytes=newest["peak_bytes"] if newest is not None else None,
    )


def _last_run(database: sqlite3.Connection) -> int | None:
    """The run that was begun last; None before the first."""
    found = database.execute("SELECT run FROM runs WHERE begun > 0 ORDER BY begun DESC").fetchone()
    return None if found is None else int(found[0])


def _finished(database: sqlite3.Connection, submission: str, without: int | None = None) -> list[sqlite3.Row]:
    """The grades of an upload that have results, the last run's last; those of the run `without` left out."""
    return database.execute(
        "SELECT grades.*, pseudonym FROM grades JOIN uploads USING (submission) JOIN runs USING (run)"
        " WHERE digest IS NOT NULL AND submission = ? AND run IS NOT ? ORDER BY begun",
        (submission, without),
    ).fetchall()


def _of_row(folder: Path, row: sqlite3.Row) -> Results | None:
    data = _read(folder / "results" / str(row["run"]) / f"{row['pseudonym']}.json", row["digest"])
    return None if data is None else json.loads(data)


def _read(path: Path, digest: str | None) -> bytes | None:
    """A file's bytes; None where it is gone or not the one that was written."""
    with suppress(OSError):
        data = path.read_bytes()
        return data if hashlib.sha256(data).hexdigest() == digest else None
    return None


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _dated(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _date(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _as_json(results: Mapping[str, Any] | None) -> str | None:
    return None if results is None else json.dumps(results)


def _from_json(text: str | None) -> Results | None:
    return None if text is None else json.loads(text)
