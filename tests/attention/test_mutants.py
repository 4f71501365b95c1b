"""Every way to be wrong that problem 3 knows, each with the graded tests that catch it, and no others."""

from __future__ import annotations

import pytest

from tests.attention.support import GRADED_TESTS, changed, failed

COPY = {"3a-0-basic", "3a-1-hidden"}
AVERAGE = {"3b-0-basic", "3b-1-hidden"}
NOISE = {"3c-0-basic", "3c-2-hidden"}
HEADS = {"3d-0-basic", "3d-2-hidden", "3d-3-hidden"}
WEIGHTS = {"3e-0-basic", "3e-3-hidden"}
PROJECTION = {"3e-1-basic", "3e-3-hidden"}


def query(function: str, returned: str) -> str:
    first = "keys" if function == "averaging_query" else "means"
    return f"def {function}({first}, a, b):\n    k = {first}\n    return {returned}"


def copying(returned: str) -> str:
    return f"def copying_query(keys, j):\n    return {returned}"


def of_stretch(function: str, returned: str) -> str:
    return f"def {function}(s, beta, n):\n    return {returned}"


def constant(function: str, returned: str) -> str:
    return f"def {function}():\n    return {returned}"


def of_basis(function: str, returned: str) -> str:
    return f"def {function}(basis):\n    return {returned}"


def weights(returned: str) -> str:
    return f"def attention_weights(query, keys):\n    x = keys @ query\n    return {returned}"


