"""Where the commands begin: without the packages they say so in a sentence, and Gradescope's entry finds its limit."""

import re
import subprocess
import sys

import pytest

from harness import cli
from harness.assignment import ROOT
from harness.manifest import load

COMMANDS = (["-m", "harness", "doctor"], ["-m", "harness"], ["reference_solution/src/grader.py"], ["build.py", "check"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_the_packages_a_command_says_so_in_one_sentence(command):
    run = subprocess.run(
        [sys.executable, "-S", *command], cwd=ROOT, env={}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert re.fullmatch(r"error: .*'(numpy|rich)'.*", line)


def test_package_that_one_command_alone_needs_is_told_in_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(cli, "_make_dataset", lambda *_: __import__("a_package_that_nobody_has"))
    assert cli.main(["dataset", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: the Python that runs this has no package 'a_package_that_")


def test_module_of_our_own_that_is_missing_is_an_internal_error(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(cli, "_make_dataset", lambda *_: __import__("harness.a_module_that_is_lost"))
    assert cli.main(["dataset", "--out", str(tmp_path)]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_run_autograder_reads_the_limit_with_the_loader_of_the_grader():
    script = (ROOT / "run_autograder").read_text(encoding="utf-8")
    (code,) = re.findall(r"python -c '([^']+)'", script)
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == f"{round(load().limits.run_seconds)}\n"
