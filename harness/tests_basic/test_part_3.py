"""Basic graded tests of problem 3 (extra credit): its functions on small fixed cases, and the form of answers."""

from __future__ import annotations

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.problems.attention import attention
from harness.problems.attention.attention import Scene
from harness.problems.attention.checks import (
    as_weights,
    ask,
    complexities_of,
    expect_averages,
    expect_copies,
    expect_shape,
    expect_two_directions,
    weight_calls,
)

#: Keys along the axes: small enough to work out the weights on paper.
SCENES = (
    Scene(np.eye(3), np.array([[1.0, 0, 0], [0, 2, 0], [0, 0, -3]]), a=0, b=2),
    Scene(-np.eye(5)[:4], np.array([[4.0, 1, 0, 0, 0], [-2, 3, 1, 0, 0], [0, 0, 5, 0, 1], [1, 1, 1, 1, 1]]), a=2, b=1),
)
STRETCHES = np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0])
#: (beta, n): high scores for few keys, so that the other keys' share is below the tolerance.
SHARP = ((20.0, 3), (25.0, 6))
SHARE_TOLERANCE = 1e-3


@number("3a-0-basic")
@weight(0.5)
def test_copying_query_copies_the_value_asked_for(student: Student) -> None:
    """With the query of copying_query, attention copies the value that was asked for."""
    expect_copies(student, SCENES)


@number("3b-0-basic")
@weight(0.5)
def test_averaging_query_averages_two_values(student: Student) -> None:
    """With the query of averaging_query, attention averages the two values that were asked for."""
    expect_averages(student, "averaging_query", SCENES, np.random.default_rng(3))


@number("3c-0-basic")
@weight(0.5)
def test_noisy_query_averages_in_every_sample(student: Student) -> None:
    """With the query of noisy_query, samples of keys close to their means still give the average."""
    expect_averages(student, "noisy_query", SCENES, np.random.default_rng(3), samples=10)


@number("3c-1-basic")
@weight(0.5)
def test_one_head_takes_sides(student: Student) -> None:
    """weight_one_head is a weight that grows with the stretch s, and is one half where s is 1."""
    function = "weight_one_head"
    answers = ask(student, weight_calls(function, STRETCHES, SHARP))
    for found, beta, n in as_weights(function, STRETCHES, SHARP, answers):
        case, hint = f"s = {STRETCHES.tolist()}, beta = {beta:g}, n = {n}", "which scores do k_a and k_b have?"
        expect((found >= 0).all() and (found <= 1).all(), "weights from 0 to 1", found, hint=hint, case=case)
        expect((np.diff(found) >= 0).all(), "more weight for a longer k_a", found, hint=hint, case=case)
        half = found[STRETCHES == 1]
        expect(np.abs(half - 0.5).max() <= SHARE_TOLERANCE, "one half where s = 1", half, hint=hint, case=case)


@number("3d-0-basic")
@weight(0.5)
def test_two_queries_average_with_two_directions(student: Student) -> None:
    """The two heads of two_queries look in different directions and together give the average."""
    asked = expect_averages(student, "two_queries", SCENES, np.random.default_rng(3), samples=10)
    expect_two_directions(SCENES, asked)


@number("3d-1-basic")
@weight(0.5)
def test_two_heads_stay_in_the_middle(student: Student) -> None:
    """weight_two_heads is a weight that hardly depends on the stretch s once s is well above 0."""
    function = "weight_two_heads"
    answers = ask(student, weight_calls(function, STRETCHES, SHARP))
    for found, beta, n in as_weights(function, STRETCHES, SHARP, answers):
        case, hint = f"s = {STRETCHES.tolist()}, beta = {beta:g}, n = {n}", "what does each head give to v_a?"
        expect((found >= 0).all() and (found <= 1).all(), "weights from 0 to 1", found, hint=hint, case=case)
        middle = found[STRETCHES >= 0.5]
        expect(np.abs(middle - 0.5).max() <= SHARE_TOLERANCE, "one half where s >= 1/2", middle, hint=hint, case=case)


@number("3e-0-basic")
@weight(0)
def test_weights_are_a_distribution(student: Student) -> None:
    """attention_weights returns a categorical distribution over the keys."""
    query = np.array([0.5, -1.0, 2.0])
    keys = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    (found,) = ask(student, [("attention_weights", {"query": query, "keys": keys})])
    expect_shape("attention_weights", found, (4,))
    expect((found >= 0).all(), "weights of at least 0", found, hint="what does exp guarantee?")
    expect(abs(found.sum() - 1) <= 1e-9, "weights that sum to 1", found.sum(), hint="what does the denominator do?")
    wanted = attention.weights(query, keys)
    expect(np.abs(found - wanted).max() <= 1e-9, f"{wanted.round(4)}", found.round(4), hint="see eq. 6")


@number("3e-1-basic")
@weight(0)
def test_projection_finds_a_vector_in_a_sum(student: Student) -> None:
    """The two projections find v_a in a sum and in an average of v_a and v_b."""
    basis = np.array([[1.0, 0], [0, 1], [0, 0], [0, 0]])
    first, second = np.array([3.0, -1, 0, 0]), np.array([0.0, 0, 2, 5])
    factors = {"projection_from_sum": 1.0, "projection_from_half_sum": 0.5}
    matrices = ask(student, [(function, {"basis": basis}) for function in factors])
    for (function, factor), matrix in zip(factors.items(), matrices, strict=True):
        expect_shape(function, matrix, (4, 4))
        found = matrix @ (factor * (first + second))
        expect(
            np.abs(found - first).max() <= 1e-9,
            f"{function}: v_a = {first}",
            found,
            hint=f"{function}: first find v_a's coordinates, then v_a itself",
            case=f"v_a = {first}, v_b = {second}",
        )


@number("3e-2-basic")
@weight(0)
def test_complexities_can_be_read(student: Student) -> None:
    """vanilla_complexity and perceiver_complexity return expressions in L, l and m."""
    complexities_of(student, ("vanilla_complexity", "perceiver_complexity"))
