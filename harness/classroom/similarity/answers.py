"""Wrong answers that two predictions files share beyond what the class and the habits of both models explain.

Right answers say nothing: the gold answer explains them. For two files, W questions are answered wrongly by both and M
of these with the same words. Expected by chance is the larger of two figures: how often the class gives the one's wrong
answer to the same question, and how often the other gives it to any question (a model that says "London" to half of all
questions agrees with every other such model). The tail of M is bounded by Hoeffding's inequality for sums of different
chances. Models of one course are more alike than chance, so the bounds of all pairs of a file are put on the scale of
their own middle and spread first, and then corrected for all pairs and files (Bonferroni).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from harness.classroom.similarity.material import Common, Found, Material, Pair, many
from harness.classroom.similarity.params import Crowds, same_crowd

#: In a smaller class it cannot be told how common an answer is.
LEAST_CLASS = 20
#: A pair is told where chance alone gives one as striking, in a whole class, less often than this.
LEVEL = 0.01
#: Two whole files with equal wrong answers are told whatever the class does, if the answers are at least so many.
LEAST_WORDS = 5
#: Fewer shared wrong answers are no reason to look, however unlikely.
LEAST_SHARED = 10
Matrix = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Counts:
    """Of all pairs of files: questions that both answer wrongly, those with equal words, and how many by chance."""

    both: Matrix  # (n, n)
    equal: Matrix  # (n, n)
    expected: Matrix  # (n, n)


def look(materials: Sequence[Material], crowds: Crowds) -> Found:
    """Look at every predictions file of this term. Two of one crowd, whose models began alike, make no pair."""
    files = sorted({name for each in materials for name in each.answers if not each.is_earlier})
    columns = {name: _column(materials, name) for name in files}
    compared = sum(math.comb(len(column), 2) for column in columns.values())
    found = [_of_file(name, column, compared, crowds) for name, column in columns.items()]
    return Found(
        tuple(pair for each in found for pair in each.pairs),
        tuple(common for each in found for common in each.common),
        tuple(note for each in found for note in each.notes),
    )


def _column(materials: Sequence[Material], file: str) -> dict[str, Mapping[int, str]]:
    held = {each.submission: each.answers[file] for each in materials if file in each.answers and not each.is_earlier}
    return {name: wrong for name, wrong in held.items() if wrong}


def _of_file(file: str, column: Mapping[str, Mapping[int, str]], compared: int, crowds: Crowds) -> Found:
    if len(column) < LEAST_CLASS:
        few = f"only {len(column)} uploads have some that fit the data (from {LEAST_CLASS} on)"
        note = f"{file}: wrong answers were not compared, since {few}"
        return Found(notes=(note,))
    common, kept = _apart(file, column)
    names = sorted(kept)
    if len(names) < LEAST_CLASS:
        return Found(common=common)
    counts = counted([kept[name] for name in names])
    chances = corrected(counts, compared)
    pairs = list(_pairs(file, names, counts, chances, compared))
    found = {(pair.first, pair.second) for pair in pairs}
    pairs += [pair for pair in _whole(file, kept) if (pair.first, pair.second) not in found]
    told = tuple(pair for pair in pairs if not same_crowd(crowds, pair.first, pair.second))
    alike = sorted({name for pair in pairs if pair not in told for name in (pair.first, pair.second)})
    if alike:
        said = f"{len(alike)} of {len(column)} uploads share wrong answers with models that began from the same seed"
        common = (*common, Common("answers", file, tuple(alike), said))
    return Found(pairs=told, common=common)


def _apart(
    file: str, column: Mapping[str, Mapping[int, str]]
) -> tuple[tuple[Common, ...], dict[str, Mapping[int, str]]]:
    """Files that many have word for word, of which one stays to stand for them."""
    groups: defaultdict[tuple[tuple[int, str], ...], list[str]] = defaultdict(list)
    for name, wrong in column.items():
        groups[tuple(sorted(wrong.items()))].append(name)
    most, size = many(len(column)), len(column)
    common = [sorted(group) for group in groups.values() if len(group) > most]
    told = "uploads answer all questions in the same way, as the given seed on machines of one kind does"
    dropped = {name for group in common for name in group[1:]}
    found = tuple(Common("answers", file, tuple(group), f"{len(group)} of {size} {told}") for group in sorted(common))
    return found, {name: wrong for name, wrong in column.items() if name not in dropped}


def counted(rows: Sequence[Mapping[int, str]]) -> Counts:
    """Count over all pairs at once; each row holds a file's wrong answers by question."""
    questions = sorted({question for row in rows for question in row})
    place = {question: at for at, question in enumerate(questions)}
    given = Counter((question, answer) for row in rows for question, answer in row.items())
    wrong_at = Counter(question for row in rows for question in row)
    shared = {key: at for at, key in enumerate(sorted(key for key, count in given.items() if count > 1))}
    words = {answer: at for at, answer in enumerate(sorted({answer for row in rows for answer in row.values()}))}
    one_hot = np.zeros((len(rows), max(1, len(shared))), dtype=np.float32)
    wrong = np.zeros((len(rows), len(questions)), dtype=np.float32)
    popular = np.zeros_like(wrong)
    habits = np.zeros((len(rows), len(words)), dtype=np.float32)
    for at, row in enumerate(rows):
        for question, answer in row.items():
            if (question, answer) in shared:
                one_hot[at, shared[question, answer]] = 1
            wrong[at, place[question]] = 1
            popular[at, place[question]] = _popularity(given[question, answer], wrong_at[question])
            habits[at, words[answer]] += 1
    both = wrong @ wrong.T
    by_class = popular @ wrong.T
    totals = wrong.sum(axis=1)
    by_habit = (habits @ habits.T) * both / np.maximum(np.outer(totals, totals), 1)
    expected = np.maximum(np.minimum(by_class, by_class.T), by_habit)
    return Counts(both, one_hot @ one_hot.T, expected)


