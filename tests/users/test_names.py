"""A file's name is data: whatever students and browsers call an upload, it is graded, and no part of it is run."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import terminal
from harness.assignment import ROOT

NAMES = (
    "hw (1).zip", "Ada Lovelace.zip", "hw;touch MADE;.zip", "$(touch MADE).zip", "`touch MADE`.zip", "a'b\"c.zip",
    "$HOME.zip", "$(shell touch MADE).zip", "-x.zip", "*.zip", "a&touch MADE&.zip", "größe|touch MADE.zip", "a\\b.zip",
)  # fmt: skip


@pytest.fixture
def make(tmp_path):
    """Runs make with a Python that prints its arguments, each on a line."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n", encoding="utf-8")
    (venv / "bin" / "python").chmod(0o755)
    (venv / "installed").touch()  # newer than what it is made from

    def run(*words: str, **environment: str) -> list[str]:
        done = subprocess.run(
            ["make", "-s", "-C", str(ROOT), f"VENV={venv}", *words], env={**os.environ, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if not line.startswith("make: ")]

    return run


@pytest.mark.parametrize("name", NAMES)
def test_make_grade_passes_on_any_name_as_it_is(name, make, tmp_path):
    name = name.replace("MADE", f"{tmp_path}/made")
    assert make("grade", f"UPLOAD={name}") == ["-m", "harness", "grade", "--", name]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", NAMES)
def test_names_from_the_environment_are_passed_on_as_they_are(name, make, tmp_path):
    name = name.replace("MADE", f"{tmp_path}/made")
    assert make("grade", UPLOAD=name) == ["-m", "harness", "grade", "--", name]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", NAMES)
def test_make_release_passes_on_any_key_data_and_hotfix(name, make, tmp_path):
    name = name.replace("MADE", f"{tmp_path}/made")
    given = make("release", f"KEY={name}", f"DATA={name}", f"HOTFIX={name}", "DRY=yes")
    assert given == ["build.py", "release", f"--key-file={name}", f"--data={name}", f"--hotfix={name}", "--dry-run"]
    assert not (tmp_path / "made").exists()


def test_what_is_not_given_is_not_passed_on(make):
    assert make("release") == ["build.py", "release"]
    assert make("grade", "UPLOAD=x", "DATA=y") == ["-m", "harness", "grade", "--data=y", "--", "x"]


@pytest.mark.parametrize("word", ["DRY=no", "DRY=1", "STUDENTS_TOO=no", "STUDENTS_TOO=$(shell echo yes)"])
def test_what_is_neither_yes_nor_left_away_releases_nothing(word):
    """`no` must not mean yes."""
    done = subprocess.run(
        ["make", "-s", "-C", str(ROOT), "-o", ".venv/installed", "BIN=/nowhere", "release", word],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "error: DRY and STUDENTS_TOO are yes, or are left away" in done.stderr
    assert "nowhere" not in done.stderr


def test_nothing_is_no_upload():
    """`make grade` alone must not grade the folder that one stands in."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "grade", "--", ""], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "expected a path, got nothing" in done.stderr


def test_a_path_in_the_home_folder_is_understood_where_no_shell_has_expanded_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert terminal.path("~/term.key") == tmp_path / "term.key"
    assert terminal.path("~nobody/term.key") == Path("~nobody/term.key")
    assert terminal.path("-x.zip") == Path("-x.zip")


@pytest.mark.parametrize("folder", ["src", "-src", "My Work; (final)", "$(touch MADE)"])
def test_run_sh_works_in_any_folder_whatever_cd_would_search(folder, tmp_path):
    source = tmp_path / folder
    source.mkdir()
    (source / "run.sh").write_bytes((ROOT / "reference_solution" / "src" / "run.sh").read_bytes())
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / folder).mkdir(parents=True)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\npwd\n", encoding="utf-8")
    python.chmod(0o755)
    done = subprocess.run(
        ["bash", "--", f"{folder}/run.sh", "london_baseline_dev"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHON": str(python), "CDPATH": str(elsewhere)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{source}\n"), done.stderr


@pytest.mark.parametrize("outputs", ["answers", "predictions", "dev.predictions", "a.[d]ev.predictions"])
def test_predictions_may_have_any_name(outputs, tmp_path, monkeypatch, capsys):
    """A chart is drawn of what is named as the assignment names it; another name must not break the evaluation."""
    monkeypatch.syspath_prepend(str(ROOT / "reference_solution" / "src"))
    program = importlib.import_module("run")
    try:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "dev.tsv").write_text("Where was Ada born?\tOslo\n", encoding="utf-8")
        (tmp_path / "b.dev.predictions").write_text("Oslo\n", encoding="utf-8")
        (tmp_path / outputs).write_text("Oslo\n", encoding="utf-8")
        needed = ["--function=evaluate", "--reading_params_path=x", "--eval_corpus_path=dev.tsv"]
        program.compare_models(program.parse_arguments([*needed, f"--outputs_path={outputs}"]))
        names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "100.0%" in line]
        assert "b" not in names
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in ("submission", "run")]:
            del sys.modules[name]
