"""The students' folder as it is unpacked, used with the commands of its README, also as on Windows and on macOS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.cli import Progress
from harness.errors import UsageError
from harness.grading.catalogue import collect, select
from harness.grading.results import Results
from harness.manifest import load
from harness.problem import need_torch
from harness.release import lists, package, template

#: macOS has all that Windows lacks, so it is tried with the slow tests alone.
PLATFORMS = ["win32", pytest.param("darwin", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def unpacked(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """src/ of student.zip, in a folder with spaces in its name."""
    folder = tmp_path_factory.mktemp("home") / "My Course Work" / "src"
    listed = lists.load(load())
    for path, content in package.student_files(ROOT, listed, template.make(ROOT, listed).files).items():
        target = folder.parent / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for name in ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv", "birth_test_inputs.tsv"):
        shutil.copy(data / name, folder / "data" / name)
    return folder


@pytest.fixture
def done(unpacked: Path, honest_upload: Path, tmp_path: Path) -> Path:
    """The same with all the work done."""
    folder = tmp_path / "src"
    shutil.copytree(unpacked, folder)
    for path in honest_upload.iterdir():
        shutil.copy(path, folder / "submission" / path.name)
    name = load().optional[0].name
    shutil.copy(ROOT / "reference_solution" / "src" / "submission" / name, folder / "submission" / name)
    return folder


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(params=PLATFORMS)
def elsewhere(request, tmp_path) -> dict[str, str]:
    """Environment for a Python that behaves as on another platform, wherever it starts another one."""
    return {"HOLDOUT_AS": request.param, "HOLDOUT_ASKED": str(tmp_path / "asked.txt")}


def install(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Let every process of the grader begin with elsewhere.py: the folder of `harness` is on its path.

    Our processes hand on no variables but a few, so what they are to be is written into the file.
    """
    text = (Path(__file__).parent / "elsewhere.py").read_text(encoding="utf-8")
    for name, value in environment.items():
        text = text.replace(f'os.environ["{name}"]', repr(value))
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    # Other grades on this machine sweep up scratch folders that nobody locks, and there are no locks elsewhere.
    own = folder.parent / "tmp"
    own.mkdir()
    return {"PYTHONPATH": str(folder), "TMPDIR": str(own)}


def test_single_basic_graded_test_runs_as_on_windows_and_macos(done, elsewhere):
    """Without fork, signals and resource limits, a process per probe: 1e-0-basic passes for the reference."""
    run_there = run(done, "grader.py", "1e-0-basic", **install(done, elsewhere))
    assert run_there.returncode == 0, run_there.stdout + run_there.stderr
    assert "1e-0-basic         2/2  pass" in run_there.stdout
    asked = Path(elsewhere["HOLDOUT_ASKED"]).read_text().split()
    assert {"sys.platform", "os.name"} <= set(asked)


@pytest.mark.slow
def test_basic_suite_passes_as_on_windows_and_macos(done, elsewhere):
    run_there = run(done, "grader.py", **install(done, elsewhere))
    assert run_there.returncode == 0, run_there.stdout + run_there.stderr
    basic = [graded_test for graded_test in collect(load()) if graded_test.kind == "basic"]
    extra = {part.id for part in load().parts if part.extra_credit}
    sums = [
        sum(graded_test.points for graded_test in basic if (graded_test.part in extra) == is_extra)
        for is_extra in (False, True)
    ]
    assert run_there.stdout.count("  pass  ") == len(basic)
    assert f"{sums[0]:g}/{sums[0]:g}\n" in run_there.stdout.split("total")[1].lstrip()
    assert f"{sums[1]:g}/{sums[1]:g}\n" in run_there.stdout.split("extra credit ")[-1].lstrip()


def test_upload_is_packed_as_on_windows_and_macos(done, elsewhere):
    run_there = run(done, "collect_submission.py", **install(done, elsewhere))
    assert "18 of 18 files" in run_there.stdout, run_there.stdout + run_there.stderr
    assert run_there.returncode == 0


def test_untouched_folder_says_what_waits_and_which_release_it_is(unpacked, tmp_path):
    """Whoever asks about one graded test is not told eleven times what is still to be trained."""
    folder = tmp_path / "src"
    shutil.copytree(unpacked, folder)
    (folder / "release.json").write_text('{"release": "0123abcd-4567cdef-89abcdef"}')
    first = run(folder, "grader.py", "1e-0-basic")
    assert first.returncode == 1, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0] == "11 of the 18 files to upload are not here yet; python collect_submission.py names them"
    assert lines[1].startswith("1e-0-basic         0/2  FAIL")
    assert "it is not written yet: NotImplementedError at submission/dataset.py" in first.stdout
    assert "play_char.ipynb" not in first.stdout
    assert lines[-1].startswith("release 0123abcd-4567cdef-89abcdef, seed ")


def test_command_without_its_harness_says_what_to_do(unpacked, tmp_path):
    for name in ("grader.py", "collect_submission.py"):
        shutil.copy(unpacked / name, tmp_path / name)
        alone = run(tmp_path, name)
        assert alone.returncode == 1
        assert "the folder 'harness' is missing beside it" in alone.stderr


def test_endless_loop_is_named_with_its_place_and_the_grader_says_that_a_test_fails(done):
    manifest = done / "assignment.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("home_seconds = 12", "home_seconds = 2"), encoding="utf-8")
    dataset = done / "submission" / "dataset.py"
    old = "        limit = int(self.block_size * 7 / 8)\n"
    looping = dataset.read_text(encoding="utf-8").replace(old, f"{old}        while True:\n            limit += 1\n")
    dataset.write_text(looping, encoding="utf-8")
    looped = run(done, "grader.py", "1e-0-basic")
    assert looped.returncode == 1
    assert "still running after 2 s, at submission/dataset.py:" in looped.stdout
    assert "is there a loop that never ends?" in looped.stdout
    assert "course staff" not in looped.stdout


