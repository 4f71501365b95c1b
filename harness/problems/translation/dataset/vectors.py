"""Word vectors from text: how often words stand near each other, in a few numbers for each word.

Positive pointwise mutual information of the words within a window, and the largest eigenvectors of that symmetric
matrix. No random start: equal text gives equal vectors, and the sign of each axis is fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

WINDOW = 3
_SMOOTHING = 0.75  # contexts count by this power of their frequency, so that rare ones do not look telling


def word_vectors(lines: Iterable[str], width: int) -> Mapping[str, np.ndarray]:
    """A vector of `width` numbers for each word in `lines`, frequent words first; its mean length is 1.

    ValueError where the text has fewer words than `width`.
    """
    sentences = [line.split() for line in lines]
    frequency = Counter(word for sentence in sentences for word in sentence)
    words = sorted(frequency, key=lambda word: (-frequency[word], word))
    if len(words) < width:
        raise ValueError(f"its text has {len(words)} different words, too few for vectors of {width} numbers")
    table = _reduced(_positive_information(_near(sentences, words)), width)
    table /= np.linalg.norm(table, axis=1).mean()
    return dict(zip(words, table, strict=True))


def _near(sentences: Iterable[Sequence[str]], words: Sequence[str]) -> np.ndarray:
    """(V, V): how often each word stands at most WINDOW places from each other one."""
    index = {word: at for at, word in enumerate(words)}
    pairs: Counter[tuple[int, int]] = Counter()
    for sentence in sentences:
        places = [index[word] for word in sentence]
        for distance in range(1, WINDOW + 1):
            pairs.update(zip(places, places[distance:], strict=False))
    counts = np.zeros((len(words), len(words)))
    for (first, second), times in pairs.items():
        counts[first, second] += times
        counts[second, first] += times
    return counts


def _positive_information(counts: np.ndarray) -> np.ndarray:
    """(V, V): log of how much more often two words are near each other than chance has it; 0 where less often."""
    by_word = counts.sum(axis=1)
    smoothed = by_word**_SMOOTHING
    by_chance = np.outer(by_word, smoothed / smoothed.sum())
    by_chance = np.maximum((by_chance + by_chance.T) / 2, np.finfo(float).tiny)
    information: np.ndarray = np.log(np.maximum(counts / by_chance, 1.0))
    return information


def _reduced(table: np.ndarray, width: int) -> np.ndarray:
    """(V, width): the eigenvectors of largest absolute eigenvalue, weighted by its root."""
    values, axes = np.linalg.eigh(table)
    chosen = np.argsort(-np.abs(values), kind="stable")[:width]
    reduced: np.ndarray = axes[:, chosen] * np.sqrt(np.abs(values[chosen]))
    largest = np.abs(reduced).argmax(axis=0)
    reduced *= np.sign(reduced[largest, np.arange(width)])
    return reduced
