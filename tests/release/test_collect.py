"""What `collect_submission` packs, and what it says: the grader takes its zip as it takes the folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from harness.assignment import ROOT
from harness.intake import pack
from harness.intake.staging import stage
from harness.intake.upload import UploadError
from harness.manifest import load
from tests.conftest import TEMPLATE_CODE

MADE_AT = 1_700_000_000.0  # seconds; each file of a fresh upload is a minute younger than what it is made from


MADE_FROM = {each.name: each.made_from for each in load().deliverables if each.made_from}


@pytest.fixture
def work(upload, data, tmp_path):
    """A student's src/: code first, then parameters, then predictions."""
    for folder in (upload, data):
        assert folder.is_dir()
    (tmp_path / "data").mkdir()
    for name in ("birth_dev.tsv", "birth_test_inputs.tsv"):
        (tmp_path / "data" / name).write_bytes((data / name).read_bytes())
    for each in load().deliverables:
        depth = 0 if each.kind == "code" else 1
        name = each.name
        while name in MADE_FROM:
            name, depth = MADE_FROM[name], depth + 1
        age(upload / each.name, 60.0 * depth)
    return tmp_path


def age(path, seconds):
    """Say that a file was written so long after the first one."""
    os.utime(path, (MADE_AT + seconds, MADE_AT + seconds))


def run(work, *options) -> int:
    return pack.main([*options], work / "submission", work / "data")


def findings(work) -> tuple[str, ...]:
    return pack.collect(work / "submission", work / "data", load()).findings


def test_complete_and_fresh_upload_is_packed_without_a_finding(work, capsys):
    assert run(work) == 0
    said = capsys.readouterr().out
    assert "submission.zip: 18 of 18 files" in said
    assert "Complete and fresh" in said
    with zipfile.ZipFile(work / "submission.zip") as archive:
        assert set(archive.namelist()) == {each.name for each in load().deliverables}
        assert archive.testzip() is None


def test_grader_takes_the_zip_as_it_takes_the_folder(work, tmp_path):
    assert run(work) == 0
    from_zip = stage(work / "submission.zip", tmp_path / "zip", load().uploads)
    from_folder = stage(work / "submission", tmp_path / "folder", load().uploads)
    assert from_zip.digest == from_folder.digest
    assert (from_zip.missing, from_zip.complaints, from_zip.notes, from_zip.ignored) == ((), (), (), "")


def test_equal_files_give_an_equal_zip_whatever_their_times(work):
    run(work)
    first = (work / "submission.zip").read_bytes()
    for path in (work / "submission").iterdir():
        age(path, 5e6)
    run(work)
    assert (work / "submission.zip").read_bytes() == first


def test_extra_credit_goes_in_and_nothing_else_does(work, capsys):
    source = ROOT / "reference_solution" / "src" / "submission" / "attention_exploration.py"
    for name in ("attention_exploration.py", "notes.txt", "model.py.orig"):
        (work / "submission" / name).write_bytes(source.read_bytes())
    assert run(work) == 0
    assert "with attention_exploration.py, for extra credit" in capsys.readouterr().out
    with zipfile.ZipFile(work / "submission.zip") as archive:
        assert len(archive.namelist()) == 19


def test_missing_files_are_named_with_their_commands_and_the_rest_is_packed(work, capsys):
    (work / "submission" / "perceiver.finetune.params").unlink()
    (work / "submission" / "utils.py").unlink()
    assert run(work) == 1
    said = capsys.readouterr().out
    assert "  perceiver.finetune.params: run ./run.sh perceiver_finetune_with_pretrain\n" in said
    assert "utils.py: missing; it came with the template" in said
    assert "16 of 18 files" in said
    with zipfile.ZipFile(work / "submission.zip") as archive:
        assert len(archive.namelist()) == 16


@pytest.mark.parametrize(("made", "source"), MADE_FROM.items())
def test_file_older_than_what_it_is_made_from_is_stale(work, made, source):
    age(work / "submission" / source, 1000)
    said = [line for line in findings(work) if line.startswith(f"{made}: older than {source}")]
    assert len(said) == 1
    assert f"run ./run.sh {load().uploads_by_name[made].command} again" in said[0]


