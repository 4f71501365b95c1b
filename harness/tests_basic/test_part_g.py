"""Basic graded tests of part g: the perceiver's shapes, and its dev predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import blocks, training
from harness.problems.birthplaces.checks import expect_threshold, hinting, judge
from harness.problems.birthplaces.origin import expect_own
from harness.problems.birthplaces.questions import Gold
from harness.problems.birthplaces.samples import SIZES

PERCEIVER = {**SIZES, "bottleneck_dim": 9}
#: What shapes that do not fit raise.
MISFITS = ("RuntimeError", "IndexError", "ValueError", "AssertionError")
ORDER = "CausalCrossAttention takes keys and values first, the query second; do both have the length that you expect?"


@number("1g-0-basic")
@weight(1)
def test_down_and_up_projection_change_the_length(student: Student) -> None:
    """DownProjectBlock maps (B, T, d) to (B, m, d), and UpProjectBlock maps it back to (B, T, d)."""
    with hinting(ORDER, *MISFITS):
        seen = student.run(blocks.shapes, sizes=PERCEIVER, batch=2)
    t, m, d = PERCEIVER["block_size"], PERCEIVER["bottleneck_dim"], PERCEIVER["n_embd"]
    expect(
        seen["down"] == [2, m, d],
        f"DownProjectBlock: {[2, m, d]} from {[2, t, d]}",
        seen["down"],
        hint="the basis is the query",
    )
    expect(
        seen["up"] == [2, t, d],
        f"UpProjectBlock: {[2, t, d]} from {[2, m, d]}",
        seen["up"],
        hint="x_input is the query",
    )


@number("1g-1-basic")
@weight(1)
def test_perceiver_model_is_built_from_both_blocks(student: Student) -> None:
    """initialize_perceiver_model returns a GPT whose first and last block are the projections."""
    with hinting(f"does DownProjectBlock work by itself? {ORDER}", *MISFITS):
        built = student.run(
            training.initialise, variant="perceiver", sizes=SIZES, bottleneck=PERCEIVER["bottleneck_dim"]
        )
    wanted = {"down": 1, "up": 1, "plain": SIZES["n_layer"] - 2}
    expect(built["is_gpt"] is True, "a GPT", "something else", hint="return GPT(mconf)")
    expect(
        built["blocks_of"] == wanted,
        f"{_blocks(wanted)} for n_layer {SIZES['n_layer']}",
        _blocks(built["blocks_of"]),
        hint="set perceiver and bottleneck_dim in the configuration before building the model",
    )
    shape = [2, SIZES["block_size"] // 2, SIZES["vocab_size"]]
    expect(
        list(built["logits"].shape) == shape,
        f"logits of shape {shape}",
        list(built["logits"].shape),
        hint="return to the input's length",
    )


def _blocks(counts: dict[str, int]) -> str:
    return "{down} DownProjectBlock, {plain} Block, {up} UpProjectBlock".format(**counts)


@number("1g-2-basic")
@weight(2)
def test_dev_predictions_of_the_perceiver(
    student: Student, gold: Gold, assignment: Assignment, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """perceiver.pretrain.dev.predictions answers at least {perceiver.dev} of the dev questions."""
    score = judge(student, "perceiver.pretrain.dev.predictions", gold, for_staff)
    expect_threshold(
        score,
        assignment.thresholds["perceiver"].dev,
        hint="was the perceiver pretrained to the end, and are its weights loaded?",
    )
    expect_own(student, "perceiver.pretrain.dev.predictions", gold, assignment, unseen, for_staff)
