"""What translates without understanding anything: copying, a dictionary, a bag of words; their BLEU on test.

python tests/translation/baselines.py [PRESET]     for five keys
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.manifest import load
from harness.problems.translation.bleu import corpus_bleu
from harness.problems.translation.dataset import Dataset, generate
from harness.problems.translation.sentences import Pair, references

ROUNDS = 6  # of expectation and maximisation; more change nothing that BLEU shows


def preset(name: str = "laptop") -> Mapping[str, int | float | str]:
    """The numbers of a preset."""
    assignment = load()
    return next(each for each in (*assignment.problems, *assignment.disabled) if each.name == "translation").presets[
        name
    ]


def dictionary(train: Sequence[Pair]) -> dict[str, str]:
    """For each French word the English one that it is aligned with most often: IBM's first model."""
    pairs = [(pair.french.split(), pair.english.split()) for pair in train]
    chance: defaultdict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(ROUNDS):
        counts: defaultdict[tuple[str, str], float] = defaultdict(float)
        for french, english in pairs:
            for word in english:
                whole = sum(chance[each, word] for each in french)
                for each in french:
                    counts[each, word] += chance[each, word] / whole
        totals: defaultdict[str, float] = defaultdict(float)
        for (each, _), count in counts.items():
            totals[each] += count
        chance = defaultdict(float, {key: count / totals[key[0]] for key, count in counts.items()})
    best: dict[str, tuple[float, str]] = {}
    for (each, word), share in chance.items():
        best[each] = max(best.get(each, (0.0, "")), (share, word))
    return {each: word for each, (_, word) in best.items()}


def copied(data: Dataset) -> list[str]:
    """The French sentence itself."""
    return [pair.french for pair in data.test]


def word_by_word(data: Dataset) -> list[str]:
    """The best English word for each French one, in the French order."""
    known = dictionary(data.train)
    return [" ".join(known.get(word, word) for word in pair.french.split()) for pair in data.test]


def bag_of_words(data: Dataset) -> list[str]:
    """The same words, put in an order in which English words follow each other in train."""
    following = Counter(
        two for pair in data.train for two in zip(["", *pair.english.split()], pair.english.split(), strict=False)
    )
    return [_ordered(line.split(), following) for line in word_by_word(data)]


def _ordered(words: list[str], following: Mapping[tuple[str, str], int]) -> str:
    placed = [""]
    while words:
        after = max(words, key=lambda word: (following.get((placed[-1], word), 0), word not in ".?"))
        words.remove(after)
        placed.append(after)
    return " ".join(placed[1:])


def nearest(data: Dataset) -> list[str]:
    """The translation of the sentence of train that shares most words."""
    known = [(set(pair.french.split()), pair.english) for pair in data.train]

    def best(words: set[str]) -> str:
        return max(known, key=lambda each: len(words & each[0]) / len(words | each[0]))[1]

    return [best(set(pair.french.split())) for pair in data.test]


BASELINES: Mapping[str, Callable[[Dataset], list[str]]] = {
    "copying": copied,
    "dictionary": word_by_word,
    "bag of words": bag_of_words,
    "nearest of train": nearest,
}


def bleus(data: Dataset) -> dict[str, float]:
    """BLEU on test, of a hundred, by what translates."""
    return {name: 100 * corpus_bleu(give(data), references(data.test))[0] for name, give in BASELINES.items()}


if __name__ == "__main__":
    for number in range(5):
        found = bleus(generate(preset(*sys.argv[1:]), bytes([number]) * 32))
        print(number, {name: round(value, 1) for name, value in found.items()})
