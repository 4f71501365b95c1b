"""A grade's folder for temporary files: gone with the grade, or with the next one where nobody was left to remove it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.grading.supervisor import SCRATCH_PREFIX, scratch_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there, folders of killed grades stay")

HOLD = """
import sys, time
from harness.grading.supervisor import scratch_folder
with scratch_folder() as folder:
    (folder / "upload").mkdir(mode=0o555)
    (folder / "secret").write_text("of a student")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of our own, for this process and for those that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def holder():
    """Another grade at its work, and its folder."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_a_grade_leaves_nothing_however_deep(temporary: Path) -> None:
    with scratch_folder() as folder:
        here = Path.cwd()
        os.chdir(folder)
        for _ in range(3000):  # deeper than a path may be long
            Path("deeper").mkdir()
            os.chdir("deeper")
        os.chdir(here)
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_grade_goes_with_the_next_one(temporary: Path, holder) -> None:
    process, folder = holder
    assert (folder / "secret").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folder.exists()
    with scratch_folder() as own:
        assert list(temporary.iterdir()) == [own]


def test_the_folder_of_a_grade_at_work_stays(temporary: Path, holder) -> None:
    process, folder = holder
    with scratch_folder(), scratch_folder() as own:
        assert (folder / "secret").exists()
        assert own.exists()
    assert list(temporary.iterdir()) == [folder]
    process.communicate()
    assert list(temporary.iterdir()) == []


def test_links_and_folders_of_others_are_left_alone(temporary: Path) -> None:
    (temporary / "kept").mkdir()
    (temporary / "kept" / "file").touch()
    (temporary / f"{SCRATCH_PREFIX}link").symlink_to(temporary / "kept")
    foreign = temporary / f"{SCRATCH_PREFIX}foreign"
    if os.geteuid() == 0:
        foreign.mkdir()
        os.chown(foreign, 54321, 54321)
    with scratch_folder():
        assert (temporary / "kept" / "file").exists()
        assert foreign.exists() is (os.geteuid() == 0)
