"""Basic graded tests of part 1g: the perceiver's shapes, and its dev predictions."""

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
T, M, D = PERCEIVER["block_size"], PERCEIVER["bottleneck_dim"], PERCEIVER["n_embd"]
#: What shapes that do not fit raise.
MISFITS = ("RuntimeError", "IndexError", "ValueError", "AssertionError")
ORDER = "CausalCrossAttention takes keys and values first, the query second: {}"
RESIDUAL = (
    "what is added to the result of attention has the shape of its query: the basis in DownProjectBlock, x_input in "
    "UpProjectBlock"
)
FLAT = f"C must have the shape (1, m, d), as attention works on (B, T, d); yours has {{}}, where m is {M} and d is {D}"
MAKE = "make C an nn.Parameter of shape (1, m, d), and fill it by Xavier uniform initialisation (see torch.nn.init)"


@number("1g-0-basic")
@weight(1)
def test_down_and_up_projection_change_the_length(student: Student) -> None:
    """Both projection blocks have attention, MLP and residual connections; down to (B, m, d), and up to (B, T, d)."""
    shape = _expect_basis(student.run(blocks.basis, sizes=PERCEIVER))
    asked = student.run(blocks.asked, sizes=PERCEIVER, batch=2)
    _expect_asked("DownProjectBlock", asked["down"], (T, M), "x_input first, and the basis second")
    _expect_asked("UpProjectBlock", asked["up"], (M, T), "y first, and x_input second")
    with hinting(RESIDUAL if len(shape) == 3 else FLAT.format(tuple(shape)), *MISFITS):
        seen = student.run(blocks.shapes, sizes=PERCEIVER, batch=2)
    expect(
        seen["down"] == [2, M, D],
        f"DownProjectBlock: {[2, M, D]} from {[2, T, D]}",
        seen["down"],
        hint="the basis is the query",
    )
    expect(
        seen["up"] == [2, T, D],
        f"UpProjectBlock: {[2, T, D]} from {[2, M, D]}",
        seen["up"],
        hint="x_input is the query",
    )
    for name, found in student.run(blocks.frame, sizes=PERCEIVER, batch=2).items():
        if found:
            _expect_frame({"down": "DownProjectBlock", "up": "UpProjectBlock"}[name], found, is_up=name == "up")


def _expect_basis(found: list[dict[str, Any]]) -> list[int]:
    """The shape of the basis; a Failure unless there is one that can be trained, and is not all zeros."""
    trained = [each for each in found if each["parameter"]]
    one = f"one parameter of {M} x {D} numbers in DownProjectBlock (bottleneck_dim {M}, n_embd {D})"
    if found and not trained:
        expect(False, one, "a tensor that is no nn.Parameter: it is neither trained nor saved", hint=MAKE)
    expect(len(trained) == 1, one, "none" if not trained else f"{len(trained)} of them", hint=MAKE)
    told = "C is all zeros: nn.init.xavier_uniform_ fills it, and torch.zeros alone does not"
    expect(not trained[0]["zero"], "a basis of random numbers", "zeros", hint=told)
    shape: list[int] = trained[0]["shape"]
    return shape


def _expect_asked(what: str, calls: list[list[int]], wanted: tuple[int, int], order: str) -> None:
    """A Failure where attention got its arguments in the wrong order, or others."""
    for keys, query in calls:
        expect(
            (keys, query) == wanted,
            f"{what}: attention with keys and values of length {wanted[0]}, and a query of length {wanted[1]}",
            f"keys and values of length {keys}, and a query of length {query}",
            hint=ORDER.format(order),
            case=f"T = {T}, m = {M}",
        )


def _expect_frame(what: str, found: dict[str, float], *, is_up: bool) -> None:
    """A Failure where a block lacks its MLP or a residual connection."""
    frame = f"{what}: attention, residual connection, MLP, residual connection"
    beside = "add what goes into the MLP to what comes out of it, as Block does"
    expect(found["around_mlp"] > 0, frame, "no residual connection around the MLP", hint=beside)
    lost = is_up and not found["around_attention"] > 0
    expect(not lost, frame, "no residual connection around the attention", hint="x_input is what attention adds to")
    expect(found["mlp"] > 0, frame, "no MLP in forward", hint="does forward use self.mlp, in front of its result?")


@number("1g-1-basic")
@weight(1)
def test_perceiver_model_is_built_from_both_blocks(student: Student) -> None:
    """initialize_perceiver_model returns a GPT whose first and last block are the projections."""
    with hinting("do the blocks work by themselves? 1g-0-basic tells more", *MISFITS):
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
