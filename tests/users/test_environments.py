"""Whose environment: commands work wherever their packages are found, print to any stream, and blame the right thing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import harness
from harness import cli, environment, terminal
from harness.assignment import ROOT
from harness.environment import check_packages, complaints
from harness.errors import UsageError
from harness.grading.catalogue import collect
from harness.grading.results import INTERNAL_ERROR_NOTE, NoteKind, Outcome, Results
from harness.intake.source import GRADING_PYTHON
from harness.manifest import load
from harness.sandbox.interpreter import module_path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SOURCE = ROOT / "reference_solution" / "src"
SITE = Path(pytest.__file__).parent.parent


def run(*command, folder=ROOT, umask=-1, **environment) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_"))}
    return subprocess.run(
        list(command), cwd=folder, env={**kept, **environment}, capture_output=True, text=True, errors="replace",
        check=False, umask=umask,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path, data) -> Path:
    """The reference as a student's src/, with the grader beside it."""
    source = tmp_path / "src"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__", "*.params*", "pictures", "runs"))
    (source / "harness").symlink_to(ROOT / "harness")
    shutil.copyfile(ROOT / "assignment.toml", source / "assignment.toml")
    for name in load().data_names(students=True):
        shutil.copyfile(data / name, source / "data" / name)
    return source


# Modes of files.


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has workers of other users")
@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_a_grade_works_under_any_umask(umask, honest_upload, data):
    command = (
        sys.executable,
        "-m",
        "harness",
        "grade",
        str(honest_upload),
        "--data",
        str(data),
        "--only",
        "1e-2-hidden",
    )
    done = run(*command, umask=umask)
    assert (done.returncode, "pass" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has workers of other users")
def test_pictures_are_drawn_under_any_umask(home):
    done = run(sys.executable, "attention_pictures.py", "3a", folder=home, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr


# Where packages are found.


def version_folder() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a Python that has the packages, and one that has not")
@pytest.mark.parametrize("found", ["user", "path"])
def test_what_the_command_can_import_its_processes_can(found, home, tmp_path):
    """Hubs, clusters and user installs put packages elsewhere; here the interpreter beneath the environment has none."""
    bare = str(Path(sys.executable).resolve())
    if found == "user":
        place = tmp_path / "base" / "lib" / version_folder()
        place.mkdir(parents=True)
        (place / "site-packages").symlink_to(SITE)
        environment = {"PYTHONUSERBASE": str(tmp_path / "base")}
    else:
        (tmp_path / "modules").symlink_to(SITE)
        environment = {"PYTHONPATH": str(tmp_path / "modules")}
    done = run(bare, "grader.py", "1e-0-basic", folder=home, **environment)
    assert (done.returncode, "  pass  " in done.stdout) == (0, True), done.stdout + done.stderr


def test_workers_import_from_where_their_packages_are_and_from_nowhere_else(monkeypatch, tmp_path):
    """A cluster's modules have a folder for each package; a folder that somebody put on the path may hold answers."""
    for place, name in (("modules/tqdm", "tqdm"), ("modules/sympy", "sympy"), ("private", "answers")):
        described = tmp_path / place / f"{name}-99.0.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path / place))
    found = [Path(folder) for folder in module_path().folders]
    ours = [folder for folder in found if tmp_path in folder.parents]
    assert ours == [tmp_path / "modules" / "sympy", tmp_path / "modules" / "tqdm"]
    assert found.index(ours[0]) < found.index(SITE)


def test_an_older_package_first_on_the_path_is_told_in_one_sentence(home, tmp_path):
    older = tmp_path / "older" / "pytest-7.4.4.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest\nVersion: 7.4.4\n", encoding="utf-8")
    done = run(sys.executable, "grader.py", "1e-0-basic", folder=home, PYTHONPATH=str(tmp_path / "older"))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: pytest is 7.4.4 here, and >=9,<10 is needed: ")
    assert f'-m pip install -r "{home / "requirements.txt"}"' in line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pytest>=9,<10", []),
        ("torch>=2.10", []),
        ("pytest>=900", [f"pytest is {metadata.version('pytest')} here, and >=900 is needed"]),
        ("pytest<2", [f"pytest is {metadata.version('pytest')} here, and <2 is needed"]),
        ("no-such-package==1", ["no-such-package is not installed"]),
        ('no-such-package>=2; python_version < "3.10"', []),
        ("# no-such-package", []),
        ("", []),
    ],
)
def test_lines_of_requirements_are_compared_with_what_is_installed(line, said):
    assert list(complaints(line)) == said


