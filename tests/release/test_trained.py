"""The reference's upload is trained when it must be, and only then."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.assignment import ROOT, load
from harness.release import trained, training
from harness.release.termdata import TermData
from harness.world import DEMO_KEY

DATA = TermData(Path("data"), {"wiki.txt": b"x\n"}, DEMO_KEY, "laptop")


@pytest.fixture
def root(tmp_path):
    shutil.copytree(ROOT / "reference_solution", tmp_path / "reference_solution")
    (tmp_path / "build").mkdir()
    return tmp_path


@pytest.fixture
def asked(monkeypatch, root):
    """Training replaced by writing the files; the list of what it was asked for."""
    calls = []

    def train(world, out, preset, console):
        calls.append((world, out.name, preset))
        out.mkdir(exist_ok=True)
        for each in load().deliverables:
            source = root / "reference_solution" / "src" / "submission" / each.name
            (out / each.name).write_bytes(source.read_bytes() if each.kind == "code" else b"trained\n")

    monkeypatch.setattr(training, "train_reference", train)
    return calls


def ready(root, data=DATA) -> Path:
    return trained.ready(root, data, load(), Console(file=io.StringIO()))


def test_missing_upload_is_trained_once(root, asked):
    assert ready(root) == root / "build" / "reference_upload"
    assert ready(root) == root / "build" / "reference_upload"
    assert asked == [(Path("data"), "reference_upload", "laptop")]


def test_upload_folder_holds_the_deliverables_alone(root, asked):
    folder = ready(root)
    assert {path.name for path in folder.iterdir()} == {each.name for each in load().deliverables}


def test_changed_code_is_trained_anew(root, asked):
    ready(root)
    path = root / "reference_solution" / "src" / "submission" / "model.py"
    path.write_text(path.read_text(encoding="utf-8") + "# better\n", encoding="utf-8")
    assert "model.py of the reference has changed" in str(
        trained.stale(root / "build" / "reference_upload", root, DATA, load())
    )
    ready(root)
    assert len(asked) == 2


def test_changed_data_is_trained_anew(root, asked):
    ready(root)
    ready(root, replace(DATA, files={"wiki.txt": b"y\n"}))
    assert len(asked) == 2


def test_lost_file_is_trained_anew(root, asked):
    (ready(root) / "vanilla.model.params").unlink()
    why = trained.stale(root / "build" / "reference_upload", root, DATA, load())
    assert why == f"{root / 'build' / 'reference_upload'} lacks vanilla.model.params"
    ready(root)
    assert len(asked) == 2


def test_upload_that_was_trained_elsewhere_is_taken(root, asked):
    ready(root)
    (root / "build" / "reference_upload.json").unlink()
    ready(root)
    assert len(asked) == 1


@pytest.mark.parametrize("other", [{"key": b"another key, which nobody knows"}, {"key": None}, {"preset": "full"}])
def test_other_data_is_trained_in_a_folder_of_its_own(root, asked, other):
    demo = ready(root)
    assert ready(root, replace(DATA, **other)) != demo
    assert len(asked) == 2