def _popularity(count: int, wrong: int) -> float:
    """How likely another file that is wrong here gives the same answer: of all but this one, with half a doubt."""
    return (count - 1 + 0.5) / (wrong - 1 + 1)


def corrected(counts: Counts, compared: int) -> Matrix:
    """Of each pair, how many pairs as striking chance alone gives in the whole class; an upper bound."""
    deviation = _deviation(counts)
    upper = deviation[np.triu_indices(len(deviation), 1)]
    middle = float(np.median(upper))
    spread = float(np.quantile(upper, 0.84)) - middle
    scaled = (deviation - max(0.0, middle)) / max(1.0, spread)
    return compared * _normal_tail(scaled)


def _deviation(counts: Counts) -> Matrix:
    """Hoeffding's bound exp(-W KL(M/W, E/W)) as the deviation of a normal variable with that tail; 0 below E."""
    both = np.maximum(counts.both, 1).astype(np.float64)
    seen = np.clip(counts.equal / both, 1e-9, 1 - 1e-9)
    chance = np.clip(counts.expected / both, 1e-6, 1 - 1e-9)
    divergence = seen * np.log(seen / chance) + (1 - seen) * np.log((1 - seen) / (1 - chance))
    found: Matrix = np.where(seen > chance, np.sqrt(2 * both * np.maximum(divergence, 0)), 0.0)
    return found


def _normal_tail(deviation: Matrix) -> Matrix:
    """exp(-x^2 / 2), which bounds the upper tail of a normal variable; 1 below 0."""
    found: Matrix = np.exp(-0.5 * np.maximum(deviation, 0) ** 2)
    return found


def _pairs(file: str, names: Sequence[str], counts: Counts, chances: Matrix, compared: int) -> Iterator[Pair]:
    hits = np.argwhere(np.triu((chances < LEVEL) & (counts.equal >= LEAST_SHARED), 1))
    for one, other in hits.tolist():
        equal, both = int(counts.equal[one, other]), int(counts.both[one, other])
        expected = round(float(counts.expected[one, other]), 1)
        chance = float(
            f"{float(chances[one, other]):.1e}"
        )  # sums come out alike on every machine but for the last digits
        told = (
            f"{equal} of the {both} questions that both answer wrongly have the same wrong answer, {expected:.1f} were "
            f"expected; corrected for {compared:,} pairs, chance gives {_small(chance)} as striking"
        )
        numbers = {"equal": equal, "both": both, "expected": expected, "chance": chance}
        weight = 50 - math.log10(max(chance, 1e-40))
        yield Pair("answers", file, names[one], names[other], told, weight, numbers)


def _whole(file: str, kept: Mapping[str, Mapping[int, str]]) -> Iterator[Pair]:
    """Files that are wrong at the same questions with the same answers throughout."""
    groups: defaultdict[tuple[tuple[int, str], ...], list[str]] = defaultdict(list)
    for name in sorted(kept):
        if len(kept[name]) >= LEAST_SHARED and len(set(kept[name].values())) >= LEAST_WORDS:
            groups[tuple(sorted(kept[name].items()))].append(name)
    for wrong, names in groups.items():
        for first, second in combinations(names, 2):
            told = (
                f"all {len(wrong)} wrong answers are the same, with {len({each for _, each in wrong})} different ones"
            )
            yield Pair("answers", file, first, second, told, 50.0, {"equal": len(wrong), "both": len(wrong)})


def _small(chance: float) -> str:
    return f"{chance:.1g}" if chance > 1e-12 else "fewer than 1e-12"
