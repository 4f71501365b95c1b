"""Decoding and scoring of the reference."""

from typing import Any

import pytest
import torch


@pytest.fixture
def dataset(submission: Any, corpus: Any) -> Any:
    return submission.CharCorruptionDataset(corpus, 48)


def test_sampling_keeps_to_the_top_k(submission: Any, build: Any) -> None:
    model = build()
    x = torch.tensor([[3, 4]])
    scores = model(x)[0][0, -1]
    drawn = {int(submission.sample(model, x, 1, sample=True, top_k=3)[0, -1]) for _ in range(60)}
    assert drawn == set(scores.topk(3).indices.tolist())


def test_exact_matches_are_counted(submission: Any, tmp_path: Any) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("Where was A born?\tOslo\nWhere was B born?\tLima\nWhere was C born?\tRome\n", encoding="utf-8")
    assert submission.evaluate_places(gold, ["Oslo", "lima", "Rome"]) == (3, 2)


def test_a_file_without_answers_scores_nothing(submission: Any, tmp_path: Any) -> None:
    questions = tmp_path / "questions.tsv"
    questions.write_text("Where was A born?\nWhere was B born?\n", encoding="utf-8")
    assert submission.evaluate_places(questions, ["Oslo", "Lima"]) == (0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Where was A born?\tOslo\nWhere was B born?\n", r"gold\.tsv:2: .*one tab"),
        ("Where was A born?\tOslo\n", "1 questions, but there are 2 predictions"),
        ("", r"gold\.tsv is empty"),
    ],
)
def test_an_unusable_file_of_answers_is_named(submission: Any, tmp_path: Any, content: Any, sentence: Any) -> None:
    (tmp_path / "gold.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        submission.evaluate_places(tmp_path / "gold.tsv", ["Oslo", "Lima"])


def test_an_unusable_question_is_named(submission: Any, dataset: Any, tmp_path: Any) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text("Where was Ada born?\nWhere was Zoe born?\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"questions\.tsv:2: .*'Z'"):
        submission.utils.read_questions(path, dataset)
    path.write_text("Where was Ada Ada Ada Ada Ada Ada Ada Ada Ada Ada born?\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"questions\.tsv:1: .*1 to 47 characters"):
        submission.utils.read_questions(path, dataset)
