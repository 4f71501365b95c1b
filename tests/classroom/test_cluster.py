"""A regrade by the workers of a Dask cluster, which die, join late and lose their scheduler."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.classroom import remote
from harness.classroom.cluster import bundle, packed
from harness.classroom.journal import records
from harness.classroom.records import State
from harness.classroom.regrade import usable_cores
from harness.manifest import load
from tests.classroom.test_whole_regrades import Classroom, classroom, results, unbroken
from tests.faults.grades import _mentioning
from tests.faults.light import PART

__all__ = ["classroom", "unbroken"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers that grade need what only Linux has")


class Machines:
    """A scheduler and workers, a process each, which know nothing of the repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            "dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"
        )
        deadline = time.monotonic() + 120
        while not self._file.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        text = self._file.read_text()
        self.address = "tcp://" + text.partition('"tcp://')[2].partition('"')[0]

    def _start(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{command}", "--scheduler-file", str(self._file), *options],
                cwd=self._folder, env={**os.environ, "TMPDIR": str(self._folder)}, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        return self._processes[-1]

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start("dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture
def machines(classroom: Classroom) -> Iterator[Machines]:
    folder = classroom.temporary.parent / "machines"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "scheduler.json").unlink(missing_ok=True)
    found = Machines(folder)
    yield found
    found.close()
    deadline = time.monotonic() + 60
    while (left := _mentioning(str(folder))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def waits(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def graded(out: Path) -> int:
    return len(list(out.rglob("upload-*.json")))


def test_workers_that_join_late_and_die_end_in_the_results_of_one_machine(
    classroom: Classroom, unbroken: Path, machines: Machines, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    regrade = classroom.start(out, "--only", PART, "--scheduler", machines.address)
    waits(regrade, (out / "journal.sqlite").is_file)
    first = machines.worker()
    waits(regrade, lambda: graded(out) >= 2)
    machines.worker()  # late
    waits(regrade, lambda: graded(out) >= 4)
    first.kill()
    text, _ = regrade.communicate(timeout=300)
    assert regrade.returncode == 0, text
    assert "dashboard: http://127.0.0.1:" in text
    assert results(out) == results(unbroken)
    assert all(record.cpu_seconds for record in records(out))
    releases = list((classroom.temporary.parent / "machines").glob("holdout-releases-*"))
    assert [path.stat().st_mode & 0o777 for path in releases] == [0o700]


def test_a_scheduler_that_dies_ends_it_and_another_goes_on(
    classroom: Classroom, unbroken: Path, machines: Machines, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    machines.worker()
    regrade = classroom.start(out, "--only", PART, "--scheduler", machines.address)
    waits(regrade, lambda: graded(out) >= 2)
    machines.scheduler.kill()
    text, _ = regrade.communicate(timeout=300)
    assert regrade.returncode == 3, text
    assert "the scheduler cannot be reached any more" in text
    assert "the same command goes on from here" in text
    assert "Traceback" not in text
    assert {record.state for record in records(out)} <= {State.GRADED, State.WAITING}
    status, text = classroom.run(out, "--only", PART, "--jobs", str(usable_cores()))  # this machine may go on, too
    assert status == 0, text
    assert results(out) == results(unbroken)


def test_a_stop_ends_what_the_workers_are_at(classroom: Classroom, machines: Machines, tmp_path: Path) -> None:
    machines.worker()
    regrade = classroom.start(tmp_path / "out", "--only", PART, "--scheduler", machines.address)
    waits(regrade, lambda: graded(tmp_path / "out") >= 1)
    regrade.send_signal(signal.SIGINT)
    text, _ = regrade.communicate(timeout=300)
    assert regrade.returncode == 130, text
    assert State.RUNNING not in {record.state for record in records(tmp_path / "out")}


@pytest.mark.parametrize("address", ["nonsense://127.0.0.1:1", "tcp://127.0.0.1:1", "8786"])
def test_no_scheduler_is_said(classroom: Classroom, tmp_path: Path, address: str) -> None:
    status, text = classroom.run(tmp_path / "out", "--scheduler", address)
    assert status == 2, text
    assert "no Dask scheduler answers there" in text
    assert "Traceback" not in text


def test_a_release_is_kept_under_its_hash_alone(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bundled = bundle(load(), data)
    name = hashlib.sha256(bundled).hexdigest()
    with pytest.raises(ValueError, match="has another hash; nothing of it was unpacked"):
        remote.install(name, bundled[:-1] + b"x")
    assert list(remote.place().iterdir()) == []
    remote.install(name, bundled)
    remote.install(name, bundled)
    (folder,) = remote.place().iterdir()
    assert folder.name == name
    assert (folder / "data" / "birth_test.tsv").read_bytes() == (data / "birth_test.tsv").read_bytes()
    assert (folder / "harness" / "tests_hidden").is_dir()
    assert not (folder / "harness" / "classroom").exists()
    remote.place().chmod(0o755)
    with pytest.raises(PermissionError, match="is not a folder of this user alone"):
        remote.install(name, bundled)


def test_a_folder_travels_with_its_links_as_links(tmp_path: Path) -> None:
    upload = tmp_path / "submission_1"
    (upload / "inner").mkdir(parents=True)
    (upload / "inner" / "model.py").write_text("x = 1\n")
    (upload / "trainer.py").symlink_to("/etc/passwd")
    os.mkfifo(upload / "pipe")
    (tmp_path / "upload.zip").write_bytes(packed(upload))
    with zipfile.ZipFile(tmp_path / "upload.zip") as archive:
        assert sorted(archive.namelist()) == ["inner/model.py", "trainer.py"]
        assert archive.getinfo("trainer.py").external_attr >> 16 == 0o120777
    assert packed(tmp_path / "upload.zip") == packed(upload)
