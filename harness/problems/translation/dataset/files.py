"""The six files of a dataset, in the formats that docs/translation.md states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from harness.problems.translation.dataset.generate import Dataset
from harness.problems.translation.sentences import Pair

NAMES = (
    "translation_train.tsv",
    "translation_dev.tsv",
    "translation_test_inputs.tsv",
    "translation_test.tsv",
    "translation_monolingual.txt",
    "translation_vectors.txt",
)


def render(dataset: Dataset) -> Mapping[str, bytes]:
    """The content of each file: UTF-8, every line ends with a line feed."""
    texts = {
        "translation_train.tsv": _both(dataset.train),
        "translation_dev.tsv": _both(dataset.dev),
        "translation_test_inputs.tsv": "".join(f"{pair.french}\n" for pair in dataset.test),
        "translation_test.tsv": _both(dataset.test),
        "translation_monolingual.txt": "".join(f"{line}\n" for line in dataset.monolingual),
        "translation_vectors.txt": _word2vec(dataset.vectors),
    }
    return {name: texts[name].encode() for name in NAMES}


def _both(pairs: Iterable[Pair]) -> str:
    return "".join(f"{pair.french}\t{pair.english}\n" for pair in pairs)


def _word2vec(vectors: Mapping[str, np.ndarray]) -> str:
    """The text format of word2vec: how many words of how many numbers, then a word and its numbers a line."""
    width = len(next(iter(vectors.values())))
    lines = (f"{word} {' '.join(f'{number:.5f}' for number in vector)}\n" for word, vector in vectors.items())
    return f"{len(vectors)} {width}\n{''.join(lines)}"
