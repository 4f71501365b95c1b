"""The vocabularies that follow from a term's data, and examples as translate.py makes them of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.problems.translation.models import BOS, EOS, MARKS, PAD, SEP, UNK
from harness.problems.translation.sentences import Gold, Pair

Example = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Vocabulary:
    """The words of some sentences, each with its index: the marks, then the words in alphabetical order."""

    indices: dict[str, int]

    @classmethod
    def of(cls, sentences: Iterable[str]) -> Vocabulary:
        """That of these sentences."""
        words = sorted({word for sentence in sentences for word in sentence.split()})
        return cls({word: index for index, word in enumerate([*MARKS, *words])})

    def __len__(self) -> int:
        return len(self.indices)

    def encode(self, sentence: str, unknown: int = UNK) -> list[int]:
        """The indices of a sentence's words."""
        return [self.indices.get(word, unknown) for word in sentence.split()]


def joint(gold: Gold) -> Vocabulary:
    """The decoder's: the words of both languages."""
    return Vocabulary.of([*(side for pair in gold.train for side in pair.sides), *gold.monolingual])


def source_and_target(gold: Gold) -> tuple[Vocabulary, Vocabulary]:
    """The encoder's: the French words of train, and the English ones."""
    return Vocabulary.of(pair.french for pair in gold.train), Vocabulary.of(pair.english for pair in gold.train)


def prompt_of(french: str, vocabulary: Vocabulary) -> list[int]:
    """What the decoder goes on with."""
    return [BOS, *vocabulary.encode(french), SEP]


def encoder_example(pair: Pair, source: Vocabulary, target: Vocabulary) -> Example:
    """What the encoder reads of a pair, and what it should answer at each place."""
    x, y = source.encode(pair.french), [*target.encode(pair.english), EOS]
    length = max(len(x), len(y))
    return x + [UNK] * (length - len(x)), y + [PAD] * (length - len(y))
