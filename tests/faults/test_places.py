"""Disks that are full, folders that are closed, clocks that jump: the last complete results stay, and it is said."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.manifest import load
from tests.faults.grades import Grade, assert_sound, copied_grader, remount, small_disk, strict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and /proc")

PART = "1c"
GRADED_TESTS = {graded_test.id: graded_test.points for graded_test in catalogue.select(catalogue.collect(load()), PART)}


@pytest.fixture
def disk(tmp_path: Path):
    """A file system of 96 KiB."""
    try:
        with small_disk(tmp_path / "disk", kibibytes=96) as folder:
            yield folder
    except OSError as problem:
        pytest.skip(f"no right to mount: {problem}")


def fill(folder: Path) -> None:
    """Take all space that is left."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def assert_stopped_at_the_last_complete_state(ending) -> None:
    assert ending.status == 3, ending.text
    assert "cannot write the results" in ending.text
    assert "Traceback" not in ending.text.partition("error:")[2]
    assert_sound(ending, GRADED_TESTS, interrupted=True)
    assert ending.document["extra_data"]["internal_error"] is True
    assert ending.left_behind == ()


def test_a_disk_that_fills_up_leaves_the_last_complete_results(
    honest_upload: Path, data: Path, disk: Path, open_folder: Path
) -> None:
    grade = Grade(honest_upload, data, disk / "results.json", open_folder / "tmp", "--only", PART)
    grade.until(saved=1)
    fill(disk)
    ending = grade.end()
    assert_stopped_at_the_last_complete_state(ending)
    assert ending.outcomes["1c-0-basic"] == "pass"
    assert [path.name for path in disk.iterdir() if path.name.startswith(".results")] == []


def test_results_that_become_read_only_stay_as_they_were(
    honest_upload: Path, data: Path, disk: Path, open_folder: Path
) -> None:
    grade = Grade(honest_upload, data, disk / "results.json", open_folder / "tmp", "--only", PART)
    grade.until(saved=1)
    remount(disk, "ro")
    assert_stopped_at_the_last_complete_state(grade.end())


def test_results_that_cannot_be_written_at_all_are_a_fault_that_is_said(
    honest_upload: Path, data: Path, disk: Path, open_folder: Path
) -> None:
    remount(disk, "ro")
    ending = Grade(honest_upload, data, disk / "results.json", open_folder / "tmp", "--only", PART).end()
    assert ending.status == 3
    assert "error:" in ending.text
    assert "Read-only" in ending.text
    assert not ending.results.exists()


def test_a_full_disk_for_temporary_files_is_a_fault_of_ours(
    honest_upload: Path, data: Path, disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    fill(disk)
    (disk / "ballast").write_bytes((disk / "ballast").read_bytes()[: 60 << 10])  # room for folders, not for an upload
    ending = Grade(honest_upload, data, tmp_path / "out" / "results.json", disk / "tmp", "--only", PART).end()
    assert ending.status == 3, ending.text
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert set(ending.outcomes.values()) == {"internal_error"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_closed_results_folder_is_a_fault_that_is_said(
    honest_upload: Path, data: Path, tmp_path: Path, open_folder: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    ending = Grade(honest_upload, data, closed / "results.json", open_folder / "tmp", "--only", PART).end()
    assert ending.status == 3
    assert "cannot write the results" in ending.text


WALL_CLOCKS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"}


def wall_clocks(source: str) -> Iterator[str]:
    """Where a source asks for the time of day, whose clock somebody may set meanwhile."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in WALL_CLOCKS or node.attr in {"now", "utcnow", "today"}:
                yield f"line {node.lineno}: {name}"
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "datetime"}:
            yield from (f"line {node.lineno}: {each.name}" for each in node.names if each.name != "monotonic")


def test_nothing_that_grades_looks_at_a_clock_that_can_be_set() -> None:
    assert sorted(wall_clocks("import time\ntime.time()\nfrom time import time\n")) == [
        "line 2: time.time",
        "line 3: time",
    ]
    rooms = {"release", "classroom"}  # neither grades: both say when something was
    parts = [path for path in (ROOT / "harness").rglob("*.py") if not rooms & {*path.relative_to(ROOT).parts}]
    # The calendar decides one thing: whether students see a figure exactly, or no more than its verdict.
    parts = [path for path in parts if path.name != "duedate.py"]
    assert len(parts) > 60
    found = {path.name: [*wall_clocks(path.read_text(encoding="utf-8"))] for path in parts}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_clock_that_jumps_changes_nothing(honest_upload: Path, data: Path, tmp_path: Path, open_folder: Path) -> None:
    root = copied_grader(open_folder / "source")
    with (root / "harness" / "__init__.py").open("a", encoding="utf-8") as package:
        package.write(
            "\nimport itertools, time\n_jumps = itertools.cycle([0.0, 4e9, 1.0, 2e9])\ntime.time = lambda: next(_jumps)\n"
        )
    ending = Grade(honest_upload, data, tmp_path / "results.json", open_folder / "tmp", "--only", PART, root=root).end()
    assert ending.status == 0, ending.text
    assert_sound(ending, GRADED_TESTS, interrupted=False)
    assert set(ending.outcomes.values()) == {"pass"}
    assert 0 < strict(tmp_path / "results.json")["execution_time"] < 1000