def test_what_is_still_as_in_the_template_is_named(work, capsys):
    for name in ("model.py", "helper.py", "dataset.py"):
        text = (TEMPLATE_CODE / name).read_text(encoding="utf-8")
        if name == "helper.py":  # one of its blocks is written
            text = re.sub(
                'raise NotImplementedError."initialize_vanilla_model is not written yet".', "return None", text
            )
        (work / "submission" / name).write_text(text, encoding="utf-8")
        age(work / "submission" / name, 0)
    assert run(work) == 1
    said = capsys.readouterr().out
    assert "model.py: still the template's, nothing in it is written" in said
    assert "dataset.py: still the template's, nothing in it is written" in said
    assert "helper.py: still as in the template: initialize_perceiver_model, finetune, pretrain, train" in said
    assert "attention.py: still" not in said


def test_template_of_extra_credit_is_no_finding(work):
    shutil.copyfile(TEMPLATE_CODE / "attention_exploration.py", work / "submission" / "attention_exploration.py")
    assert findings(work) == ()


def test_what_is_made_from_a_stale_file_is_stale_in_the_order_of_the_commands(work):
    age(work / "submission" / "vanilla.pretrain.params", 1000)
    assert [line.partition(":")[0] for line in findings(work)] == [
        "vanilla.finetune.params",
        "vanilla.pretrain.dev.predictions",
        "vanilla.pretrain.test.predictions",
    ]


def test_parameters_older_than_the_code_are_stale_with_all_that_follows(work):
    age(work / "submission" / "model.py", 1e6)
    said = findings(work)
    assert len(said) == 11
    why = "older than your model.py, unless that changed for another part only"
    for name in ("vanilla.model.params", "vanilla.pretrain.params", "perceiver.pretrain.params"):
        assert any(line.startswith(f"{name}: {why}") for line in said)


def test_code_for_extra_credit_makes_nothing_stale(work):
    path = work / "submission" / "attention_exploration.py"
    path.write_text("")
    age(path, 1e6)
    assert findings(work) == ()


@pytest.mark.parametrize(("seconds", "stale"), [(0.0, False), (2.0, False), (3.0, True)])
def test_times_that_a_disk_cannot_tell_apart_are_a_tie(work, seconds, stale):
    """A zip or a FAT disk rounds to two seconds: a folder that was unpacked from one is not stale."""
    for path in (work / "submission").iterdir():
        age(path, 0)
    age(work / "submission" / "vanilla.model.params", seconds)
    assert bool(findings(work)) is stale


def test_findings_can_be_had_as_json_by_whoever_is_no_person(work, tmp_path):
    assert run(work, "--findings", str(tmp_path / "none.json")) == 0
    assert json.loads((tmp_path / "none.json").read_bytes()) == []
    (work / "submission" / "utils.py").unlink()
    assert run(work, "--findings", str(tmp_path / "one.json")) == 1
    assert json.loads((tmp_path / "one.json").read_bytes()) == list(findings(work))
    assert len(findings(work)) == 1


def test_predictions_for_other_questions_are_told(work):
    (work / "submission" / "vanilla.pretrain.dev.predictions").write_text("Rome\n" * 7)
    age(work / "submission" / "vanilla.pretrain.dev.predictions", 240)
    (said,) = findings(work)
    questions = load().problem("birthplaces").presets["laptop"]["dev"]
    asked = f"data/birth_dev.tsv asks {questions} questions"
    assert said.startswith(f"vanilla.pretrain.dev.predictions: has 7 lines, but {asked}")


def test_predictions_that_are_no_text_are_told(work):
    path = work / "submission" / "vanilla.pretrain.test.predictions"
    path.write_bytes(b"\xff\xfeR\0")
    age(path, 240)
    (said,) = findings(work)
    assert "it is UTF-16, expected UTF-8" in said


def test_own_module_is_left_out_and_told(work):
    (work / "submission" / "my_layers.py").write_text("")
    (said,) = findings(work)
    assert said.startswith("my_layers.py: left out, it is no deliverable")
    assert run(work) == 1
    with zipfile.ZipFile(work / "submission.zip") as archive:
        assert "my_layers.py" not in archive.namelist()


