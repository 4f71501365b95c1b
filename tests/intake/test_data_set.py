"""The five files of a dataset, and what is said about a malformed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.assignment import ROOT
from harness.errors import UsageError
from harness.problems.birthplaces.questions import Question, load_data_files, load_gold, load_questions, parse_question

if TYPE_CHECKING:
    from pathlib import Path

ANN, BO, CY = (f"Where was {name} born?" for name in ("Ann Lee", "Bo Ek", "Cy Ng"))


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes, name: str = "birth_dev.tsv") -> Path:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / name

    return write


def test_a_line_is_a_question_and_a_place():
    question = parse_question(f"{ANN}\tSão Paulo")
    assert question == Question(ANN, "São Paulo")
    assert question.name == "Ann Lee"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_gold_is_read_whatever_the_line_ends(end, mark, last, write):
    path = write(mark + end.join([f"{ANN}\tRome", f"{BO}\tOslo"]) + last)
    assert load_gold(path) == (Question(ANN, "Rome"), Question(BO, "Oslo"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{ANN}\tRome\n{BO} Oslo\n", ":2: no tab; expected 'Where was NAME born?', one tab and the place"),
        (f"{ANN}\tRome\tItaly\n", ":1: more than one tab; expected"),
        (f"{ANN}\tRome\n{BO}\t\n", ":2: an empty answer; expected"),
        (f"{ANN}\tRome\n{BO}\t  \n", ":2: an empty answer; expected"),
        (f"{ANN}\tRome\n\n{BO}\tOslo\n", ":2: no tab; expected"),
        ("Who was Ann?\tRome\n", ":1: not a question of the form 'Where was NAME born?': 'Who was Ann?'"),
        (f"{ANN}\tRome\n{BO}\tOslo\n{ANN}\tRome\n", ":3: asks the question of line 1 again; each may come once"),
        ("", ": is empty; expected at least one line"),
        (b"\xff\xfe", ": is not UTF-8 text (byte 0); save it as UTF-8"),
    ],
)
def test_malformed_gold_is_a_sentence_with_the_line(text, says, write):
    path = write(text)
    with pytest.raises(UsageError) as caught:
        load_gold(path)
    assert str(caught.value).startswith(f"{path}{says}")


def test_training_data_may_repeat_a_question(write):
    assert len(load_gold(write(f"{ANN}\tRome\n{ANN}\tRome\n"), unique=False)) == 2


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"birth_dev\.tsv: cannot be read \(No such file or directory\)"):
        load_gold(tmp_path / "birth_dev.tsv")


def test_questions_come_without_answers(write):
    assert load_questions(write(f"{ANN}\n{BO}\n")) == (ANN, BO)
    for text, says in [
        (f"{ANN}\n{BO}\tOslo\n", ":2: holds an answer; expected questions alone, this file goes to students"),
        (f"{ANN}\nBo\n", ":2: expected 'Where was NAME born?', found 'Bo'"),
        (f"{ANN}\n{ANN}\n", ":2: asks the question of line 1 again"),
    ]:
        with pytest.raises(UsageError, match=r"birth_dev\.tsv:\d: ") as caught:
            load_questions(write(text))
        assert says in str(caught.value)


@pytest.fixture
def data_set(tmp_path: Path, write) -> Path:
    write("Ann Lee was born in Rome.\nBo Ek is from Oslo.", "wiki.txt")
    write(f"{ANN}\tRome\n{ANN}\tRome\n", "birth_places_train.tsv")
    write(f"{BO}\tOslo\n", "birth_dev.tsv")
    write(f"{ANN}\tRome\n{CY}\tLima\n", "birth_test.tsv")
    write(f"{ANN}\n{CY}\n", "birth_test_inputs.tsv")
    return tmp_path


def test_a_data_set_is_read_whole(data_set):
    found = load_data_files(data_set)
    assert [len(part) for part in (found.documents, found.train, found.dev, found.test)] == [2, 2, 1, 2]
    assert found.test[1].place == "Lima"


def test_test_questions_and_answers_must_agree(data_set, write):
    write(f"{CY}\n{ANN}\n", "birth_test_inputs.tsv")
    with pytest.raises(
        UsageError, match=r"birth_test_inputs\.tsv:1: asks 'Where was Cy Ng born\?', but birth_test\.tsv"
    ):
        load_data_files(data_set)
    write(f"{ANN}\n", "birth_test_inputs.tsv")
    with pytest.raises(UsageError, match=r"birth_test\.tsv has 2 lines and birth_test_inputs\.tsv 1"):
        load_data_files(data_set)


@pytest.mark.parametrize(
    "name", ["wiki.txt", "birth_places_train.tsv", "birth_dev.tsv", "birth_test.tsv", "birth_test_inputs.tsv"]
)
def test_each_of_the_five_files_is_asked_for(name, data_set):
    (data_set / name).unlink()
    with pytest.raises(UsageError, match=f"{name}: cannot be read"):
        load_data_files(data_set)


COURSE = ROOT.parent / "shared" / "data" / "course"


@pytest.mark.skipif(not COURSE.exists(), reason="the real dataset is not at hand")
def test_the_real_data_set_is_read():
    found = load_data_files(COURSE)
    assert [len(part) for part in (found.documents, found.train, found.dev, found.test)] == [2937, 2000, 500, 437]
    assert sum(question.place == "London" for question in found.dev) == 25
