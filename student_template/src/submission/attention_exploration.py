"""Problem 3 of the handout: what attention can do, and what it cannot, as functions that experiments check.

This file stands by itself: run.py does not use it, the package does not import it, and an upload without it loses the
points of problem 3 and no others. It needs numpy alone, so it is the fastest part of the assignment to try out:

    python grader.py 3a             the basic tests of a part, from src/
    ./run.sh attention_pictures     what your queries do, drawn

Everywhere in this file, n vectors of d numbers are the rows of an array of shape (n, d) and dtype float64, and rows
are counted from 0. Attention with one query q, keys k_0 ... k_{n-1} and values v_0 ... v_{n-1} means

    c = sum_i alpha_i v_i                                   (eq. 5)
    alpha_i = exp(k_i . q) / sum_j exp(k_j . q)             (eq. 6)

where the number k_i . q is called the *score* of key i. Where a function returns a query, what counts is the output c
that follows from it. There are many right queries, and none makes the weights exactly what you want: make the scores
large enough to come as close as the docstring says, and no rounding error will hurt you.
"""

import numpy as np


def attend(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Output c of attention (eq. 5), to play with. Given; it works once you have written attention_weights.

    Args:
        query: (d,)
        keys: (n, d)
        values: (n, any number of columns)

    Returns:
        c, with as many numbers as a value has
    """
    return attention_weights(query, keys) @ values


# 3a Copying


def copying_query(keys: np.ndarray, j: int) -> np.ndarray:
    """A query that makes attention copy one value: c is close to v_j, whatever the values are.

    Args:
        keys: (n, d), each of length 1, perpendicular or nearly so: |k_i . k_l| <= 0.05 for i != l
        j: which value to copy

    Returns:
        q, (d,), such that |c - v_j| <= 0.002 max_i |v_i| for up to a dozen keys
    """
    # [part 3a]
    ### START_CODE_HERE ###
    raise NotImplementedError("copying_query is not written yet")
    ### END_CODE_HERE ###


# 3b An average of two


def averaging_query(keys: np.ndarray, a: int, b: int) -> np.ndarray:
    """A query that makes attention average two values: c is close to (v_a + v_b) / 2, whatever the values are.

    Args:
        keys: (n, d) with n >= 3, each of length 1, perpendicular or nearly so: |k_i . k_l| <= 0.05 for i != l
        a, b: which two values to average; a != b

    Returns:
        q, (d,), such that |c - (v_a + v_b) / 2| <= 0.005 max_i |v_i| for up to a dozen keys
    """
    # [part 3b]
    ### START_CODE_HERE ###
    raise NotImplementedError("averaging_query is not written yet")
    ### END_CODE_HERE ###


# 3c One head, and keys that vary


def noisy_query(means: np.ndarray, a: int, b: int) -> np.ndarray:
    """A query for keys that are only known on average: c is close to (v_a + v_b) / 2 in sample after sample.

    In each sample k_i is drawn from N(mu_i, alpha I), independently. The variance alpha is vanishingly small: it is
    chosen after your query, so that the scores stray from mu_i . q by no more than a few thousandths.

    Args:
        means: (n, d) with n >= 3, the mu_i, each of length 1, perpendicular or nearly so
        a, b: which two values to average; a != b

    Returns:
        q, (d,), such that |c - (v_a + v_b) / 2| <= 0.005 max_i |v_i| for up to 8 keys
    """
    # [part 3c, i]
    ### START_CODE_HERE ###
    raise NotImplementedError("noisy_query is not written yet")
    ### END_CODE_HERE ###


def weight_one_head(s: np.ndarray, beta: float, n: int) -> np.ndarray:
    """The weight alpha_a that v_a gets from your query of part i, when k_a is stretched.

    Now Sigma_a = alpha I + (mu_a mu_a^T) / 2. With alpha too small to matter, k_a = s mu_a where s is drawn from
    N(1, 1/2), and every other key is its mean. Take your query at the scale at which mu_a and mu_b both have the score
    beta, and every other mean has the score 0.

    Args:
        s: (samples,), one stretch for each sample; it may be negative
        beta: the score
        n: how many keys there are, n >= 3

    Returns:
        (samples,), the weight alpha_a in each, exact to 1e-9. The share of the n - 2 other keys may be left out.
    """
    # [part 3c, ii]
    ### START_CODE_HERE ###
    raise NotImplementedError("weight_one_head is not written yet")
    ### END_CODE_HERE ###


def limit_one_head() -> tuple[float, float]:
    """Mean and variance of weight_one_head(s, beta, n) over s ~ N(1, 1/2), in the limit of a very large beta."""
    # [part 3c, ii]
    ### START_CODE_HERE ###
    raise NotImplementedError("limit_one_head is not written yet")
    ### END_CODE_HERE ###


# 3d Two heads


def two_queries(means: np.ndarray, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Two queries whose outputs c_1 and c_2 have (c_1 + c_2) / 2 close to (v_a + v_b) / 2, for keys as in 3c i.

    They must point in different directions, and so that the trouble of 3c ii goes away: see weight_two_heads.

    Args:
        means: (n, d) with n >= 3, the mu_i, each of length 1, perpendicular or nearly so
        a, b: which two values to average; a != b

    Returns:
        q_1 and q_2, (d,) each, such that |(c_1 + c_2) / 2 - (v_a + v_b) / 2| <= 0.005 max_i |v_i| for up to 8 keys
    """
    # [part 3d, i]
    ### START_CODE_HERE ###
    raise NotImplementedError("two_queries is not written yet")
    ### END_CODE_HERE ###


def weight_two_heads(s: np.ndarray, beta: float, n: int) -> np.ndarray:
    """The weight that v_a gets in (c_1 + c_2) / 2 with your queries of part i, when k_a = s mu_a as in 3c ii.

    Take both queries at the scale at which the mean that a query looks for has the score beta, and every other mean
    has the score 0.

    Args:
        s: (samples,), one stretch for each sample, all positive
        beta: the score
        n: how many keys there are, n >= 3

    Returns:
        (samples,), the weight of v_a in each, exact to 1e-9. What the head that looks for v_b gives to v_a may be left
        out.
    """
    # [part 3d, ii]
    ### START_CODE_HERE ###
    raise NotImplementedError("weight_two_heads is not written yet")
    ### END_CODE_HERE ###


def limit_two_heads() -> tuple[float, float]:
    """Mean and variance of weight_two_heads(s, beta, n) over s ~ N(1, 1/2) with s > 0, as beta grows very large."""
    # [part 3d, ii]
    ### START_CODE_HERE ###
    raise NotImplementedError("limit_two_heads is not written yet")
    ### END_CODE_HERE ###


# 3e Practice


def attention_weights(query: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The weights alpha of eq. 6. Why may they be read as a categorical distribution over the n keys?

    Args:
        query: (d,)
        keys: (n, d)

    Returns:
        alpha, (n,). It must not overflow, however large the scores are.
    """
    # [part 3e] The weights stay the same when one number is taken away from all scores.
    ### START_CODE_HERE ###
    raise NotImplementedError("attention_weights is not written yet")
    ### END_CODE_HERE ###


def projection_from_sum(basis: np.ndarray) -> np.ndarray:
    """A matrix that finds v_a in a sum: M (v_a + v_b) = v_a.

    v_a lies in the subspace that is spanned by the columns of `basis`, v_b is perpendicular to that subspace, and more
    is not known of either. So a sum of two vectors need not lose them.

    Args:
        basis: (d, m); its columns have length 1 and are perpendicular to each other

    Returns:
        M, (d, d), exact to 1e-9
    """
    # [part 3e]
    ### START_CODE_HERE ###
    raise NotImplementedError("projection_from_sum is not written yet")
    ### END_CODE_HERE ###


def projection_from_half_sum(basis: np.ndarray) -> np.ndarray:
    """A matrix that finds v_a in an average: M (v_a + v_b) / 2 = v_a, with v_a and v_b as above.

    Args:
        basis: (d, m); its columns have length 1 and are linearly independent, but need not be perpendicular

    Returns:
        M, (d, d), exact to 1e-9
    """
    # [part 3e]
    ### START_CODE_HERE ###
    raise NotImplementedError("projection_from_half_sum is not written yet")
    ### END_CODE_HERE ###


def vanilla_complexity() -> str:
    """How the time of one forward pass of the vanilla model grows, counting attention's dot products alone.

    An expression in L (layers), l (length of the input), m (latents) and whole numbers, with + - * / ** and
    parentheses, as text: for example "5 * (L + l) / m". Constant factors do not matter, and the width d is a constant.
    """
    # [part 3e]
    ### START_CODE_HERE ###
    raise NotImplementedError("vanilla_complexity is not written yet")
    ### END_CODE_HERE ###


def perceiver_complexity() -> str:
    """The same for the perceiver variant of part 1g, with L >= 3 layers and m latents, m <= l."""
    # [part 3e]
    ### START_CODE_HERE ###
    raise NotImplementedError("perceiver_complexity is not written yet")
    ### END_CODE_HERE ###
