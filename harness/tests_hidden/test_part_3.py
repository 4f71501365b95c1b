"""Hidden graded tests of problem 3 (extra credit): random sizes, orientations, signs and lengths.

None can fail right work by chance: queries that follow their docstrings stay within the tolerances for every draw,
since noise is cut off; and the one ratio that is estimated from samples, of variances, is about 50 or more for scores
of 10 or more, so that 4,000 samples miss its threshold of 10 with a probability below 1e-50 (Bernstein). None takes a
share of the budget.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.problems.attention import attention
from harness.problems.attention.attention import Array, Scene
from harness.problems.attention.checks import (
    as_queries,
    as_weights,
    ask,
    averaging_calls,
    complexities_of,
    expect_averages,
    expect_copies,
    expect_shape,
    expect_two_directions,
    weight_calls,
)
from harness.problems.attention.complexity import alike, read

TILT = 0.05  # largest dot product of two keys
SAMPLES = 4000
LEAST_RATIO = 10.0
CENTRE_TOLERANCE = 0.1  # the mean of two heads' outputs is within 0.04 of the average for scores of 10 or more
EXACT = 1e-9
#: At this score one head's output jumps between v_a and v_b, and two heads' output hardly moves.
SHARP = 10.0


def _scenes(rng: np.random.Generator, count: int, most_keys: int) -> list[Scene]:
    """Random sizes and orientations; values of any sign, and of lengths from a thousandth to a million."""
    scenes = []
    for place in range(count):
        n = most_keys if place == 0 else int(rng.integers(3, most_keys + 1))
        d = int(rng.integers(n, 5 * n))
        keys = attention.nearly_perpendicular(rng, n, d, TILT) if place % 2 else attention.perpendicular(rng, n, d)
        a, b = (int(position) for position in rng.choice(n, 2, replace=False))
        scenes.append(Scene(keys, rng.standard_normal((n, d)) * 10 ** rng.uniform(-3, 6), a, b))
    return scenes


@number("3a-1-hidden")
@weight(1.5)
def test_copying_works_for_any_keys(student: Student, rng: np.random.Generator) -> None:
    """copying_query copies among up to a dozen keys of any orientation, and values of any size."""
    expect_copies(student, _scenes(rng, 12, most_keys=12))


@number("3b-1-hidden")
@weight(1.5)
def test_averaging_works_for_any_keys(student: Student, rng: np.random.Generator) -> None:
    """averaging_query averages among up to a dozen keys of any orientation, and values of any size."""
    expect_averages(student, "averaging_query", _scenes(rng, 12, most_keys=12), rng)


@number("3c-2-hidden")
@weight(0.5)
def test_averaging_survives_noise(student: Student, rng: np.random.Generator, unseen: np.random.Generator) -> None:
    """noisy_query averages in every sample, for means of any orientation and values of any size."""
    expect_averages(student, "noisy_query", _scenes(rng, 8, most_keys=8), unseen, samples=40)


@number("3c-3-hidden")
@weight(1.5)
def test_one_heads_weight_follows_from_the_scores(student: Student, rng: np.random.Generator) -> None:
    """weight_one_head and limit_one_head say what one head does when k_a is stretched."""
    s, cases = attention.stretches(rng, 50), _cases(rng)
    *found, limit = ask(student, [*weight_calls("weight_one_head", s, cases), ("limit_one_head", {})])
    _expect_either(
        as_weights("weight_one_head", s, cases, found),
        [lambda beta, n: _one_head(s, beta, n), lambda beta, _: _one_head(s, beta, 2)],
        hint="weight_one_head: divide eq. 6 by its numerator; which score has each of the n keys?",
    )
    _expect_limit("limit_one_head", limit, (0.5, 0.25))


@number("3d-2-hidden")
@weight(0.5)
def test_two_heads_average_for_any_means(
    student: Student, rng: np.random.Generator, unseen: np.random.Generator
) -> None:
    """two_queries averages in every sample, for means of any orientation and values of any size."""
    scenes = _scenes(rng, 8, most_keys=8)
    expect_two_directions(scenes, expect_averages(student, "two_queries", scenes, unseen, samples=40))


@number("3d-3-hidden")
@weight(1.5)
def test_two_heads_vary_less_than_one(student: Student, rng: np.random.Generator, unseen: np.random.Generator) -> None:
    """Where k_a is stretched, two heads vary far less than one, as weight_two_heads and its limit say."""
    s, cases = attention.stretches(rng, 50, positive=True), _cases(rng)
    scenes = [Scene(attention.perpendicular(rng, n, 2 * n), np.eye(n), a=n - 1, b=0) for n in (3, 4, 6)]
    asked = [*averaging_calls("two_queries", scenes), *weight_calls("weight_two_heads", s, cases)]
    *found, limit = ask(student, [*asked, ("limit_two_heads", {})])
    _expect_either(
        as_weights("weight_two_heads", s, cases, found[len(scenes) :]),
        [lambda beta, n: _two_heads(s, beta, n), lambda beta, n: _first_of_two(s, beta, n)],
        hint="weight_two_heads: the average of two weights; which score has each of the n keys, for each head?",
    )
    _expect_limit("limit_two_heads", limit, (0.5, 0.0))
    for scene, queries in zip(scenes, as_queries("two_queries", scenes, found[: len(scenes)]), strict=True):
        one, two = _outputs(unseen, scene, queries)
        hint = "two_queries: what should each head look for, so that a longer k_a changes nothing?"
        centre = attention.error(two.mean(axis=0), attention.average(scene), scene)
        expect(centre <= CENTRE_TOLERANCE, "outputs around (v_a + v_b) / 2", f"{centre:.3g} away", hint=hint)
        single, several = (float(output.var(axis=0).sum()) for output in (one, two))
        expect(
            single >= LEAST_RATIO * several,
            f"a variance at least {LEAST_RATIO:g} times smaller than one head's",
            f"{several:.3g}, and {single:.3g} of one head",
            hint=hint,
        )


@number("3e-3-hidden")
@weight(0)
def test_practice_holds_in_general(student: Student, rng: np.random.Generator, unseen: np.random.Generator) -> None:
    """Weights of very large scores, and projections for any basis."""
    keys = attention.perpendicular(rng, 6, 9)
    queries = [rng.standard_normal(9) * size for size in (0.1, 3.0, 1e4)]
    straight, oblique = attention.perpendicular(rng, 4, 11).T, attention.nearly_perpendicular(rng, 4, 11, most=0.6).T
    projections = [("projection_from_sum", {"basis": straight}), ("projection_from_half_sum", {"basis": oblique})]
    weighed = [("attention_weights", {"query": query, "keys": keys}) for query in queries]
    *found, from_sum, from_half = ask(student, [*weighed, *projections])
    for query, weights in zip(queries, found, strict=True):
        expect_shape("attention_weights", weights, (6,))
        distance = np.abs(weights - attention.weights(query, keys)).max()
        expect(distance <= EXACT, "the weights of eq. 6", distance, hint="attention_weights: large scores overflow exp")
    _expect_found("projection_from_sum", from_sum, straight, 1.0, unseen)
    _expect_found("projection_from_half_sum", from_half, oblique, 0.5, unseen)


@number("3e-4-hidden")
@weight(0)
def test_complexities_grow_as_the_models_do(student: Student) -> None:
    """vanilla_complexity and perceiver_complexity grow as attention's dot products do."""
    wanted = {"vanilla_complexity": read("L * l**2"), "perceiver_complexity": read("l*m + (L - 2) * m**2")}
    for (function, right), order in zip(wanted.items(), complexities_of(student, tuple(wanted)), strict=True):
        expect(
            alike(order, right),
            "an expression that grows as the number of dot products",
            order.text,
            hint=f"{function}: how many queries and how many keys has each of the L layers?",
        )


