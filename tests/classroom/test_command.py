"""`report` and `calibrate` as commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness import cli
from harness.assignment import ROOT
from harness.classroom import journal

from . import made_class


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "records", lambda folder: made_class.records(30))
    return tmp_path


def test_report_writes_its_files_and_prints_where(folder, data, capsys):
    assert cli.main(["report", str(folder), "--data", str(data)]) == 0
    told = capsys.readouterr().out.split()
    assert told == [str(folder / name) for name in ("report.html", "report.csv", "report.json")]
    assert (folder / "similarity.json").is_file()


def test_report_with_names_adds_the_scores(folder, capsys):
    assert cli.main(["report", str(folder), "--names", "--without-similarity"]) == 0
    assert (folder / "scores.csv").is_file()
    assert not (folder / "similarity.json").exists()


def test_calibrate_prints_what_told_nobody_apart(folder, capsys):
    assert cli.main(["calibrate", str(folder)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("29 graded uploads")
    assert "Graded tests that nobody passed" in told


@pytest.mark.parametrize("command", ["report", "calibrate"])
def test_a_folder_without_a_class_is_told_in_a_sentence(command, tmp_path, capsys):
    assert cli.main([command, str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_folder_of_earlier_terms_must_be_one(folder, capsys):
    assert cli.main(["report", str(folder), "--earlier", str(folder / "nowhere")]) == 2
    assert "nowhere: is no folder" in capsys.readouterr().err


def test_the_commands_import_no_plots_before_a_report_is_made():
    heavy = ["matplotlib", "copydetect", "jinja2", "numpy", "torch"]
    code = f"import sys, harness.cli; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert not {"matplotlib", "copydetect", "jinja2", "torch"} & set(found)