@pytest.mark.parametrize(
    "statement",
    [
        "from .parts.spans import same",
        "from . import parts",
        "import submission.parts.spans",
        "from submission import parts",
    ],
)
def test_own_package_that_the_code_imports_is_left_out_and_told(work, statement):
    (work / "submission" / "parts").mkdir()
    (work / "submission" / "parts" / "spans.py").write_text("")
    helper = work / "submission" / "helper.py"
    helper.write_text(helper.read_text(encoding="utf-8") + f"\n{statement}\n", encoding="utf-8")
    age(helper, 0)
    (said,) = findings(work)
    assert said.startswith("parts/: left out, folders are not uploaded, but helper.py imports it")
    assert run(work) == 1


def test_older_copy_in_a_folder_below_is_neither_packed_nor_complained_of(work):
    """The newest work is what lies in submission/ itself, complete or not."""
    shutil.copytree(work / "submission", work / "backup")
    (work / "backup").rename(work / "submission" / "backup_v1")
    (work / "submission" / "vanilla.model.params").unlink()
    newest = b"# newest\n" + (work / "submission" / "dataset.py").read_bytes()
    (work / "submission" / "dataset.py").write_bytes(newest)
    age(work / "submission" / "dataset.py", 0)
    assert findings(work) == ("vanilla.model.params: run ./run.sh vanilla_finetune_without_pretrain",)
    assert run(work) == 1
    with zipfile.ZipFile(work / "submission.zip") as archive:
        assert archive.read("dataset.py") == newest
        assert "vanilla.model.params" not in archive.namelist()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="nothing that it reads is too new")
def test_syntax_that_the_graders_python_does_not_read_is_told(work):
    helper = work / "submission" / "helper.py"
    helper.write_text(helper.read_text(encoding="utf-8") + "\ntry:\n    pass\nexcept* ValueError:\n    pass\n")
    age(helper, 0)
    (said,) = findings(work)
    assert said.startswith("helper.py: line ")
    assert "but not by the grader's Python 3.10" in said


def test_upload_that_gradescope_does_not_take_is_told(work, monkeypatch):
    monkeypatch.setattr(pack, "MOST_BYTES", 10_000)
    (said,) = findings(work)
    assert "and Gradescope takes 0.009537 MiB" in said


def test_file_that_the_grader_does_not_read_is_told(work):
    (work / "submission" / "model.py").write_bytes(b"#" * (2 << 20))
    age(work / "submission" / "model.py", 0)
    (said,) = findings(work)
    assert said.startswith("model.py: is 2 MiB, more than the 1 MiB that are read")


def test_folder_without_a_deliverable_is_unusable(tmp_path, capsys):
    (tmp_path / "submission").mkdir()
    (tmp_path / "data").mkdir()
    assert run(tmp_path) == 2
    assert "none of the 18 deliverables is here" in capsys.readouterr().out
    assert not (tmp_path / "submission.zip").exists()


def test_folder_that_is_not_there_is_unusable(tmp_path, capsys):
    with pytest.raises(UploadError):
        pack.collect(tmp_path / "submission", tmp_path, load())
    assert run(tmp_path) == 2
    assert "submission" in capsys.readouterr().out


def test_zip_that_cannot_be_written_is_unusable_and_leaves_nothing(work, capsys):
    (work / "full").mkdir()
    (work / "full" / "out.zip").mkdir()
    assert run(work, "--out", str(work / "full" / "out.zip")) == 2
    assert "out.zip: cannot be written" in capsys.readouterr().out
    assert [path.name for path in (work / "full").iterdir()] == ["out.zip"]


def test_command_runs_from_any_folder_with_spaces_in_its_path(work, tmp_path):
    src = tmp_path / "My Homework" / "src"
    (tmp_path / "My Homework").mkdir()
    work_src = ROOT / "student_template" / "src"
    src.mkdir()
    for name in ("grader.py", "collect_submission.py"):
        (src / name).write_bytes((work_src / name).read_bytes())
    (src / "harness").symlink_to(ROOT / "harness")
    (src / "submission").symlink_to(work / "submission")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(src / "collect_submission.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (src / "submission.zip").is_file()