def _expect_found(function: str, matrix: Array, basis: Array, factor: float, rng: np.random.Generator) -> None:
    """A Failure unless the matrix finds v_a, random in the span of the basis, in factor * (v_a + v_b)."""
    d, m = basis.shape
    expect_shape(function, matrix, (d, d))
    first, second = basis @ rng.standard_normal((m,)), rng.standard_normal((d,))
    second -= basis @ np.linalg.lstsq(basis, second, rcond=None)[0]
    distance = np.abs(matrix @ (factor * (first + second)) - first).max()
    expect(distance <= EXACT, f"{function}: v_a", distance, hint=f"{function}: is the basis perpendicular?")


def _cases(rng: np.random.Generator) -> list[tuple[float, int]]:
    """Scores beta, of which the first two are small enough for every term to matter, and numbers of keys."""
    betas = (rng.uniform(0.5, 2), rng.uniform(2, 5), rng.uniform(5, 60))
    return [(float(beta), int(rng.integers(3, 40))) for beta in betas]


def _one_head(s: Array, beta: float, n: int) -> Array:
    grown: Array = np.exp(beta * s)
    shares: Array = grown / (grown + np.exp(beta) + n - 2)
    return shares


def _first_of_two(s: Array, beta: float, n: int) -> Array:
    """Half the weight that the head which looks for v_a gives to it."""
    grown: Array = np.exp(beta * s)
    shares: Array = grown / (2 * (grown + n - 1))
    return shares


def _two_heads(s: Array, beta: float, n: int) -> Array:
    """With what the other head, to which all keys but k_b score 0, gives to v_a."""
    both: Array = _first_of_two(s, beta, n) + 1 / (2 * (np.exp(beta) + n - 1))
    return both


def _expect_either(
    found: list[tuple[Array, float, int]], forms: list[Callable[[float, int], Array]], hint: str
) -> None:
    """A Failure unless one of the forms, functions of beta and n, fits all weights."""
    distances = [max(float(np.abs(weights - form(beta, n)).max()) for weights, beta, n in found) for form in forms]
    expect(min(distances) <= EXACT, f"weights exact to {EXACT:g}", f"{min(distances):.3g} off", hint=hint)


def _expect_limit(function: str, found: Array, wanted: tuple[float, float]) -> None:
    """A Failure unless the student's mean and variance are these; an estimate from a simulation will do."""
    expect_shape(function, found, (2,))
    expect(
        np.abs(found - wanted).max() <= 0.01,
        "the right mean and variance",
        found,
        hint=f"{function}: which values does the weight take in the limit, and with which probabilities?",
    )


def _outputs(rng: np.random.Generator, scene: Scene, queries: Array) -> tuple[Array, Array]:
    """Outputs of one head and of these queries, (SAMPLES, d) each, for the same samples of keys with k_a stretched.

    The values are unit vectors, so that the output is the weights and no values that happen to be close hide anything.
    """
    one = SHARP * (scene.keys[scene.a] + scene.keys[scene.b])
    noisy = attention.noisy_keys(rng, scene.keys, np.vstack([one, queries]), SAMPLES)
    s = attention.stretches(rng, SAMPLES, positive=True)
    keys = attention.stretched(noisy, scene.keys[scene.a], scene.a, s)
    return attention.output(one, keys, scene.values), attention.heads_output(queries, keys, scene.values)
