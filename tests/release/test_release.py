"""The steps of a release on the project itself, with training and self-check replaced: they are tested on their own."""

import io
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import build
from harness.assignment import ROOT
from harness.errors import InternalError, ReleaseRefusedError, SettingsError, UsageError
from harness.manifest import load
from harness.release import inputs, release, selfcheck, template, training
from harness.release.handouts import handouts, staff
from harness.release.selfcheck import Marks

FOLDERS = ("harness", "handouts", "reference_solution", "student_template")
FILES = ("assignment.toml", "pyproject.toml", "constraints.txt", "setup.sh", "run_autograder")


@pytest.fixture
def root(tmp_path):
    """A copy of the project to break."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=120)


@pytest.fixture
def checked(monkeypatch, tmp_path):
    """Stand-ins: an upload that is at hand, and a self-check that sees what it should."""
    points = {part.id: float(part.points) for part in load().parts}
    marks = [Marks("reference", points, points, (), fault=False)]
    monkeypatch.setattr(training, "ready", lambda *_: tmp_path / "upload")
    monkeypatch.setattr(selfcheck, "check", lambda *_: marks)


@pytest.fixture
def quick(monkeypatch, checked):
    """Handouts and leak check left out, for tests of what comes before or after them."""
    monkeypatch.setattr(release, "check", lambda *_, **__: [])
    monkeypatch.setattr(handouts, "handout", lambda *_: {})
    monkeypatch.setattr(staff, "handout", lambda *_: {})


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_release_is_complete_and_free_of_leaks(root, console, checked):
    """The leak check on the real thing raises no alarm: `release` would not have returned."""
    release.release(inputs.Request(root), console)
    dist = root / "dist"
    made = set(template.files_below(dist))
    assert {"student.zip", "autograder.zip", "manifest.json", "handouts/assignment.pdf"} <= made
    with zipfile.ZipFile(dist / "student.zip") as archive:
        names = set(archive.namelist())
        assert "holdout-assignment/src/grader.py" in names
        assert not [name for name in names if "birth_test.tsv" in name or "hidden" in name or "release/" in name]
    with zipfile.ZipFile(dist / "autograder.zip") as archive:
        names = set(archive.namelist())
        assert {"setup.sh", "run_autograder", "data/birth_test.tsv", "assignment.toml", "release.json"} <= names
        assert {each.external_attr >> 16 for each in archive.infolist() if each.filename == "setup.sh"} == {0o100755}
        stamp = json.loads(archive.read("release.json"))
    assert json.loads((dist / "manifest.json").read_bytes())["release"] == stamp["release"]
    assert "THE PUBLIC DEMO KEY IS IN USE" in said(console)
    assert "THE HANDOUTS SHOW AN EXAMPLE" in said(console)
    page = (dist / "handouts" / "assignment.html").read_text(encoding="utf-8")
    assert f"Release {stamp['release']}" in page


def test_secret_key_makes_other_data_and_no_warning(root, console, quick, tmp_path):
    key = tmp_path / "term.key"
    key.write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
    release.release(inputs.Request(root, key_file=key), console)
    everything = b"".join((root / "dist" / path).read_bytes() for path in template.files_below(root / "dist"))
    assert key.read_bytes().strip() not in everything
    assert "PUBLIC DEMO KEY" not in said(console)
    assert json.loads((root / "dist" / "manifest.json").read_bytes())["demo_key"] is False


def break_reference(root):
    path = root / "reference_solution" / "src" / "submission" / "model.py"
    path.write_text(path.read_text(encoding="utf-8").replace("END_CODE_HERE", "END CODE HERE"), encoding="utf-8")


def break_self_check(monkeypatch):
    def refuse(*_):
        raise InternalError("self-check: broken")

    monkeypatch.setattr(selfcheck, "check", refuse)


def break_course(root):
    path = root / "handouts" / "course.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("due =", "dew ="), encoding="utf-8")


def break_assignment(root):
    path = root / "assignment.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("vanilla = 0.10", "vanilla = 10"), encoding="utf-8")


MISTAKES: dict[str, dict[str, Any]] = {
    "preset": {"preset": "huge"},
    "data": {"data": Path("nowhere")},
    "key": {"key_file": Path("nowhere.key")},
    "trained": {"trained": Path("nowhere")},
    "hotfix": {"hotfix": Path("nowhere")},
}


@pytest.mark.parametrize("how", [*MISTAKES, "course", "assignment", "strip", "leak", "self-check"])
def test_release_that_fails_leaves_dist_as_it_was(root, console, quick, monkeypatch, how):
    (root / "dist").mkdir()
    (root / "dist" / "student.zip").write_bytes(b"old")
    request = inputs.Request(root, **MISTAKES.get(how, {}))
    if how == "strip":
        break_reference(root)
    elif how == "course":
        break_course(root)
    elif how == "assignment":
        break_assignment(root)
    elif how == "leak":
        monkeypatch.setattr(release, "check", lambda *_, **__: ["LEAK"])
    elif how == "self-check":
        break_self_check(monkeypatch)
    if how not in ("strip", "leak", "self-check"):
        monkeypatch.setattr(template, "make", lambda *_: pytest.fail("built before everything was checked"))
    with pytest.raises((ReleaseRefusedError, UsageError, InternalError)):
        release.release(request, console)
    assert {path.name: path.read_bytes() for path in (root / "dist").iterdir()} == {"student.zip": b"old"}
    assert not (root / "releases").exists()
    assert not [path for path in (root / "build").glob("tmp*") if path.is_dir()]


def test_everything_mistyped_is_told_at_once(root):
    break_course(root)
    with pytest.raises(UsageError) as told:
        inputs.check(inputs.Request(root, preset="huge", key_file=root / "nowhere.key", trained=root / "nowhere"))
    text = str(told.value)
    assert all(each in text for each in ("course.toml", "no preset 'huge'", "nowhere.key", "--trained"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "model.py"', 'name = "modle.py"', "deliverable 'modle.py': there is no "),
        ('command = "vanilla_pretrain"', 'command = "vanilla_pretrian"', "command = 'vanilla_pretrian': "),
        ('command = "perceiver_eval_test_with', 'command = "eval_test_with', "command = 'eval_test_with_pretrain': "),
        ('    "src/run.py",', '    "src/rum.py",', "template: there is no "),
    ],
)
def test_what_the_reference_does_not_have_is_named_with_its_line(root, old, new, expected):
    manifest = root / "assignment.toml"
    text = manifest.read_text(encoding="utf-8")
    line = text[: text.index("\ntemplate = [" if "src/" in old else old)].count("\n") + 1 + ("src/" in old)
    manifest.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as told:
        inputs.check(inputs.Request(root))
    assert f"{manifest}:{line}: {expected}" in str(told.value)


def test_script_that_is_not_there_is_named_with_its_line(root):
    manifest = root / "assignment.toml"
    text = manifest.read_text(encoding="utf-8").replace("demos =", 'script = "rum.sh"\ndemos =', 1)
    manifest.write_text(text, encoding="utf-8")
    line = text[: text.index('script = "rum.sh"')].count("\n") + 1
    with pytest.raises(SettingsError, match=rf"assignment\.toml:{line}: script = 'rum\.sh': there is no "):
        inputs.check(inputs.Request(root))


def real_solution(root) -> str:
    """The reference's longest block of model.py, without its canary."""
    from harness.release import lists

    blocks = template.make(root, lists.load(load())).blocks
    longest = max((block for block in blocks if "model.py" in block.file), key=lambda block: len(block.body))
    return "\n".join(line for line in longest.body if "canary" not in line)


