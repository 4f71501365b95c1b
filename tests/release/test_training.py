"""The reference's upload is trained when it must be, and only then."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.assignment import ROOT
from harness.errors import UsageError
from harness.manifest import load
from harness.release import training
from harness.release.keys import DEMO_KEY
from harness.release.termdata import TermData, generate

DATA = TermData(Path("data"), {"wiki.txt": b"x\n"}, DEMO_KEY, "laptop", frozenset(), frozenset())


@pytest.fixture
def root(tmp_path):
    shutil.copytree(ROOT / "reference_solution", tmp_path / "reference_solution")
    (tmp_path / "build").mkdir()
    return tmp_path


@pytest.fixture
def asked(monkeypatch, root):
    """Training replaced by writing the files; the list of what it was asked for."""
    calls = []

    def train(dataset, out, _assignment, preset, console):
        calls.append((dataset, out.name, preset))
        out.mkdir(exist_ok=True)
        for each in load().deliverables:
            source = root / "reference_solution" / "src" / "submission" / each.name
            (out / each.name).write_bytes(source.read_bytes() if each.kind == "code" else b"trained\n")

    monkeypatch.setattr(training, "train_reference", train)
    return calls


def ready(root, data=DATA) -> Path:
    return training.ready(root, data, load(), Console(file=io.StringIO()))


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
    path.write_text(path.read_text(encoding="utf-8") + "BETTER = 1\n", encoding="utf-8")
    assert "model.py of the reference has changed" in str(training.untrained(root, DATA, load()))
    ready(root)
    assert len(asked) == 2


def test_changed_comments_are_not(root, asked):
    ready(root)
    for name in ("submission/model.py", "run.py", "run.sh"):
        path = root / "reference_solution" / "src" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# better\n", encoding="utf-8")
    assert training.untrained(root, DATA, load()) is None
    ready(root)
    assert len(asked) == 1


def test_changed_data_is_trained_anew(root, asked):
    ready(root)
    ready(root, replace(DATA, files={"wiki.txt": b"y\n"}))
    assert len(asked) == 2


def test_lost_file_is_trained_anew(root, asked):
    (ready(root) / "vanilla.model.params").unlink()
    why = training.untrained(root, DATA, load())
    assert why == f"{root / 'build' / 'reference_upload'} lacks vanilla.model.params"
    ready(root)
    assert len(asked) == 2


def test_changed_commands_are_trained_anew(root, asked):
    """What run.py and run.sh do decides what comes out, though students do not upload them."""
    for name in ("run.py", "run.sh"):
        ready(root)
        path = root / "reference_solution" / "src" / name
        path.write_text(path.read_text(encoding="utf-8") + "true\n", encoding="utf-8")
        assert training.untrained(root, DATA, load()) == "a script with commands changed since"
    ready(root)
    assert len(asked) == 3


@pytest.mark.parametrize("record", [None, "{", "{}", "[]"])
def test_upload_of_unknown_origin_is_trained_anew(root, asked, record):
    ready(root)
    path = root / "build" / "reference_upload.json"
    path.unlink() if record is None else path.write_text(record)
    assert str(training.untrained(root, DATA, load())).startswith(f"{path} does not tell what it was trained on")
    ready(root)
    assert len(asked) == 2


@pytest.fixture
def elsewhere(root, asked, tmp_path):
    """An upload from another machine: the deliverables, and no record of what they were trained on."""
    return Path(shutil.copytree(ready(root), tmp_path / "elsewhere"))


def test_upload_that_staff_bring_is_taken_as_it_is(root, asked, elsewhere):
    other = replace(DATA, key=b"another key, which nobody knows")
    assert training.ready(root, other, load(), Console(file=io.StringIO()), elsewhere) == elsewhere
    assert len(asked) == 1


@pytest.mark.parametrize(("name", "why"), [("model.py", "has changed since"), ("vanilla.model.params", "lacks")])
def test_upload_that_staff_bring_must_be_complete_and_of_this_code(root, asked, elsewhere, name, why):
    (elsewhere / name).write_text("# other\n") if why != "lacks" else (elsewhere / name).unlink()
    with pytest.raises(UsageError, match=rf"--trained .*{why}"):
        training.ready(root, DATA, load(), Console(file=io.StringIO()), elsewhere)
    assert len(asked) == 1


@pytest.mark.parametrize("other", [{"key": b"another key, which nobody knows"}, {"key": None}, {"preset": "full"}])
def test_other_data_is_trained_in_a_folder_of_its_own(root, asked, other):
    demo = ready(root)
    assert ready(root, replace(DATA, **other)) != demo
    assert len(asked) == 2


# Whether an upload that was trained elsewhere is this release's.


@pytest.fixture
def brought(root, asked, tmp_path) -> Path:
    """A complete upload with a record of DATA beside it."""
    folder = tmp_path / "from the cluster"
    shutil.copytree(ready(root), folder)
    (tmp_path / f"{folder.name}.json").write_bytes((root / "build" / "reference_upload.json").read_bytes())
    return folder


@pytest.mark.parametrize(
    ("other", "named"),
    [(replace(DATA, files={"wiki.txt": b"y\n"}), "the term's data"), (replace(DATA, preset="full"), "the preset")],
)
def test_upload_with_its_record_is_taken_for_its_data_and_preset_alone(root, brought, other, named):
    training.check_folder(brought, root, load())
    training.check_fit(brought, DATA, load())
    with pytest.raises(UsageError, match=rf"--trained .*: is not for this release: {named} changed since"):
        training.check_fit(brought, other, load())


def test_upload_that_is_not_there_or_not_whole_is_refused(root, brought):
    with pytest.raises(UsageError, match="no such folder"):
        training.check_folder(brought.with_name("nowhere"), root, load())
    (brought / "vanilla.finetune.params").unlink()
    with pytest.raises(UsageError, match=r"lacks vanilla\.finetune\.params"):
        training.check_folder(brought, root, load())


def test_upload_without_a_record_is_taken_where_its_answers_fit(brought):
    brought.with_name(f"{brought.name}.json").unlink()
    ours, theirs = (generated_by(key) for key in (DEMO_KEY, b"another term's key, sixteen bytes"))
    for path in brought.glob("*.predictions"):
        split = path.stem.rpartition(".")[2]
        lines = ours.files[f"birth_{split}.tsv"].decode("utf-8").splitlines()
        path.write_text("\n".join(line.partition("\t")[2] for line in lines), encoding="utf-8")
    training.check_fit(brought, ours, load())
    with pytest.raises(UsageError, match=r"its answers do not fit this data: at best \d\.\d% are right"):
        training.check_fit(brought, theirs, load())


def generated_by(key: bytes) -> TermData:
    return TermData(Path("data"), generate(load(), "laptop", key), key, "laptop", frozenset(), frozenset())
