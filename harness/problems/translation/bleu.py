"""How good the translations in a predictions file are: BLEU, as sacrebleu computes it.

Promises: a file is read as `harness.predictions` says. Words of a line are what `str.split` gives, so that surplus
spaces do not count; case and everything else does. BLEU is a fraction here, 0 to 1, over the whole file, and its
signature stands beside it. A printed figure is never above the true one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.predictions import PredictionsError, answers_in, matches, parse
from harness.problems.translation.sentences import Pair, load_pairs, references

#: Words of a line. A model that repeats itself to the end of its block writes fewer; more would cost the grader memory.
LONGEST = 400
WRITER = "translate.py"
_SPLITS = {"dev": "translation_dev.tsv", "test": "translation_test.tsv"}


@dataclass(frozen=True)
class Score:
    """The BLEU of a file, with how it was computed; how many of its lines are the reference word by word."""

    bleu: float
    signature: str
    exact: int
    sentences: int


def score(predicted: Sequence[str], gold: Sequence[Pair], *, secret: bool = False) -> Score:
    """The BLEU of these lines.

    Args:
        secret: nobody may learn of `gold` from what is said.

    Raises:
        PredictionsError: the number of lines is wrong, or one is no translation by its length.
    """
    right = references(gold)
    lines = [" ".join(line.split()) for line in answers_in(predicted, right, secret=secret)]
    for number, line in enumerate(lines, start=1):
        if (words := line.count(" ") + 1) > LONGEST:
            raise PredictionsError(f"line {number} has {words} words, expected a translation of at most {LONGEST}")
    bleu, signature = corpus_bleu(lines, right)
    return Score(bleu, signature, matches(lines, right), len(right))


def corpus_bleu(lines: Sequence[str], right: Sequence[str]) -> tuple[float, str]:
    """BLEU as a fraction, and sacrebleu's signature. UsageError where sacrebleu is not installed."""
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as missing:
        told = "BLEU is computed by sacrebleu, which is not installed here: pip install sacrebleu==2.6.0"
        raise UsageError(told) from missing
    metric = BLEU(tokenize="none", force=True)  # our sentences are split into words as they are
    found = metric.corpus_score(list(lines), [list(right)]).score
    return min(1.0, max(0.0, found / 100)), str(metric.get_signature())


def meets(score: Score, threshold: float) -> bool:
    """Whether a BLEU reaches the fraction `threshold`."""
    return score.bleu >= threshold - 1e-12


def shown(score: Score) -> str:
    """BLEU as people read it, of a hundred with one decimal, rounded down."""
    return f"{math.floor(1000 * score.bleu + 1e-9) / 10:.1f}"


# --- an upload --------------------------------------------------------------------------------------------------------


def accuracies(upload: Path, data: Path) -> dict[str, float]:
    """BLEU by predictions file, without its ending, of a complete upload."""
    return {
        path.stem: round(score(parse(path.read_bytes(), WRITER), _gold_of(path, data)).bleu, 4)
        for path in sorted(upload.glob("translation.*.predictions"))
    }


def fit(upload: Path, data: Path) -> float | None:
    """The BLEU of an upload's best predictions file; one that cannot be scored has 0. None without files."""
    files = [path for path in upload.rglob("translation.*.predictions") if _split_of(path) in _SPLITS]
    return max((_bleu(path, data) for path in files), default=None)


def _split_of(path: Path) -> str:
    return path.stem.rpartition(".")[2]


def _gold_of(path: Path, data: Path) -> tuple[Pair, ...]:
    return load_pairs(data / _SPLITS[_split_of(path)])


def _bleu(path: Path, data: Path) -> float:
    try:
        return score(parse(path.read_bytes(), WRITER), _gold_of(path, data)).bleu
    except PredictionsError:
        return 0.0
