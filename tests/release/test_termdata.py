"""The data of a release: generated anew when it must be, dropped-in data refused by file and line."""

import shutil

import pytest

from harness.assignment import ROOT
from harness.errors import UsageError
from harness.manifest import load
from harness.problems.birthplaces.dataset import NAMES
from harness.release.termdata import dropped_in, generated


@pytest.fixture
def root(tmp_path):
    shutil.copyfile(ROOT / "assignment.toml", tmp_path / "assignment.toml")
    return tmp_path


@pytest.fixture
def folder(data, tmp_path):
    """A complete dataset to break."""
    return shutil.copytree(data, tmp_path / "own")


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "term.key"
    path.write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
    return path


def test_demo_dataset_lies_where_every_command_looks_for_it(root):
    made = generated(root, None, "laptop", load())
    assert made.folder == root / "build" / "dataset"
    assert made.is_demo
    assert {name: (made.folder / name).read_bytes() for name in NAMES} == made.files


def test_changed_file_is_made_again(root):
    first = generated(root, None, "laptop", load())
    (first.folder / "birth_dev.tsv").write_text("old\n")
    assert generated(root, None, "laptop", load()).files == first.files
    assert (first.folder / "birth_dev.tsv").read_bytes() == first.files["birth_dev.tsv"]


def test_key_makes_other_data_in_a_folder_of_its_own(root, key_file):
    demo, term = generated(root, None, "laptop", load()), generated(root, key_file, "laptop", load())
    assert demo.folder != term.folder
    assert demo.digest != term.digest
    assert not term.is_demo
    assert term.key_fingerprint is not None
    assert term.key_fingerprint in term.folder.name


def test_students_never_get_the_test_answers(root):
    assert set(generated(root, None, "laptop", load()).for_students) == set(NAMES) - {"birth_test.tsv"}


def test_own_data_is_taken_as_it_is(folder, key_file):
    taken = dropped_in(folder, None, "laptop", load())
    assert (taken.folder, taken.key, taken.is_demo) == (folder, None, False)
    assert dropped_in(folder, key_file, "laptop", load()).key == key_file.read_bytes().strip()


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere: no such folder; --data takes a folder with wiki\.txt"):
        dropped_in(tmp_path / "nowhere", None, "laptop", load())


@pytest.mark.parametrize("name", NAMES)
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(UsageError, match=f"lacks {name}"):
        dropped_in(folder, None, "laptop", load())


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("birth_dev.tsv", "\t", " ", r"birth_dev\.tsv:1: no tab"),
        ("birth_test_inputs.tsv", "Where was ", "Where is ", r"birth_test_inputs\.tsv:1: expected"),
        ("birth_test_inputs.tsv", "?", "?\tParis", r"birth_test_inputs\.tsv:1: holds an answer"),
    ],
)
def test_malformed_line_is_named(folder, name, old, new, complaint):
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        dropped_in(folder, None, "laptop", load())


def test_test_people_who_are_all_taught_are_refused(folder):
    shutil.copyfile(folder / "birth_test.tsv", folder / "birth_dev.tsv")
    with pytest.raises(UsageError, match="every test question stands in train or dev"):
        dropped_in(folder, None, "laptop", load())
