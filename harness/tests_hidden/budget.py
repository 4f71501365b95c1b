"""How often right work may fail by chance: one submission in a million, shared out over the statistical graded tests.

Every graded test that judges random draws computes its bounds from its share here, so that this table is the whole
promise. The bounds hold for any number of draws and whatever the distribution; none rests on a normal approximation.
Graded tests that are not listed are exact, or let a training run: of those, benchmarks of 200 seeds say how far they
stay from their threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

#: Chance that a submission that follows the specification loses a point to chance.
TOTAL = 1e-6

#: Graded test -> its share of TOTAL. A graded test that makes several comparisons divides its share among them.
SHARES: Mapping[str, float] = {
    "1e-2-hidden": 3e-7,
    "1e-3-hidden": 1e-7,
    "1e-4-hidden": 1e-7,
    "1e-5-hidden": 3e-7,
    "1g-3-hidden": 2e-7,
}


def share(graded_test: str, comparisons: int = 1) -> float:
    """What each of `comparisons` comparisons of this graded test may spend."""
    return SHARES[graded_test] / comparisons


def hoeffding(draws: int, chance: float) -> float:
    """How far the mean of so many independent draws from [0, 1] strays to one given side, but for `chance`."""
    return math.sqrt(math.log(1 / chance) / (2 * max(draws, 1)))


def bernstein(values: np.ndarray, chance: float) -> float:
    """How far the mean of independent values from an interval of length 1 strays, to either side, but for `chance`.

    The empirical Bernstein bound of Maurer and Pontil (2009, theorem 4) on both sides: narrower than Hoeffding's where
    the values vary little.
    """
    n = len(values)
    if n < 2:
        return 1.0
    log = math.log(4 / chance)
    return math.sqrt(2 * float(values.var(ddof=1)) * log / n) + 7 * log / (3 * (n - 1))


def dkw(draws: int, chance: float) -> float:
    """Largest distance between an empirical distribution function and the true one (Dvoretzky, Kiefer, Wolfowitz)."""
    return math.sqrt(math.log(2 / chance) / (2 * max(draws, 1)))


def draws_to_meet(probability: float, chance: float) -> int:
    """How many draws meet something of this probability at least once, but for `chance`."""
    return math.ceil(math.log(chance) / math.log1p(-probability))
