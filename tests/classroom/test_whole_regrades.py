"""Whole regrades by the command, with a grader whose grades take a second: stopped, killed, and gone on with."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.classroom.journal import records
from harness.classroom.records import State
from harness.grading.supervisor import scratch_folder
from tests.classroom.made_exports import write_zip
from tests.faults.grades import _mentioning
from tests.faults.light import PART, SUBMISSION, light_grader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills, and looks for processes in /proc")

#: What students' code may do, apart from being right.
CODE = {
    1: SUBMISSION,
    2: SUBMISSION.replace("2 * ", "3 * "),
    3: "raise ValueError('not yet')\n",
    4: "import os\n\ndef double(number):\n    os._exit(0)\n",
    5: SUBMISSION,
    6: "",
    7: SUBMISSION,
    8: "def double(number):\n    return [number] * 10\n",
}
ENTRY = "submission_{0}:\n  :submitters:\n  - :name: Student No{0}\n  :results:\n"
#: A run of the class may take so long on a machine that others use as well.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Classroom:
    """A grader, a term's data, and a class's export, which brings no results: `--only` would keep them."""

    root: Path
    data: Path
    export: Path
    temporary: Path

    def start(self, out: Path, *extra: str, command: str = "regrade") -> subprocess.Popen[str]:
        upload = ("--out", str(out)) if command == "regrade" else ("--results", str(out))
        return subprocess.Popen(
            [sys.executable, "-m", "harness", command, str(self.export), *upload, "--data", str(self.data), *extra],
            cwd=self.root, env={**os.environ, "TMPDIR": str(self.temporary)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, out: Path, *extra: str, command: str = "regrade") -> tuple[int, str]:
        process = self.start(out, *extra, command=command)
        text, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, text


@pytest.fixture(scope="module")
def classroom(data: Path) -> Iterator[Classroom]:
    with scratch_folder() as folder:  # other users may pass through: workers run as such
        root = light_grader(folder / "grader")
        shutil.copytree(ROOT / "harness" / "classroom", root / "harness" / "classroom")
        files = {f"submission_{serial}/__init__.py": code for serial, code in CODE.items()}
        export = write_zip(
            folder / "export.zip", {"submission_metadata.yml": "".join(map(ENTRY.format, CODE)), **files}
        )
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o755)
        yield Classroom(root, data, export, folder / "tmp")


@pytest.fixture(scope="module")
def unbroken(classroom: Classroom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a regrade that nothing disturbed."""
    out = tmp_path_factory.mktemp("unbroken") / "out"
    status, text = classroom.run(out, "--only", PART, "--jobs", "2")
    assert status == 0, text
    return out


def timeless(text: str) -> str:
    """A results.json without what differs from one grade to the next: times and memory."""
    return re.sub(r'"(execution_time|seconds|cpu_seconds|peak_bytes)": [\d.e+-]+', r'"\1": 0', text)


def results(out: Path) -> dict[str, str]:
    """The text of each results file, by submission."""
    found = {}
    for record in records(out):
        paths = list((out / "results").glob(f"*/{record.pseudonym}.json"))
        assert len(paths) == (record.state is State.GRADED), record
        found[record.submission] = timeless(paths[0].read_text(encoding="utf-8")) if paths else record.reason
        found[record.submission] = found[record.submission].replace(record.pseudonym, "PSEUDONYM")
    return found


def test_the_class_has_every_kind_of_verdict(unbroken: Path) -> None:
    outcomes = {
        record.submission: {
            test["extra_data"]["outcome"] for test in (record.results or {})["tests"] if test["number"].startswith(PART)
        }
        for record in records(unbroken)
    }
    assert "pass" in outcomes["submission_1"]
    assert outcomes["submission_3"] == {"fail"}
    assert {outcome for found in outcomes.values() for outcome in found} == {"pass", "fail"}


def test_each_upload_has_the_results_of_a_single_grade(classroom: Classroom, unbroken: Path, tmp_path: Path) -> None:
    regraded = {record.submission: record for record in records(unbroken)}
    for submission in ("submission_1", "submission_2", "submission_4"):
        record = regraded[submission]
        assert record.upload is not None
        single = Classroom(classroom.root, classroom.data, record.upload, classroom.temporary)
        status, text = single.run(tmp_path / "results.json", "--only", PART, command="grade")
        assert status == 0, text
        (path,) = (unbroken / "results").glob(f"*/{record.pseudonym}.json")
        expected = (tmp_path / "results.json").read_text(encoding="utf-8")
        assert timeless(path.read_text(encoding="utf-8")) == timeless(expected)


def test_kills_at_any_moment_end_in_the_results_of_an_unbroken_regrade(
    classroom: Classroom, unbroken: Path, tmp_path: Path
) -> None:
    kill_and_go_on(classroom, unbroken, tmp_path / "out", kills=4)


@pytest.mark.slow
def test_twenty_kills_lose_and_double_nothing(classroom: Classroom, unbroken: Path, tmp_path: Path) -> None:
    killed = 0
    while killed < 20:
        killed += kill_and_go_on(classroom, unbroken, tmp_path / str(killed), kills=5, seed=killed)


def kill_and_go_on(classroom: Classroom, unbroken: Path, out: Path, kills: int, seed: int = 0) -> int:
    """Kill a regrade so often, if it lasts so long, and let it come to its end; how often it was killed."""
    dice, killed = random.Random(seed), 0
    while killed < kills:
        process = classroom.start(out, "--only", PART, "--jobs", "2")
        try:
            process.communicate(timeout=dice.uniform(0.3, 1.3))
            break
        except subprocess.TimeoutExpired:
            killed += 1
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    status, text = classroom.run(out, "--only", PART, "--jobs", "2")
    assert status == 0, text
    assert killed > 0
    assert results(out) == results(unbroken)
    deadline = time.monotonic() + 60
    while (left := _mentioning(str(classroom.temporary))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    assert list(classroom.temporary.iterdir()) == []
    return killed


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_regrade_that_is_stopped_says_how_to_go_on_and_does(
    classroom: Classroom, unbroken: Path, tmp_path: Path, number: int
) -> None:
    process = classroom.start(tmp_path / "out", "--only", PART, "--jobs", "1")
    while not any((tmp_path / "out").rglob("upload-*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    with_it = classroom.run(tmp_path / "out", "--only", PART)
    assert with_it[0] == 2
    assert "another regrade writes into it just now" in with_it[1]
    process.send_signal(number)
    text, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, text
    assert "stopping: what is being graded is ended and will be graded again" in text
    assert "the same command goes on from here" in text
    assert "Traceback" not in text
    states = [record.state for record in records(tmp_path / "out")]
    assert State.GRADED in states
    assert State.RUNNING not in states
    status, text = classroom.run(tmp_path / "out", "--only", PART)
    assert status == 0, text
    assert results(tmp_path / "out") == results(unbroken)
