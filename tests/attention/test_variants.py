"""Every form of right work earns everything, whatever the draw."""

from __future__ import annotations

import numpy as np
import pytest

from harness.problems.attention import attention
from harness.tests_basic import test_part_3 as basic
from harness.tests_hidden import test_part_3 as hidden
from tests.attention.support import REFERENCE, changed, failed
from tests.attention.test_mutants import constant, copying, of_basis, of_stretch, query, weights

VARIANTS = {
    **{
        f"scale {scale:g}": (
            copying(f"{max(scale, 10)} * keys[j]"),
            query("averaging_query", f"{max(scale, 10)} * (k[a] + k[b])"),
            query("noisy_query", f"{scale} * (k[a] + k[b])"),
            query("two_queries", f"({max(scale, 10)} * k[a], {max(scale, 10)} * k[b])"),
        )
        for scale in (8.0, 10.0, 100.0, 1e4, 1e6)
    },
    "scale from the number of keys": (
        copying("np.log(2000 * len(keys)) * keys[j] / 0.95"),
        query("averaging_query", "np.log(1000 * len(k)) * (k[a] + k[b])"),
    ),
    "away from the other keys, too": (copying("40 * (2 * keys[j] - keys.sum(axis=0))"),),
    "by linear algebra": (
        copying("np.linalg.pinv(keys) @ (40.0 * (np.arange(len(keys)) == j))"),
        query("averaging_query", "np.linalg.pinv(k) @ (40.0 * np.isin(np.arange(len(k)), [a, b]))"),
    ),
    "as lists": (copying("(40 * keys[j]).tolist()"), query("two_queries", "[list(40 * k[a]), list(40 * k[b])]")),
    "as rows of one array": (query("two_queries", "40 * k[[a, b]]"),),
    "in single precision": (copying("np.float32(20) * keys[j].astype('float32')"),),
    "heads in the other order": (query("two_queries", "(40 * k[b], 40 * k[a])"),),
    "heads of different scales": (query("two_queries", "(20 * k[a], 300 * k[b])"),),
    "heads that look away from the other mean": (
        query("two_queries", "(40 * k[a] - 40 * k[b], 40 * k[b] - 40 * k[a])"),
    ),
    "input is changed": ("def copying_query(keys, j):\n    keys *= 40\n    return keys[j]",),
    "one head's weight as a quotient": (
        of_stretch("weight_one_head", "np.exp(beta * s) / (np.exp(beta * s) + np.exp(beta) + n - 2)"),
    ),
    "one head's weight without the other keys": (of_stretch("weight_one_head", "1 / (1 + np.exp(-beta * (s - 1)))"),),
    "one head's weight through tanh": (of_stretch("weight_one_head", "(1 + np.tanh(beta * (s - 1) / 2)) / 2"),),
    "one head's weight by experiment": (
        of_stretch(
            "weight_one_head",
            "np.array([attention_weights(np.array([1.0]), np.array([[beta * x], [beta]] + [[0]] * (n - 2)))[0] for x in s])",
        ),
    ),
    "two heads' weight without the second head": (
        of_stretch("weight_two_heads", "0.5 / (1 + (n - 1) * np.exp(-beta * s))"),
    ),
    "two heads' weight as quotients": (
        of_stretch(
            "weight_two_heads",
            "0.5 * np.exp(beta * s) / (np.exp(beta * s) + n - 1) + 0.5 / (np.exp(beta) + n - 1)",
        ),
    ),
    "limits from a simulation": (
        constant("limit_one_head", "np.array([0.497, 0.2501])"),
        constant("limit_two_heads", "[0.5, 0]"),
    ),
    "weights without a loop over the sum": (weights("np.array([1 / np.exp(x - each).sum() for each in x])"),),
    "projections by least squares": (
        of_basis("projection_from_sum", "basis @ np.linalg.inv(basis.T @ basis) @ basis.T"),
        of_basis("projection_from_half_sum", "2 * basis @ np.linalg.solve(basis.T @ basis, basis.T)"),
    ),
    "projection by an orthonormal basis": (
        of_basis("projection_from_half_sum", "2 * np.linalg.qr(basis)[0] @ np.linalg.qr(basis)[0].T"),
    ),
    "orders with constants": (
        constant("vanilla_complexity", "'O(3*L*l*l + 2*L*l)'"),
        constant("perceiver_complexity", "'l*m + m*l + (L-2)*m*m'"),
    ),
    "orders without the exact number of layers": (constant("perceiver_complexity", "' O(l*m + L*m**2) '"),),
}


@pytest.mark.parametrize("definitions", VARIANTS.values(), ids=VARIANTS.keys())
def test_variant_earns_everything(definitions):
    for seed in ("one", "two", "three"):
        assert failed(changed(*definitions), seed) == set()


def test_reference_earns_everything_for_many_seeds():
    for seed in range(20):
        assert failed(REFERENCE, str(seed)) == set()


def test_no_question_is_asked_about_two_keys_only():
    """Where n = 2, a query of zeros averages."""
    scenes = [scene for seed in range(50) for scene in hidden._scenes(np.random.default_rng(seed), 8, 8)]
    assert min(len(scene.keys) for scene in [*basic.SCENES, *scenes]) == 3
    assert all(scene.a != scene.b for scene in scenes)


def test_scenes_have_every_sign_and_size_and_some_have_tilted_keys():
    scenes = [scene for seed in range(50) for scene in hidden._scenes(np.random.default_rng(seed), 8, 8)]
    sizes = [scene.size for scene in scenes]
    tilts = [np.abs(scene.keys @ scene.keys.T - np.eye(len(scene.keys))).max() for scene in scenes]
    assert min(sizes) < 0.1
    assert max(sizes) > 1e5
    assert min((scene.values < 0).mean() for scene in scenes) > 0
    assert 0.04 < max(tilts) <= hidden.TILT
    assert min(tilts) < 1e-12
    assert np.allclose([np.linalg.norm(scene.keys, axis=1).max() for scene in scenes], 1)


@pytest.mark.parametrize("scale", [8.0, 100.0, 1e4])
def test_noise_is_vanishingly_small_for_any_query(scale):
    """A variance that is fixed beforehand is large for large queries: right work would fail."""
    rng = np.random.default_rng(0)
    means = attention.perpendicular(rng, 5, 12)
    queries = scale * (means[:1] + means[1:2])
    strayed = (attention.noisy_keys(rng, means, queries, 2000) - means) @ queries[0]
    assert 0.9e-3 < strayed.std() < 1.1e-3
    assert np.abs(strayed).max() <= attention.LARGEST_NOISE * attention.NOISE * (1 + 1e-9)


def test_a_fixed_variance_would_fail_right_work():
    """Why the checker does not fix alpha: at 1e-6, a query of scale 100 is off by more than twenty tolerances."""
    rng = np.random.default_rng(0)
    means, values = np.eye(3), np.eye(3)
    scene = attention.Scene(means, values, 0, 1)
    keys = means + 1e-3 * rng.standard_normal((4000, 3, 3))
    found = attention.output(100 * (means[0] + means[1]), keys, values)
    assert attention.error(found, attention.average(scene), scene) > 0.1