MUTANTS = {
    "copy: unscaled query": (copying("keys[j]"), COPY),
    "copy: scale that is enough for few keys only": (copying("8.0 * keys[j]"), {"3a-1-hidden"}),
    "copy: right along the axes only": (copying("40.0 * np.round(keys[j])"), {"3a-1-hidden"}),
    "copy: the first key, whichever is asked for": (copying("40.0 * keys[0]"), COPY),
    "copy: all keys at once": (copying("40.0 * keys.sum(axis=0)"), COPY),
    "copy: away from the key": (copying("-40.0 * keys[j]"), COPY),
    "copy: infinite": (copying("np.inf * keys[j]"), COPY),
    "copy: a row instead of a vector": (copying("40.0 * keys[j : j + 1]"), COPY),
    "copy: nothing": (copying("None"), COPY),
    "copy: text": (copying("'40 k_j'"), COPY),
    "copy: the key before": (copying("40.0 * keys[j - 1]"), COPY),
    # The trap of n = 2, where equal weights are the average.
    "average: no query": (query("averaging_query", "0 * k[a]"), AVERAGE),
    "average: unscaled": (query("averaging_query", "k[a] + k[b]"), AVERAGE),
    "average: 100 a + 100.1 b": (query("averaging_query", "100 * k[a] + 100.1 * k[b]"), AVERAGE),
    "average: only a": (query("averaging_query", "40 * k[a]"), AVERAGE),
    "average: difference": (query("averaging_query", "40 * (k[a] - k[b])"), AVERAGE),
    "average: of all keys": (query("averaging_query", "40 * k.sum(axis=0)"), AVERAGE),
    "average: scale that is enough for few keys only": (query("averaging_query", "6 * (k[a] + k[b])"), {"3b-1-hidden"}),
    "average: right along the axes only": (query("averaging_query", "40 * np.sign(k[a] + k[b])"), {"3b-1-hidden"}),
    "average: so large that rounding decides": (query("averaging_query", "1e18 * (k[a] + k[b])"), {"3b-1-hidden"}),
    "noise: no query": (query("noisy_query", "0 * k[a]"), NOISE),
    "noise: unscaled": (query("noisy_query", "k[a] + k[b]"), NOISE),
    "noise: 100 a + 100.1 b": (query("noisy_query", "100 * k[a] + 100.1 * k[b]"), NOISE),
    "noise: scale that is enough for few keys only": (query("noisy_query", "6 * (k[a] + k[b])"), {"3c-2-hidden"}),
    "one head: always one half": (of_stretch("weight_one_head", "0.5 + 0 * s"), {"3c-3-hidden"}),
    "one head: the wrong way round": (
        of_stretch("weight_one_head", "1 / (1 + np.exp(beta * (s - 1)))"),
        {"3c-1-basic", "3c-3-hidden"},
    ),
    "one head: one key too many": (
        of_stretch("weight_one_head", "1 / (1 + np.exp(-beta * (s - 1)) + (n - 1) * np.exp(-beta * s))"),
        {"3c-3-hidden"},
    ),
    "one head: as if it copied": (
        of_stretch("weight_one_head", "1 / (1 + (n - 1) * np.exp(-beta * s))"),
        {"3c-1-basic", "3c-3-hidden"},
    ),
    "one head: a hard choice": (of_stretch("weight_one_head", "np.where(s == 1, 0.5, s > 1)"), {"3c-3-hidden"}),
    "one head: for one number only": (
        of_stretch("weight_one_head", "1 / (1 + math.exp(-beta * (s - 1)))"),
        {"3c-1-basic", "3c-3-hidden"},
    ),
    "one head's limit: stays at the average": (constant("limit_one_head", "0.5, 0.0"), {"3c-3-hidden"}),
    "one head's limit: the variance of s": (constant("limit_one_head", "0.5, 0.5"), {"3c-3-hidden"}),
    "one head's limit: the mean alone": (constant("limit_one_head", "0.5"), {"3c-3-hidden"}),
    "two heads: equal queries": (query("two_queries", "(40 * (k[a] + k[b]), 40 * (k[a] + k[b]))"), HEADS),
    "two heads: equal but for their length": (query("two_queries", "(40 * (k[a] + k[b]), 80 * (k[a] + k[b]))"), HEADS),
    "two heads: both copy a": (query("two_queries", "(40 * k[a], 40 * k[a])"), HEADS),
    "two heads: unscaled": (query("two_queries", "(k[a], k[b])"), HEADS),
    "two heads: one query": (query("two_queries", "40 * (k[a] + k[b])"), HEADS),
    "two heads: scale that is enough for few keys only": (
        query("two_queries", "(6.2 * k[a], 6.2 * k[b])"),
        {"3d-2-hidden"},
    ),
    "two heads: both still weigh a against b": (
        query("two_queries", "(400 * k[a] + 360 * k[b], 360 * k[a] + 400 * k[b])"),
        {"3d-3-hidden"},
    ),
    "two heads' weight: always one half": (of_stretch("weight_two_heads", "0.5 + 0 * s"), {"3d-3-hidden"}),
    "two heads' weight: not halved": (
        of_stretch("weight_two_heads", "1 / (1 + (n - 1) * np.exp(-beta * s))"),
        {"3d-1-basic", "3d-3-hidden"},
    ),
    "two heads' weight: one head's": (
        of_stretch("weight_two_heads", "1 / (1 + np.exp(-beta * (s - 1)) + (n - 2) * np.exp(-beta * s))"),
        {"3d-1-basic", "3d-3-hidden"},
    ),
    "two heads' weight: one key too few": (
        of_stretch("weight_two_heads", "0.5 / (1 + (n - 2) * np.exp(-beta * s))"),
        {"3d-3-hidden"},
    ),
    "two heads' limit: as one head's": (constant("limit_two_heads", "0.5, 0.25"), {"3d-3-hidden"}),
    "two heads' limit: not halved": (constant("limit_two_heads", "1.0, 0.0"), {"3d-3-hidden"}),
    "weights: overflow": (weights("np.exp(x) / np.exp(x).sum()"), {"3e-3-hidden"}),
    "weights: not normalised": (weights("np.exp(x - x.max())"), WEIGHTS),
    "weights: scaled by the width": (
        weights("np.exp((x - x.max()) / len(query) ** 0.5) / np.exp((x - x.max()) / len(query) ** 0.5).sum()"),
        WEIGHTS,
    ),
    "weights: negative": (weights("x / x.sum()"), WEIGHTS),
    "projection: coordinates": (of_basis("projection_from_sum", "basis.T"), PROJECTION),
    "projection: everything": (of_basis("projection_from_sum", "np.eye(len(basis))"), PROJECTION),
    "projection: half of it": (of_basis("projection_from_half_sum", "basis @ np.linalg.pinv(basis)"), PROJECTION),
    "projection: coordinates of an average": (
        of_basis("projection_from_half_sum", "2 * np.linalg.pinv(basis)"),
        PROJECTION,
    ),
    "projection: right for perpendicular columns": (
        of_basis("projection_from_half_sum", "2 * basis @ basis.T"),
        {"3e-3-hidden"},
    ),
    "vanilla: L l m": (constant("vanilla_complexity", "'L*l*m'"), {"3e-4-hidden"}),
    "vanilla: one layer": (constant("vanilla_complexity", "'l**2'"), {"3e-4-hidden"}),
    "vanilla: linear": (constant("vanilla_complexity", "'L*l'"), {"3e-4-hidden"}),
    "vanilla: zero": (constant("vanilla_complexity", "'0'"), {"3e-4-hidden"}),
    "vanilla: with the width": (constant("vanilla_complexity", "'L*d*l**2'"), {"3e-2-basic", "3e-4-hidden"}),
    "vanilla: caret": (constant("vanilla_complexity", "'L*l^2'"), {"3e-2-basic", "3e-4-hidden"}),
    "vanilla: in words": (constant("vanilla_complexity", "'quadratic in l'"), {"3e-2-basic", "3e-4-hidden"}),
    "perceiver: L l m": (constant("perceiver_complexity", "'L*l*m'"), {"3e-4-hidden"}),
    "perceiver: latents only": (constant("perceiver_complexity", "'L*m**2'"), {"3e-4-hidden"}),
    "perceiver: as vanilla": (constant("perceiver_complexity", "'L*l**2'"), {"3e-4-hidden"}),
    "perceiver: ends only": (constant("perceiver_complexity", "'2*l*m'"), {"3e-4-hidden"}),
    "perceiver: divides by zero": (constant("perceiver_complexity", "'m/(L-L)'"), {"3e-4-hidden"}),
}


@pytest.mark.parametrize(("definition", "caught_by"), MUTANTS.values(), ids=MUTANTS.keys())
def test_mutant_is_caught_by_its_graded_tests_only(definition, caught_by):
    assert failed(changed(definition)) == caught_by


def test_every_graded_test_catches_a_mutant_and_every_hidden_graded_test_one_that_passes_the_basic_ones():
    caught = [caught_by for _, caught_by in MUTANTS.values()]
    for graded_test in GRADED_TESTS:
        assert any(graded_test.id in found for found in caught), graded_test.id
        if graded_test.kind == "hidden":
            assert {graded_test.id} in caught, graded_test.id


def test_template_fails_every_graded_test():
    from harness.assignment import ROOT
    from harness.release.strip import strip_tree

    path = "src/submission/attention_exploration.py"
    tree = strip_tree({path: (ROOT / "reference_solution" / path).read_bytes()})
    assert failed(tree.files[path].decode()) == {graded_test.id for graded_test in GRADED_TESTS}
    assert len(tree.blocks) == 13