@pytest.mark.parametrize(("wanted", "ran"), [("e", "1e"), ("1e", "1e"), ("1E-0-BASIC", "1e-0"), ("1E-0", "1e-0-")])
def test_parts_and_tests_are_named_as_people_write_them(wanted, ran):
    chosen = select(collect(load(), ("basic",)), wanted)
    assert chosen
    assert all(each.id.startswith(ran) for each in chosen)


def test_hidden_test_is_said_to_run_on_upload():
    with pytest.raises(UsageError, match=r"^1e-2-hidden is a hidden test: it runs when you upload.*1e-0-basic"):
        select(collect(load(), ("basic",)), "1e-2-hidden")


def test_beginning_of_an_id_that_no_basic_test_has_is_answered_with_those_of_its_part():
    said = r"^1e-2 is no basic test: hidden ones run when you upload; here you can run 1e-0-basic and 1e-1-basic$"
    with pytest.raises(UsageError, match=said):
        select(collect(load(), ("basic",)), "1e-2")
    with pytest.raises(UsageError, match=r"^no graded test '9z-2' here: use a part"):
        select(collect(load(), ("basic",)), "9z-2")
    assert [each.id for each in select(collect(load()), "1e-2")] == ["1e-2-hidden"]


@pytest.mark.parametrize("lost", [("wiki.txt",), ("birth_dev.tsv", "birth_test_inputs.tsv"), ("",)])
def test_data_that_are_gone_are_in_the_courses_zip(unpacked, tmp_path, lost):
    """Students have no generator: nobody tells them to make the data."""
    folder = tmp_path / "src"
    shutil.copytree(unpacked, folder)
    for name in lost:
        shutil.rmtree(folder / "data") if not name else (folder / "data" / name).unlink()
    asked = run(folder, "grader.py", "1e-0-basic")
    names = ", ".join(lost) if lost[0] else "wiki.txt, birth_places_train.tsv, birth_dev.tsv, birth_test_inputs.tsv"
    said = f"{names} missing; the data of the term came in the course's student.zip, in its folder src/data"
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.startswith("error: ")
    assert said in asked.stderr
    assert "dataset --out" not in asked.stderr


def exchanged(submission: Path) -> None:
    dev, test = (submission / f"vanilla.pretrain.{split}.predictions" for split in ("dev", "test"))
    lines = dev.read_bytes(), test.read_bytes()
    dev.write_bytes(lines[1])
    test.write_bytes(lines[0])


def as_many_as_test_asks(submission: Path) -> None:
    inputs, dev = submission.parent / "data" / "birth_test_inputs.tsv", submission / "vanilla.pretrain.dev.predictions"
    for path in (inputs, dev):
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-7]), encoding="utf-8")


def a_line_too_many(submission: Path) -> None:
    path = submission / "vanilla.pretrain.dev.predictions"
    path.write_text(path.read_text(encoding="utf-8") + "Oslo\n", encoding="utf-8")


def of_another_model(submission: Path) -> None:
    path, dev = submission / "vanilla.pretrain.dev.predictions", submission.parent / "data" / "birth_dev.tsv"
    right = [line.partition("\t")[2] for line in dev.read_text(encoding="utf-8").splitlines()]
    answered = path.read_text(encoding="utf-8").splitlines()
    kept = (line if line == place else "Nowhere" for line, place in zip(answered, right, strict=True))
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (exchanged, "this looks like the test file"),
        (as_many_as_test_asks, "this looks like the test file"),
        (a_line_too_many, "it has 201 lines, expected 200"),
        (of_another_model, "params and predictions must be of one and the same training"),
    ],
)
def test_predictions_at_home_are_told_to_be_made_again_and_not_to_be_uploaded(done, break_it, said):
    break_it(done / "submission")
    asked = run(done, "grader.py", "1f-2-basic")
    assert asked.returncode == 1, asked.stderr
    assert said in asked.stdout
    assert "upload" not in asked.stdout
    assert "stopped early" not in asked.stdout
    assert "hint:" in asked.stdout


def test_extra_credit_needs_no_torch():
    """A worker for problem 3 asks its probe without PyTorch, whether it is installed or not."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from harness.sandbox.preload import preload\n"
        "assert callable(preload('harness.probes', 'plain')['exploration'].numbers)\n"
    )
    assert run(ROOT, "-c", code).returncode == 0
    assert not need_torch(load(), ["3a", "3e"])
    assert need_torch(load(), ["3a", "1c"])


def test_extra_credit_is_judged_where_no_process_can_import_torch(done):
    """The whole command, with its workers: what is fast there is fast because nothing loads PyTorch."""
    (done / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n", encoding="utf-8")
    asked = run(done, "grader.py", "3a", PYTHONPATH=str(done))
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "3a-0-basic     0.5/0.5  pass" in asked.stdout
    assert run(done, "grader.py", "1e-0-basic", PYTHONPATH=str(done)).returncode != 0  # it does keep torch away


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind")
def test_progress_is_one_line_for_whoever_looks_on_and_none_for_a_file(capsys, monkeypatch):
    results = Results.of(collect(load(), ("basic",)))
    progress = Progress()
    progress.show(results)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress.show(results)
    progress.clear()
    said = capsys.readouterr().err
    assert "0 of 20 tests, now 1c-0-basic (0 s)" in said
    assert "\n" not in said
