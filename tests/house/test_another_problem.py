"""A problem is an addition: one of a hundred lines is released, graded and removed, and no file but its own changes.

The problem lies in `counting/`, laid out as in the repository. What is done with it is done in a copy of the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.assignment import ROOT

COUNTING = Path(__file__).parent / "counting"
#: Its own files, as paths in the repository.
OWN = sorted(p.relative_to(COUNTING).as_posix() for p in COUNTING.rglob("*") if p.suffix in {".py", ".j2"})
COPIED = ("harness", "reference_solution", "student_template", "handouts", "build.py", "assignment.toml", "pyproject.toml",
          "constraints.txt", "setup.sh", "run_autograder")  # fmt: skip


def run(checkout: Path, *command: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, *command], cwd=checkout, env=kept, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """All files, less what building leaves behind."""
    passed_over = {"build", "dist", "__pycache__", "student_template"}
    files = (path for path in folder.rglob("*") if path.is_file() and not passed_over & set(path.parts))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout."""
    folder = tmp_path_factory.mktemp("house") / "before"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def checkout(before: Path) -> Path:
    """The same with the new problem, which is the only one that is on: nothing needs to be trained."""
    folder = before.parent / "after"
    shutil.copytree(before, folder)
    shutil.copytree(COUNTING, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("entry.toml", "__pycache__"))
    manifest = folder / "assignment.toml"
    told = manifest.read_text(encoding="utf-8").replace("enabled = true", "enabled = false")
    manifest.write_text(told + (COUNTING / "entry.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dist(checkout: Path) -> Path:
    """A finished release of it, self-checked: the reference earned every point, the template none."""
    run(checkout, "build.py", "release")
    return checkout / "dist"


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_it_is_small() -> None:
    lines = sum(len((COUNTING / path).read_text(encoding="utf-8").splitlines()) for path in [*OWN, "entry.toml"])
    assert lines < 150


def test_no_file_but_its_own_and_the_manifest_changes(before: Path, checkout: Path, dist: Path) -> None:
    was, now = contents(before), contents(checkout)
    assert dist.is_dir()
    assert sorted(path for path in now if now[path] != was.get(path)) == sorted([*OWN, "assignment.toml"])
    assert sorted(was.keys() - now.keys()) == []


def test_its_release_holds_it_and_nothing_of_the_problems_that_are_off(dist: Path) -> None:
    student, autograder = names_in(dist / "student.zip"), names_in(dist / "autograder.zip")
    assert "holdout-assignment/src/submission/counting.py" in student
    assert "holdout-assignment/src/harness/probes/counting.py" in student
    assert {"data/words.tsv", "harness/tests_hidden/test_part_7.py"} <= set(autograder)
    others = [path for path in (*student, *autograder) if "problems/" in path and "/counting/" not in path]
    assert {Path(path).name for path in others} == {"__init__.py"}  # of harness/problems itself
    tests = {Path(path).name for path in (*student, *autograder) if Path(path).name.startswith("test_part_")}
    assert tests == {"test_part_7.py"}
    page = (dist / "handouts" / "assignment.html").read_text(encoding="utf-8")
    assert "7a" in page
    assert "Perceiver" not in page
    assert "1e" not in page.split("<body")[1].split("<footer")[0].replace("1em", "")


def test_it_grades_an_upload(dist: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(dist / "autograder.zip") as opened:
        opened.extractall(tmp_path / "grader")
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / "counting.py").write_text("def distinct(word):\n    return len(set(word[:5]))\n")
    results = tmp_path / "results.json"
    run(tmp_path / "grader", "-m", "harness", "grade", str(tmp_path / "upload"), "--results", str(results))
    document = json.loads(results.read_text(encoding="utf-8"))
    assert {test["number"]: test["score"] for test in document["tests"]} == {
        "7a-0-basic": 1, "7a-1-hidden": 0, "7a-2-hidden": 1,
    }  # fmt: skip
    assert document["score"] == 2


def test_removed_it_leaves_the_house_as_it_was(before: Path, checkout: Path, dist: Path) -> None:
    assert dist.is_dir()
    for path in OWN:
        (checkout / path).unlink()
    shutil.copy(before / "assignment.toml", checkout / "assignment.toml")
    run(checkout, "build.py", "template")
    run(checkout, "build.py", "check")
    assert contents(checkout) == contents(before)
