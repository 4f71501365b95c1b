"""The five files on disk: the original data's formats to the byte, complete or not at all."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.problems.birthplaces.dataset import NAMES, Dataset, render
from harness.release.termdata import write

#: The data that public courses use, where somebody has put it beside the checkout.
COURSE = Path(__file__).resolve().parents[3] / "shared" / "data" / "course"

QUESTION = r"Where was [^\t\n?]+ born\?"
ANSWERED = re.compile(rf"(?:{QUESTION}\t[^\t\n]+\n)+")
SHAPES = {
    "wiki.txt": re.compile(r"(?:[^\n]+\. [^\n]+\.\n)*[^\n]+\. [^\n]+\."),
    "birth_places_train.tsv": ANSWERED,
    "birth_dev.tsv": ANSWERED,
    "birth_test.tsv": ANSWERED,
    "birth_test_inputs.tsv": re.compile(rf"(?:{QUESTION}\n)+"),
}


def test_each_file_has_its_shape(dataset: Dataset) -> None:
    for name, content in render(dataset).items():
        assert SHAPES[name].fullmatch(content.decode("utf-8")), name


@pytest.mark.parametrize("name", NAMES)
def test_the_shapes_are_those_of_the_original_data(name: str) -> None:
    if not (COURSE / name).is_file():
        pytest.skip("the original dataset is not here")
    content = (COURSE / name).read_bytes().decode("utf-8")
    shape = SHAPES[name] if name != "wiki.txt" else re.compile(r"(?:[^\n]+\n)*[^\n]+")  # some of its texts are cut off
    assert shape.fullmatch(content)


def test_inputs_are_the_questions_of_test_in_order(laptops: tuple[Dataset, Dataset]) -> None:
    rendered = render(laptops[0])
    inputs = rendered["birth_test_inputs.tsv"].decode().splitlines()
    assert inputs == [line.split("\t")[0] for line in rendered["birth_test.tsv"].decode().splitlines()]


def test_splits_share_no_person_and_the_text_hides_the_splits(laptops: tuple[Dataset, Dataset]) -> None:
    demo = laptops[0]
    rendered = render(demo)
    splits = ("birth_places_train.tsv", "birth_dev.tsv", "birth_test_inputs.tsv")
    asked = [line.split("\t")[0] for name in splits for line in rendered[name].decode().splitlines()]
    assert len(set(asked)) == len(asked) == len(demo.people)
    train = {person.name for person in demo.train}
    first_half = demo.documents[: len(demo.documents) // 2]
    in_train = sum(document.split(". ")[0] in train for document in first_half) / len(first_half)
    assert in_train == pytest.approx(len(train) / len(demo.people), abs=0.1)


def test_a_new_folder_holds_exactly_the_five_files(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    write(render(laptops[0]), tmp_path / "made" / "dataset")
    written = {path.name: path.read_bytes() for path in (tmp_path / "made" / "dataset").iterdir()}
    assert written == render(laptops[0])
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["dataset"]


def test_an_old_dataset_is_replaced_and_other_files_stay(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    write(render(laptops[1]), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    write(render(laptops[0]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, "notes.txt"}
    assert (tmp_path / "wiki.txt").read_bytes() == render(laptops[0])["wiki.txt"]


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    contents: dict[str, Any] = {**render(laptops[0]), "birth_test.tsv": None}  # the last one cannot be written
    with pytest.raises(TypeError):
        write(contents, tmp_path / "dataset")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_named(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    (tmp_path / "dataset").write_text("not a folder")
    with pytest.raises(UsageError, match="dataset: is a file"):
        write(render(laptops[0]), tmp_path / "dataset")


def test_an_unwritable_place_is_named(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match="cannot write there"):
        write(render(laptops[0]), tmp_path / "file" / "dataset")


def test_files_get_the_usual_permissions(tmp_path: Path, laptops: tuple[Dataset, Dataset]) -> None:
    before = os.umask(0o022)
    try:
        write(render(laptops[0]), tmp_path / "dataset")
    finally:
        os.umask(before)
    assert (tmp_path / "dataset").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "dataset" / "wiki.txt").stat().st_mode & 0o777 == 0o644
