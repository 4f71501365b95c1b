"""Attention as problem 3 has it, and the keys that its experiments draw: pure numpy in float64.

Promises: graded tests and pictures use this code and no other for outputs (eq. 5), weights (eq. 6) and samples, so that
a picture shows what is judged. Nothing here judges. Overflow gives NaN and no warning: whoever compares with <= sees it
fail. Students have this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

#: How far noise moves a score, as a standard deviation: "vanishingly small" is what this makes of any query.
NOISE = 1e-3

#: Noise beyond so many standard deviations is moved in to there, so that right work never fails by chance.
LARGEST_NOISE = 3.0

#: Variance of the stretch s of k_a = s mu_a, whose mean is 1.
STRETCH_VARIANCE = 0.5


@dataclass(frozen=True)
class Scene:
    """Keys (or their means) and values, (n, d) each, and the two positions that a question is about."""

    keys: Array
    values: Array
    a: int
    b: int

    @property
    def size(self) -> float:
        """The length of the longest value: errors are told in its units."""
        return float(np.linalg.norm(self.values, axis=1).max())


def weights(query: Array, keys: Array) -> Array:
    """Attention weights (eq. 6): (..., n) for a query (d,) and keys (..., n, d)."""
    with np.errstate(all="ignore"):
        logits = keys @ query
        relative = np.exp(logits - logits.max(axis=-1, keepdims=True))  # the largest becomes 1
        shares: Array = relative / relative.sum(axis=-1, keepdims=True)
    return shares


def output(query: Array, keys: Array, values: Array) -> Array:
    """Attention's output c (eq. 5): (..., d) for a query (d,), keys (..., n, d) and values (n, d)."""
    with np.errstate(all="ignore"):
        mixed: Array = weights(query, keys) @ values
    return mixed


def heads_output(queries: Array, keys: Array, values: Array) -> Array:
    """The average of the heads' outputs: (..., d) for queries (heads, d)."""
    averaged: Array = np.mean([output(query, keys, values) for query in queries], axis=0)
    return averaged


def error(found: Array, wanted: Array, scene: Scene) -> float:
    """The largest distance of any row of `found` from `wanted`, in units of the longest value."""
    return float(np.linalg.norm(found - wanted, axis=-1).max() / scene.size)


def average(scene: Scene) -> Array:
    """(v_a + v_b) / 2."""
    between: Array = (scene.values[scene.a] + scene.values[scene.b]) / 2
    return between


# What is drawn.


def perpendicular(rng: np.random.Generator, n: int, d: int) -> Array:
    """n vectors of length 1 in d >= n dimensions, perpendicular to each other, in a random orientation."""
    directions: Array = np.linalg.qr(rng.standard_normal((d, n)))[0].T
    return directions


def nearly_perpendicular(rng: np.random.Generator, n: int, d: int, most: float) -> Array:
    """The same, but tilted until their dot products reach up to `most`."""
    straight, tilt = perpendicular(rng, n, d), rng.standard_normal((n, d))
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    share = 1.0
    while True:
        tilted = straight + share * tilt
        tilted /= np.linalg.norm(tilted, axis=1, keepdims=True)
        if np.abs(tilted @ tilted.T - np.eye(n)).max() <= most:
            return tilted
        share *= 0.9


def noisy_keys(rng: np.random.Generator, means: Array, queries: Array, samples: int) -> Array:
    """Keys around their means, (samples, n, d), with a variance that is vanishingly small for every query (heads, d).

    The noise has standard deviation sqrt(alpha) = NOISE / |q| in every direction, q being the longest query, and is cut
    off along the queries: no score strays by more than LARGEST_NOISE * NOISE. (Shorter queries than 1 count as 1.)
    """
    longest = max(float(np.linalg.norm(queries, axis=1).max()), 1.0)
    noise = rng.standard_normal((samples, *means.shape))
    directions = np.linalg.qr(queries.T)[0].T  # (heads, d), perpendicular: each is cut off without moving the others
    along = noise @ directions.T  # (samples, n, heads)
    limit = LARGEST_NOISE / np.sqrt(len(directions))
    noise += (np.clip(along, -limit, limit) - along) @ directions
    keys: Array = means + NOISE / longest * noise
    return keys


def stretches(rng: np.random.Generator, samples: int, *, positive: bool = False) -> Array:
    """Stretches s ~ N(1, 1/2), (samples,); with `positive`, those that are not are drawn again."""
    drawn = rng.normal(1.0, np.sqrt(STRETCH_VARIANCE), samples)
    while positive and (again := drawn <= 0).any():
        drawn[again] = rng.normal(1.0, np.sqrt(STRETCH_VARIANCE), int(again.sum()))
    return drawn


def stretched(keys: Array, mean: Array, a: int, s: Array) -> Array:
    """Samples of keys, (samples, n, d), with key a stretched along its mean (d,) by s, (samples,): s mean + noise."""
    longer: Array = keys.copy()
    longer[:, a] += (s - 1)[:, None] * mean
    return longer