def test_leak_is_refused_with_artefact_line_and_block(root, console, checked):
    readme = root / "reference_solution" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\n" + real_solution(root), encoding="utf-8")
    with pytest.raises(ReleaseRefusedError) as refusal:
        release.release(inputs.Request(root), console)
    said = r"LEAK student\.zip!/holdout-assignment/README\.md:\d+ repeats \d+ tokens of block reference_solution/src/"
    assert re.search(said, str(refusal.value))


def test_nothing_is_trained_for_a_release_that_leaks(root, console, quick, monkeypatch):
    monkeypatch.setattr(release, "check", lambda *_, **__: ["LEAK"])
    monkeypatch.setattr(training, "untrained", lambda *_: "never trained")
    monkeypatch.setattr(training, "ready", lambda *_: pytest.fail("trained"))
    with pytest.raises(ReleaseRefusedError, match="LEAK"):
        release.release(inputs.Request(root), console)


def test_leak_is_told_though_the_self_check_fails_too(root, console, quick, monkeypatch):
    monkeypatch.setattr(release, "check", lambda *_, **__: ["LEAK"])
    monkeypatch.setattr(training, "untrained", lambda *_: None)
    break_self_check(monkeypatch)
    with pytest.raises(ReleaseRefusedError, match="LEAK"):
        release.release(inputs.Request(root), console)


def test_stale_template_is_named_and_mended(root, console):
    stale = root / "student_template" / "src" / "run.py"
    stale.write_text(stale.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match=r"student_template/src/run\.py:\d+: the reference gives"):
        release.check_template(root)
    release.make_template(root, console)
    release.check_template(root)
    assert "student_template/ is up to date now: commit it" in said(console)
    release.make_template(root, console)
    assert "student_template/ was up to date: nothing has changed" in said(console)


def test_projects_own_template_is_up_to_date():
    release.check_template(ROOT)


@pytest.fixture
def at(root, monkeypatch):
    """The command build.py, standing in the temporary checkout."""
    monkeypatch.setattr(build, "ROOT", root)
    return root


def test_check_exits_0_when_fresh_and_1_when_stale(at, capsys):
    assert build.main(["check"]) == 0
    (at / "student_template" / "README.md").unlink()
    assert build.main(["check"]) == 1
    assert "student_template/README.md: missing" in capsys.readouterr().err


def test_unusable_input_exits_2(at, capsys):
    assert build.main(["release", "--data", str(at / "nowhere")]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert build.main(["--preset", "huge"]) == 2
    assert "no preset 'huge'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--preset", "--profile", "--key-file", "--data", "--trained", "--hotfix"])
def test_option_without_a_value_is_a_variable_that_nobody_set(option, capsys):
    """A script that lost its key or preset must not release the demo."""
    with pytest.raises(SystemExit) as stop:
        build.main(["release", option, ""])
    assert stop.value.code == 2
    assert re.search(rf"argument {option}: expected a (path|name), got nothing", capsys.readouterr().err)


def test_fault_of_ours_exits_3(at, quick, monkeypatch, capsys):
    break_self_check(monkeypatch)
    assert build.main([]) == 3
    assert "self-check: broken" in capsys.readouterr().err


def test_options_of_release_are_refused_elsewhere(capsys):
    with pytest.raises(SystemExit) as stop:
        build.main(["check", "--preset", "full"])
    assert stop.value.code == 2
    assert "--preset: belongs to `release`, not to `check`" in capsys.readouterr().err


def test_handouts_alone_leave_the_rest_of_dist(at):
    (at / "dist").mkdir()
    (at / "dist" / "student.zip").write_bytes(b"kept")
    assert build.main(["handouts"]) == 0
    assert (at / "dist" / "handouts" / "assignment.html").is_file()
    assert (at / "dist" / "student.zip").read_bytes() == b"kept"
