"""Hidden claims of part g: the basis, who sees whom, gradients, and what came out of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.checks import expect_bar, judge
from harness.feedback import expect
from harness.gold import Gold
from harness.probes import blocks
from harness.student import Student
from harness.tests_hidden.uploads import expect_different, expect_variant, state_dict


@number("1g-3-hidden")
@weight(2)
def test_basis_is_xavier_uniform(student: Student) -> None:
    """The basis C is a parameter of m x d numbers, drawn by Xavier uniform initialisation.

    False-positive rate below 1e-6 (Dvoretzky-Kiefer-Wolfowitz, 40,960 draws); a normal distribution and a scale 5% off
    are always caught. For C of shape (1, m, d) Xavier's bound is sqrt(6 / (m d + d)), for (m, d) sqrt(6 / (m + d)).
    """
    m, d = 32, 64
    sizes = {"vocab_size": 50, "block_size": 48, "n_head": 4, "n_embd": d, "bottleneck_dim": m}
    rounds = student.run(blocks.basis, sizes=sizes, rounds=20)
    expect(
        all(len(found) == 1 for found in rounds),
        "exactly one parameter of m x d numbers in DownProjectBlock",
        f"{len(rounds[0])}",
        hint="self.C = nn.Parameter(...) of shape (1, m, d)",
    )
    shape = rounds[0][0].shape
    bound = math.sqrt(6 / (m * d + d)) if len(shape) == 3 else math.sqrt(6 / (m + d))
    values = np.sort(np.concatenate([found[0].reshape(-1) for found in rounds]).astype(np.float64)) / bound
    hint = "nn.init.xavier_uniform_ on the parameter"
    expect(
        bool(np.isfinite(values).all()) and np.abs(values).max() <= 1 + 1e-6,
        "numbers within Xavier's bound",
        "larger ones",
        hint=hint,
    )
    n = len(values)
    ranks = np.arange(1, n + 1) / n
    uniform = (values + 1) / 2
    distance = max(float((ranks - uniform).max()), float((uniform - ranks + 1 / n).max()))
    limit = math.sqrt(math.log(2 / 1e-6) / (2 * n))
    expect(
        distance <= limit,
        f"a uniform distribution (distance at most {limit:.4f})",
        f"distance {distance:.4f}",
        hint=hint,
    )


@number("1g-4-hidden")
@weight(2)
def test_each_position_sees_what_it_should(student: Student, rng: np.random.Generator) -> None:
    """Latent i depends on tokens 0 to i alone; output t depends on latents 0 to t and on its own token alone."""
    m, t = int(rng.integers(5, 9)), int(rng.integers(12, 18))
    sizes = {"vocab_size": 30, "block_size": t, "n_head": 2, "n_embd": 16, "bottleneck_dim": m}
    seen = student.run(blocks.dependencies, sizes=sizes)
    latent, token = np.arange(m), np.arange(t)
    _expect_pattern("DownProjectBlock", seen["down"], token[:, None] <= latent[None, :])
    _expect_pattern("UpProjectBlock (latents)", seen["up_latent"], latent[:, None] <= token[None, :])
    _expect_pattern("UpProjectBlock (input)", seen["up_input"], token[:, None] == token[None, :])


def _expect_pattern(what: str, moved: np.ndarray, wanted: np.ndarray) -> None:
    """A Failure unless exactly the wanted outputs moved: clearly, and the others not at all."""
    hint = "CausalCrossAttention takes keys and values first, the query second; which is which in this block?"
    expect(moved.shape == wanted.shape, f"{what}: shape {wanted.shape}", moved.shape, hint=hint)
    expect(bool(np.isfinite(moved).all()), f"{what}: finite numbers", "NaN or infinity", hint=hint)
    right = np.where(wanted, moved > 1e-10, moved < 1e-12)
    expect(
        bool(right.all()),
        f"{what}: depends on what it may see, and on nothing else",
        f"{int((~right).sum())} pairs differ",
        hint=hint,
    )


@number("1g-5-hidden")
@weight(1)
def test_every_parameter_learns(student: Student) -> None:
    """In a whole perceiver every weight gets a finite gradient that is not zero."""
    sizes = {"vocab_size": 30, "block_size": 20, "n_head": 2, "n_embd": 16, "bottleneck_dim": 8}
    found = student.run(blocks.gradients, sizes=sizes)
    hint = "is every layer that the block creates used in its forward, and C an nn.Parameter?"
    dead = [name for name, (dims, largest, _) in found.items() if dims >= 2 and not largest > 0]
    expect(not dead, "a gradient in every weight", f"none in {', '.join(dead[:3])}", hint=hint)
    broken = [name for name, (_, _, bad) in found.items() if bad]
    expect(not broken, "finite gradients", f"others in {', '.join(broken[:3])}", hint="does the loss stay finite?")


@number("1g-6-hidden")
@weight(1)
def test_params_of_the_perceiver(student: Student) -> None:
    """perceiver.pretrain.params and perceiver.finetune.params are state dicts of a perceiver, and differ."""
    names = ("perceiver.pretrain.params", "perceiver.finetune.params")
    found = [state_dict(student, name) for name in names]
    for name, each in zip(names, found, strict=True):
        expect_variant(each, name, perceiver=True)
    expect_different(found[0], found[1], " and ".join(names))


@number("1g-7-hidden")
@weight(4)
def test_test_predictions_of_the_perceiver(
    student: Student, gold: Gold, manifest: Assignment, for_staff: dict[str, Any]
) -> None:
    """perceiver.pretrain.test.predictions answers at least 6% of the test questions."""
    score = judge(student, "perceiver.pretrain.test.predictions", gold, for_staff)
    expect_bar(
        score,
        manifest.thresholds.perceiver,
        hint="evaluate the finetuned perceiver on birth_test_inputs.tsv, in its order",
    )