def test_requirements_that_are_met_are_no_complaint(monkeypatch):
    check_packages(SOURCE / "requirements.txt")
    check_packages(SOURCE / "not there")
    monkeypatch.setattr(environment, "BOUNDS", "numpy>=1000")
    check_packages(SOURCE / "not there")
    with pytest.raises(UsageError, match="is needed"):
        check_packages(SOURCE / "requirements.txt")


def test_bounds_are_those_of_the_students_packages():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["students"]
    assert environment.BOUNDS.replace('"', "'").split("\n")[1:-1] == group


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_students_install_the_versions_of_the_grading_machine(platform, python):
    """requirements.txt and constraints.txt, which setup.sh installs from, pin the same, on every platform."""
    ours, theirs = (
        pins(path.read_text(encoding="utf-8"), platform, python)
        for path in (SOURCE / "requirements.txt", ROOT / "constraints.txt")
    )
    needed = {re.split("[=>]", line)[0] for line in environment.BOUNDS.split("\n")[1:-1]}
    assert ours.keys() == needed - ({"tomli"} if python != "3.10" else set())
    assert ours == {name: theirs[name] for name in ours}
    assert ("+cpu" in ours["torch"]) == (platform == "linux")


def pins(text: str, platform: str, python: str) -> dict[str, str]:
    """Package -> version, of the lines that hold for CPython on this platform."""
    environment = {
        "sys_platform": platform,
        "platform_system": {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}[platform],
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found: dict[str, str] = {}
    for line in text.splitlines():
        requirement, *_ = line.split("#")
        if not requirement.strip() or requirement.startswith("-"):
            continue
        required = Requirement(requirement.strip())
        if required.marker is None or required.marker.evaluate(environment):
            assert required.name not in found, f"{required.name} is pinned twice for {platform} and Python {python}"
            found[required.name] = str(required.specifier).removeprefix("==")
    return found


def test_students_at_home_are_not_told_that_staff_hear_of_it():
    (first, *_) = collect(load())
    results = Results.of([first])
    results.record(first.id, Outcome.INTERNAL_ERROR, f"Not judged: no memory. {INTERNAL_ERROR_NOTE}")
    results.add_note(NoteKind.GRADE, f"Not judged. {INTERNAL_ERROR_NOTE}")
    told = cli._at_home(results, 18)
    for text in (told.by_id[first.id].output, *(note.text for note in told.notes)):
        assert "reported to" not in text
        assert "something on this computer" in text


# Versions of Python.

OLD = "import sys; sys.version_info = (3, 9, 2); sys.argv = sys.argv[1:]; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"


@pytest.mark.parametrize("command", ["grader.py", "collect_submission.py", "attention_pictures.py", "run.py"])
def test_an_older_python_is_told_which_one_is_needed(command, home):
    done = run(sys.executable, "-c", OLD, command, folder=home, PYTHONPATH=str(home))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.search(r"Python 3\.10 or newer is needed", line)


@pytest.mark.parametrize("command", ["run.py", "translate.py"])
def test_a_python_without_the_packages_is_told_so(command):
    """The one of the system, where the environment was not activated."""
    done = run(sys.executable, "-S", command, "--help", folder=SOURCE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{command}: {sys.executable} has no torch, numpy, tqdm: activate your environment")


def test_the_version_is_checked_in_words_that_older_pythons_read():
    """No f-string and no annotation: these would be an error of syntax instead of a sentence."""
    import ast

    for path in (Path(harness.__file__), SOURCE / "grader.py"):
        ast.parse(path.read_text(encoding="utf-8").replace(': f"', ': "'), feature_version=(3, 6))


def test_students_are_given_the_python_of_the_platform():
    text = (SOURCE / "environment.yml").read_text(encoding="utf-8")
    assert re.findall(r"python=([\d.]+)", text) == [".".join(map(str, GRADING_PYTHON))]
    assert "Ubuntu 22.04 (Python 3.10)" in (ROOT / "setup.sh").read_text(encoding="utf-8")


# Streams.


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_samples_are_printed_to_any_stream(encoding, home):
    done = run(sys.executable, "dataset.py", "namedata", folder=home / "submission", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert ("\\u2047" in done.stdout) == (encoding != "utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ("grader.py", "1e-0-basic"),
        ("collect_submission.py",),
        ("run.py", "--function=baseline", "--baseline_place=Tōkyō"),
    ],
)
def test_commands_of_students_print_to_a_stream_of_windows(command, home):
    text = (home / "submission" / "dataset.py").read_text(encoding="utf-8")
    (home / "submission" / "dataset.py").write_text(
        text.replace("return tokens[:-1], tokens[1:]", 'raise ValueError("\\u2047\\u25a1 größe ō")'), encoding="utf-8"
    )
    (home / "submission" / "ōwn.py").write_text("", encoding="utf-8")
    done = run(sys.executable, *command, folder=home, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert "Traceback" not in done.stderr, done.stderr
    assert "\\u" in done.stdout, done.stdout


@pytest.mark.skipif(os.name != "posix", reason="closed pipes end programs on POSIX alone")
@pytest.mark.parametrize(
    "command", [("-m", "harness", "doctor"), (str(SOURCE / "submission" / "dataset.py"), "namedata")]
)
def test_a_reader_that_stops_reading_is_no_error(command, home):
    if command[-1] == "namedata":
        command = (str(home / "submission" / "dataset.py"), "namedata")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert not re.search(rb"Traceback|rror", done.stderr)  # doctor says on stderr what it is doing
    assert done.returncode in {terminal.NOBODY_READS, -13}


def test_a_broken_pipe_of_somebody_else_is_not_taken_for_ours():
    def command() -> int:
        raise BrokenPipeError("a process that we started")

    with pytest.raises(BrokenPipeError):
        terminal.run(command)


# A Python without the packages, as outside of .venv.


@pytest.mark.parametrize(
    "command",
    [("-m", "harness", "grade", "x"), ("-m", "harness", "doctor"), ("build.py", "status"), ("build.py", "release")],
)
def test_without_packages_each_command_says_the_same_and_stops(command):
    """-S leaves out what is installed."""
    done = run(sys.executable, "-S", *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"error: the Python that runs this has no package '\w+'; course staff use \.venv/bin/python \(`make test` makes "
        r"\.venv\), students install the course's packages with `pip install -r requirements\.txt`\n",
        done.stderr,
    )


# Folders where files are meant.


@pytest.mark.parametrize("option", ["--results", "--html"])
def test_a_folder_for_results_is_refused_before_anything_runs(option, honest_upload, data, tmp_path):
    done = run(sys.executable, "-m", "harness", "grade", str(honest_upload), "--data", str(data), option, str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path}: is a folder; give the name of a file in it\n"


@pytest.mark.parametrize("option", ["--writing_params_path=submission", "--outputs_path=submission"])
def test_a_folder_for_parameters_is_refused_before_the_training(option, home):
    needed = ["--function=evaluate", "--reading_params_path=x"] if "outputs" in option else ["--function=pretrain"]
    done = run(sys.executable, "run.py", *needed, option, folder=home)
    assert done.returncode == 2
    assert "submission: is a folder; give the name of a file in it" in done.stderr


def test_a_file_where_pictures_go_is_told(home):
    (home / "pictures").write_text("", encoding="utf-8")
    done = run(sys.executable, "attention_pictures.py", folder=home)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "pictures: is a file" in done.stdout
