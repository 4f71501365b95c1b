"""A dataset from a secret: pairs of sentences by split, sentences of one language, vectors of the French words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from harness.errors import UsageError
from harness.problems.translation.dataset.grammar import sentence
from harness.problems.translation.dataset.heldout import Told
from harness.problems.translation.dataset.vectors import word_vectors
from harness.problems.translation.sentences import Pair
from harness.stream import KeyedStream

_LEAST = {"train": 200, "dev": 1, "test": 1, "monolingual": 200, "longest": 8, "vector": 2}
_REPEATS = 200  # draws in a row that bring nothing new: the grammar has no more sentences of this length


@dataclass(frozen=True)
class Dataset:
    """One term's data. `monolingual` are sentences of either language, in their order in the file."""

    train: tuple[Pair, ...]
    dev: tuple[Pair, ...]
    test: tuple[Pair, ...]
    monolingual: tuple[str, ...] = field(repr=False)
    vectors: Mapping[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Numbers:
    """What a preset says."""

    train: int
    dev: int
    test: int
    monolingual: int
    longest: int
    vector: int


def generate(preset: Mapping[str, int | float | str], secret: bytes) -> Dataset:
    """The dataset of `preset` (see assignment.toml) and `secret`: same both, same dataset.

    Raises:
        UsageError: a number is missing, misnamed, of the wrong kind or size, or the grammar's sentences do not suffice.
    """
    numbers = checked(preset)
    source = _Source(secret, numbers.longest)
    train = source.take("train", numbers.train)
    known = {word for pair in train for word in pair.words}
    dev = source.take("dev", numbers.dev, _Held(known, Told(train)))
    test = source.take("test", numbers.test, _Held(known, Told((*train, *dev))))
    return finished(train, dev, test, source.take("monolingual", numbers.monolingual), numbers, secret)


def finished(
    train: tuple[Pair, ...],
    dev: tuple[Pair, ...],
    test: tuple[Pair, ...],
    others: Sequence[Pair],
    numbers: Numbers,
    secret: bytes,
) -> Dataset:
    """A dataset whose monolingual text is one side of each of the `others`, and whose vectors come from the French."""
    half = len(others) // 2
    french = [pair.french for pair in others[:half]]
    lines = [*french, *(pair.english for pair in others[half:])]
    KeyedStream(secret, "translation/order").shuffle(lines)
    try:
        vectors = word_vectors(french, numbers.vector)
    except ValueError as problem:
        raise UsageError(f"vector = {numbers.vector}: {problem}") from problem
    return Dataset(train, dev, test, tuple(lines), vectors)


@dataclass(frozen=True)
class _Held:
    """What a pair must be to be held out: of known words, and told by no other."""

    known: set[str]
    told: Told

    def fits(self, pair: Pair) -> bool:
        return self.known.issuperset(pair.words) and not self.told.tells(pair)


class _Source:
    """Pairs of which no French and no English sentence comes twice."""

    def __init__(self, secret: bytes, longest: int) -> None:
        self._secret = secret
        self._longest = longest
        self._seen: set[str] = set()

    def take(self, purpose: str, size: int, held: _Held | None = None) -> tuple[Pair, ...]:
        """The next `size` pairs for a purpose; only ones that can be held out where that is asked for."""
        taken: list[Pair] = []
        lost = 0
        for pair in self._draws(purpose):
            if len(taken) == size:
                break
            if self._is_new(pair) and (held is None or held.fits(pair)):
                self._seen.update(pair.sides)
                taken.append(pair)
                lost = 0
            lost += 1
            if lost > _REPEATS:
                raise UsageError(f"{purpose} = {size}: the grammar has too few sentences of {self._longest} words")
        return tuple(taken)

    def _draws(self, purpose: str) -> Iterator[Pair]:
        stream = KeyedStream(self._secret, f"translation/{purpose}")
        while True:
            yield sentence(stream)

    def _is_new(self, pair: Pair) -> bool:
        short = all(len(side.split()) <= self._longest for side in pair.sides)
        return short and self._seen.isdisjoint(pair.sides)


def checked(preset: Mapping[str, int | float | str]) -> Numbers:
    """The preset's numbers, each of the right kind and size."""
    expected = [entry.name for entry in fields(Numbers)]
    if wrong := sorted(set(expected) ^ set(preset)):
        state = "missing" if wrong[0] in expected else "unknown"
        raise UsageError(f"a dataset's preset names {', '.join(expected)} and nothing else: '{wrong[0]}' is {state}")
    return Numbers(**{name: _whole(name, preset[name]) for name in expected})


def _whole(name: str, value: float | str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{name} = {value!r}: a whole number is needed")
    if value < _LEAST[name]:
        raise UsageError(f"{name} = {value}: at least {_LEAST[name]} is needed")
    return value
