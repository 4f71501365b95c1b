"""The students' README and its pages: their commands are those of run.sh, its files and points those that grade."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys

import pytest

from harness.assignment import ROOT
from harness.grading.catalogue import collect
from harness.manifest import load
from tests.conftest import reference_package

SRC = ROOT / "reference_solution" / "src"
PAGES = ("README.md", "birthplaces.md", "attention.md")
README = "\n".join((ROOT / "student_template" / page).read_text(encoding="utf-8") for page in PAGES)
WRITTEN_OUT = [line.strip() for line in README.splitlines() if line.startswith("    python run.py ")]


@pytest.fixture(scope="module")
def parsed():
    """A command line of run.py -> what it means."""
    with reference_package():
        specification = importlib.util.spec_from_file_location("run", SRC / "run.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        yield lambda words: vars(module.parse_arguments(words))


def from_run_sh(command: str, tmp_path) -> list[str]:
    """What run.sh hands to run.py for a command."""
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\nshift\nprintf "%s\\n" "$@"\n')
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["bash", "run.sh", command],
        cwd=SRC,
        env={**os.environ, "PYTHON": str(stand_in)},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="run.sh needs bash")
def test_commands_written_out_mean_what_run_sh_does(parsed, monkeypatch, tmp_path):
    monkeypatch.chdir(SRC)
    commands = list(dict.fromkeys(each.command for each in load().deliverables if each.command))
    commands.insert(3, "london_baseline_dev")
    told = {command: parsed(from_run_sh(command, tmp_path)) for command in commands}
    written = [parsed(shlex.split(line)[2:]) for line in WRITTEN_OUT]
    assert len(written) == 12
    for command in commands:
        assert told[command] in written, command


def test_files_to_upload_are_the_deliverables():
    listed = README.split("## What you upload")[2].split("\n\n")[2]
    assert sorted(listed.split()) == sorted(each.name for each in load().deliverables)


def test_no_number_that_a_setting_changes_is_typed_there():
    """Points, thresholds and how many files there are stand in the handout, which is made for the term."""
    assert not re.search(r"\d+ (points|files)|at least \d+%", README)


def test_points_are_those_that_grade():
    """The same in the graded tests and on the platform."""
    points = {
        extra: sum(c.points for c in collect(load()) if c.part.startswith("3") == extra) for extra in (False, True)
    }
    assert points == {False: load().points, True: load().extra_points}


def test_staffs_readme_says_the_same_points():
    table = re.findall(
        r"(?m)^\| (\w\w) \| .* \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (ROOT / "README.md").read_text()
    )
    graded_tests = collect(load())
    assert [part for part, *_ in table] == [part.id for part in load().parts if part.points]
    for part, *told in table:
        sums = [sum(c.points for c in graded_tests if (c.part, c.kind) == (part, kind)) for kind in ("basic", "hidden")]
        assert [float(number) for number in told] == [*sums, sum(sums)]


def test_tests_and_files_that_it_names_exist():
    for graded_test in re.findall(r"`python grader\.py (\S+)`", README):
        assert graded_test == "PART" or any(graded_test in (c.id, c.part) for c in collect(load()))
    for path in re.findall(r"`((?:submission/|\.\./written/)[\w./-]+)`", README):
        assert (SRC / path).exists()


#: What people read, but for the history of changes.
READ = (
    "README.md",
    "docs/*.md",
    "handouts/*.j2",
    "student_template/**/*",
    "reference_solution/**/*",
    "harness/**/*.py",
)
OTHER_NAME = re.compile(r"\b[Pp]arts? (?:\([a-h]\)|[b-h]\b)|\bproblem 1 ?\([a-h]\)")


def test_parts_have_one_name_wherever_people_read():
    files = [
        path for pattern in READ for path in ROOT.glob(pattern) if path.is_file() and "__pycache__" not in path.parts
    ]
    found = [
        f"{path.relative_to(ROOT)}: {told[0]}"
        for path in files
        for told in OTHER_NAME.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
    assert len(files) > 100
    assert OTHER_NAME.search("see part (c)")
    assert OTHER_NAME.search("in parts c and d")
    assert not OTHER_NAME.search("in part 1c, the largest part a class has")
