"""The questions and documents of a dataset, read from its five files; every complaint names file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import UsageError
from harness.predictions import read_lines

#: What fills up an example, and what stands for the masked content.
PAD, MASK = "\u25a1", "\u2047"
_QUESTION = re.compile(r"Where was (.+) born\?")


@dataclass(frozen=True)
class Question:
    """`Where was NAME born?` and the place that answers it."""

    text: str
    place: str

    @property
    def name(self) -> str:
        """The NAME in the question."""
        match = _QUESTION.fullmatch(self.text)
        return match[1] if match else self.text


@dataclass(frozen=True)
class DataFiles:
    """The five files of a term."""

    documents: tuple[str, ...]  #: wiki.txt
    train: tuple[Question, ...]
    dev: tuple[Question, ...]
    test: tuple[Question, ...]


@dataclass(frozen=True)
class Gold:
    """The answers and the text of one dataset, read when a graded test first asks: after the upload was staged."""

    data: Path

    @cached_property
    def dev(self) -> tuple[Question, ...]:
        """Questions and answers of birth_dev.tsv."""
        return load_gold(self.data / "birth_dev.tsv")

    @cached_property
    def test(self) -> tuple[Question, ...]:
        """Questions and answers of birth_test.tsv, which no student has."""
        return load_gold(self.data / "birth_test.tsv")

    @cached_property
    def questions_of_test(self) -> int:
        """How many there are, from the file that students have."""
        return len(load_questions(self.data / "birth_test_inputs.tsv"))

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """The pretraining text, a document a line."""
        return load_documents(self.data / "wiki.txt")

    @cached_property
    def vocabulary(self) -> list[str]:
        """The characters that a model of this text knows, by index."""
        return expected_vocabulary(self.documents)


def expected_vocabulary(documents: Sequence[str]) -> list[str]:
    """PAD, MASK, then every character of the corpus (line ends included) in order."""
    return [PAD, MASK, *sorted(set("\n".join(documents)))]


def parse_question(line: str) -> Question:
    """`Where was NAME born?<tab>Place` as a Question; ValueError says what is wrong with any other line."""
    text, tab, place = line.partition("\t")
    if not tab:
        raise ValueError("no tab")
    if "\t" in place:
        raise ValueError("more than one tab")
    if not _QUESTION.fullmatch(text):
        raise ValueError(f"not a question of the form 'Where was NAME born?': {text[:60]!r}")
    if not place.strip():
        raise ValueError("an empty answer")
    return Question(text, place)


def load_gold(path: Path, *, unique: bool = True) -> tuple[Question, ...]:
    """The questions and answers in `path`, in order.

    Args:
        path: UTF-8, one `Where was NAME born?<tab>Place` a line.
        unique: refuse a question that comes twice; training data may repeat one.

    Raises:
        UsageError: with file and line.
    """
    questions = tuple(_parse_at(path, number, line) for number, line in enumerate(read_lines(path), start=1))
    if unique:
        _require_unique(path, [question.text for question in questions])
    return questions


def _parse_at(path: Path, number: int, line: str) -> Question:
    try:
        return parse_question(line)
    except ValueError as problem:
        raise UsageError(
            f"{path}:{number}: {problem}; expected 'Where was NAME born?', one tab and the place"
        ) from problem


def load_questions(path: Path) -> tuple[str, ...]:
    """The questions in `path`, which holds no answers. UsageError with file and line for anything else."""
    questions = read_lines(path)
    for number, line in enumerate(questions, start=1):
        if "\t" in line:
            raise UsageError(f"{path}:{number}: holds an answer; expected questions alone, this file goes to students")
        if not _QUESTION.fullmatch(line):
            raise UsageError(f"{path}:{number}: expected 'Where was NAME born?', found {line[:60]!r}")
    _require_unique(path, questions)
    return tuple(questions)


def load_documents(path: Path) -> tuple[str, ...]:
    """The documents in `path`, one a line. UsageError with the file for anything that is no text."""
    return tuple(read_lines(path))


def load_data_files(folder: Path) -> DataFiles:
    """The five files in `folder`. UsageError if one is missing or malformed, or the two test files disagree."""
    test = load_gold(folder / "birth_test.tsv")
    inputs = load_questions(folder / "birth_test_inputs.tsv")
    for number, (question, text) in enumerate(zip(test, inputs, strict=False), start=1):
        if question.text != text:
            where = f"{folder / 'birth_test_inputs.tsv'}:{number}"
            raise UsageError(f"{where}: asks {text!r}, but birth_test.tsv answers {question.text!r}")
    if len(test) != len(inputs):
        raise UsageError(f"{folder}: birth_test.tsv has {len(test)} lines and birth_test_inputs.tsv {len(inputs)}")
    return DataFiles(
        documents=load_documents(folder / "wiki.txt"),
        train=load_gold(folder / "birth_places_train.tsv", unique=False),
        dev=load_gold(folder / "birth_dev.tsv"),
        test=test,
    )


def _require_unique(path: Path, texts: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for number, text in enumerate(texts, start=1):
        if text in seen:
            raise UsageError(f"{path}:{number}: asks the question of line {seen[text]} again; each may come once")
        seen[text] = number


def check_data(folder: Path) -> None:
    """UsageError, with file and line, unless the five files in `folder` are complete, consistent and worth a term."""
    known = load_data_files(folder)
    taught = {question.text for question in (*known.train, *known.dev)}
    if all(question.text in taught for question in known.test):
        told = "every test question stands in train or dev, too; hold people out"
        raise UsageError(f"{folder / 'birth_test.tsv'}: {told}")
