"""The sentences of a dataset, read from its six files; every complaint names file and line, and what was expected.

Words are separated by single spaces, so that `str.split` is the tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import UsageError
from harness.predictions import read_lines

TRAIN, DEV, TEST = "translation_train.tsv", "translation_dev.tsv", "translation_test.tsv"
INPUTS = "translation_test_inputs.tsv"
MONOLINGUAL, VECTORS = "translation_monolingual.txt", "translation_vectors.txt"

_SHAPE = "expected a French sentence, one tab and its English translation, words separated by single spaces"


@dataclass(frozen=True)
class Pair:
    """A French sentence and its English translation, words separated by single spaces."""

    french: str
    english: str

    @property
    def sides(self) -> tuple[str, str]:
        """Both sentences."""
        return self.french, self.english

    @property
    def words(self) -> list[str]:
        """The words of both."""
        return f"{self.french} {self.english}".split()


@dataclass(frozen=True)
class Gold:
    """The sentences of one dataset, read when a graded test first asks: after the upload was staged."""

    data: Path

    @cached_property
    def train(self) -> tuple[Pair, ...]:
        """What students train on."""
        return load_pairs(self.data / TRAIN)

    @cached_property
    def dev(self) -> tuple[Pair, ...]:
        """What students measure with."""
        return load_pairs(self.data / DEV)

    @cached_property
    def test(self) -> tuple[Pair, ...]:
        """Sentences with translations that no student has."""
        return load_pairs(self.data / TEST)

    @cached_property
    def sentences_of_test(self) -> int:
        """How many there are, from the file that students have."""
        return len(read_lines(self.data / INPUTS))

    @cached_property
    def monolingual(self) -> Sequence[str]:
        """Sentences of either language alone."""
        return load_sentences(self.data / MONOLINGUAL)


def references(pairs: Iterable[Pair]) -> list[str]:
    """The right translations."""
    return [pair.english for pair in pairs]


def load_pairs(path: Path) -> tuple[Pair, ...]:
    """The pairs in a tab-separated file. UsageError with file and line for anything else."""
    return tuple(_pair(path, number, line) for number, line in enumerate(read_lines(path), start=1))


def _pair(path: Path, number: int, line: str) -> Pair:
    sides = line.split("\t")
    if len(sides) != 2:
        raise UsageError(f"{path}:{number}: {_counted(len(sides) - 1)}; {_SHAPE}")
    for side, language in zip(sides, ("French", "English"), strict=True):
        _check_sentence(path, number, side, f"its {language} side")
    return Pair(*sides)


def _counted(tabs: int) -> str:
    return f"{tabs} tabs" if tabs else "no tab"


def load_sentences(path: Path) -> Sequence[str]:
    """The sentences in a file that holds one a line. UsageError with file and line for anything else."""
    lines = read_lines(path)
    for number, line in enumerate(lines, start=1):
        if "\t" in line:
            raise UsageError(f"{path}:{number}: holds a tab; expected one sentence of one language a line")
        _check_sentence(path, number, line, "the line")
    return lines


def _check_sentence(path: Path, number: int, text: str, what: str) -> None:
    if not text.strip():
        raise UsageError(f"{path}:{number}: {what} is empty; expected a sentence")
    if text != " ".join(text.split()):
        told = "words separated by single spaces, none before or behind them"
        raise UsageError(f"{path}:{number}: {what} is {text[:60]!r}; expected {told}")


def load_vectors(path: Path) -> Mapping[str, tuple[float, ...]]:
    """The vectors in a file of word2vec's text format. UsageError with file and line for anything else."""
    head, *lines = read_lines(path)
    sizes = head.split()
    if len(sizes) != 2 or not all(size.isascii() and size.isdecimal() for size in sizes):
        raise UsageError(f"{path}:1: {head[:60]!r}; expected how many words, and how many numbers for each")
    words, width = map(int, sizes)
    if len(lines) != words:
        raise UsageError(f"{path}: has {len(lines)} vectors, but its first line says {words}")
    vectors: dict[str, tuple[float, ...]] = {}
    for number, line in enumerate(lines, start=2):
        word, *told = line.split(" ")
        if word in vectors:
            raise UsageError(f"{path}:{number}: the word {word!r} stands there twice; expected each once")
        vectors[word] = _numbers(path, number, told, width)
    return vectors


def _numbers(path: Path, number: int, told: Sequence[str], width: int) -> tuple[float, ...]:
    try:
        vector = tuple(map(float, told))
    except ValueError as problem:
        raise UsageError(f"{path}:{number}: {problem}; expected a word and {width} numbers") from problem
    if len(vector) != width or not all(map(math.isfinite, vector)):
        raise UsageError(f"{path}:{number}: expected a word and {width} finite numbers, found {len(vector)} numbers")
    return vector


# --- a whole dataset --------------------------------------------------------------------------------------------------


def check_data(folder: Path) -> None:
    """UsageError, with file and line, unless the six files in `folder` are complete, consistent and worth a term."""
    test, dev, train = (load_pairs(folder / name) for name in (TEST, DEV, TRAIN))
    _check_inputs(folder, test, load_sentences(folder / INPUTS))
    monolingual = load_sentences(folder / MONOLINGUAL)
    vectors = load_vectors(folder / VECTORS)
    taught = {side for pair in (*train, *dev) for side in pair.sides} | set(monolingual)
    for number, pair in enumerate(test, start=1):
        if any(side in taught for side in pair.sides):
            told = f"{pair.french!r} or its translation stands in a file that students have, too"
            raise UsageError(f"{folder / TEST}:{number}: {told}; hold the sentences of test out")
    if not vectors.keys() & {word for pair in train for word in pair.french.split()}:
        raise UsageError(f"{folder / VECTORS}: holds none of the French words of {TRAIN}; are these vectors French?")


def _check_inputs(folder: Path, test: Sequence[Pair], inputs: Sequence[str]) -> None:
    if len(test) != len(inputs):
        raise UsageError(f"{folder}: {TEST} has {len(test)} lines and {INPUTS} {len(inputs)}")
    for number, (pair, text) in enumerate(zip(test, inputs, strict=True), start=1):
        if pair.french != text:
            raise UsageError(f"{folder / INPUTS}:{number}: is {text!r}, but {TEST} translates {pair.french!r}")
