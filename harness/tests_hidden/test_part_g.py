"""Hidden graded tests of part 1g: the basis, who sees whom, gradients, what the blocks compute, and what came of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import perceiver
from harness.problems.birthplaces.checks import expect_threshold, hinting, judge
from harness.problems.birthplaces.origin import expect_own
from harness.problems.birthplaces.questions import Gold
from harness.tests_hidden import forward
from harness.tests_hidden.budget import dkw, share
from harness.tests_hidden.perceivers import draw_numbers, expect_drawn, explain, read, slopes
from harness.tests_hidden.uploads import expect_both_stages

SHAPES = (
    "an exception was raised; if a basic test about the blocks fails as well, start there. If not: do the shapes fit "
    "for a batch of two, and for sequences shorter than block_size?"
)

MOVED = (
    "This costs nothing here, where there is no GPU: DownProjectBlock moves its basis to a device with .to or .cuda. "
    "On a GPU nn.Parameter(...).to(device) is no parameter any more, and is neither trained nor saved. Leave it where "
    "it is: the Trainer moves the whole model."
)


@number("1g-3-hidden")
@weight(1)
def test_basis_is_xavier_uniform(student: Student, for_staff: dict[str, Any]) -> None:
    """The basis C is a parameter of m x d numbers, drawn by Xavier uniform initialisation, in a whole model too.

    False-positive rate 2e-7 (Dvoretzky-Kiefer-Wolfowitz, 40,960 draws, twice). Power above 99.9% against normal and
    Kaiming initialisation, zeros, and a scale that is 5% off. Xavier's bound is sqrt(6 / (m + d)), or that of the shape
    (1, m, d), sqrt(6 / (m d + d)).
    """
    m, d = 80, 64
    sizes = {"vocab_size": 50, "block_size": 96, "n_head": 4, "n_embd": d, "bottleneck_dim": m}
    found = student.run(perceiver.basis, sizes=sizes, rounds=8)
    if found["moved"] is True:
        for_staff["remark"] = MOVED
    for where, rounds in (("a DownProjectBlock", found["alone"]), ("a whole perceiver", found["inside"])):
        expect(
            all(len(each) == 1 for each in rounds),
            f"exactly one parameter of m x d numbers in {where}",
            f"{[len(each) for each in rounds][:1]}",
            hint="self.C = nn.Parameter(...) of shape (1, m, d)",
        )
        if rounds:  # no perceiver can be built while another part is missing
            drawn = [each[0] for each in rounds]
            expect(
                all(_is_basis(each, m, d) for each in drawn),
                f"a basis of shape (1, m, d), in floating point, in {where}",
                f"{drawn[0].dtype}, shape {drawn[0].shape}",
                hint="self.C = nn.Parameter(...) of shape (1, m, d)",
            )
            _expect_xavier(drawn, where)


def _is_basis(drawn: np.ndarray, m: int, d: int) -> bool:
    """Whether the basis has the shape that the handout gives, or one that holds the same numbers in the same order."""
    return drawn.dtype.kind == "f" and drawn.shape in {(m, d), (1, m, d), (m, 1, d)}


def _expect_xavier(drawn: list[np.ndarray], where: str) -> None:
    hint = f"the basis in {where} is not what nn.init.xavier_uniform_ draws; does anything scale it or fill it anew?"
    values = np.concatenate([each.reshape(-1) for each in drawn]).astype(np.float64)
    bounds = _xavier_bounds(drawn[0].shape)
    values /= next((each for each in bounds if np.abs(values).max() <= each * (1 + 1e-6)), bounds[-1])
    expect(
        bool(np.isfinite(values).all()) and np.abs(values).max() <= 1 + 1e-6,
        f"numbers within Xavier's bound in {where}",
        "larger ones",
        hint=hint,
    )
    uniform = (np.sort(values) + 1) / 2
    ranks = np.arange(1, len(values) + 1) / len(values)
    distance = max(float((ranks - uniform).max()), float((uniform - ranks).max()) + 1 / len(values))
    limit = dkw(len(values), share("1g-3-hidden", 2))
    expect(
        distance <= limit,
        f"a uniform distribution in {where} (distance at most {limit:.4f})",
        f"distance {distance:.4f}",
        hint=hint,
    )


def _xavier_bounds(shape: tuple[int, ...]) -> list[float]:
    """sqrt(6 / (fan in + fan out)) with the fans of this shape as torch counts them, and of its last two dimensions."""
    if len(shape) < 2:
        return [1e-9]
    field = math.prod(shape[2:])
    return sorted([math.sqrt(6 / ((shape[0] + shape[1]) * field)), math.sqrt(6 / (shape[-2] + shape[-1]))])


@number("1g-4-hidden")
@weight(2)
def test_each_position_sees_what_it_should(student: Student, rng: np.random.Generator) -> None:
    """Latent i depends on tokens 0 to i alone; output t depends on latents 0 to t and on its own token alone.

    So a whole perceiver's logits at t depend on tokens 0 to t among the first m, and on token t. Such logits are worked
    out once more from the model's weights, whatever the order of its parts.
    """
    t = int(rng.integers(18, 24))
    m = int(rng.choice(sorted({5, 6, 7, 8} - {t // 2, t // 3, t // 4})))  # not what a fixed share of the block would be
    sizes = {"vocab_size": 30, "block_size": t, "n_head": 2, "n_embd": 16, "bottleneck_dim": m}
    numbers = draw_numbers(rng)
    x, y = rng.standard_normal((4, t, 16)), rng.standard_normal((4, m, 16))
    tokens = rng.integers(1, 30, (2, t))
    replaced = np.concatenate([tokens, tokens % 29 + 1])
    with hinting(SHAPES):
        seen = student.run(perceiver.dependencies, sizes=sizes, numbers=numbers, x=x, y=y, tokens=replaced)
    latent, token = np.arange(m), np.arange(t)
    order = "{}: CausalCrossAttention takes keys and values first, the query second; which is which here?"
    own = "{}: x_input is the query, and what the result of the attention is added to"
    _expect_pattern("DownProjectBlock", seen["down"], token[:, None] <= latent[None, :], order)
    _expect_pattern("UpProjectBlock", seen["up_latent"], latent[:, None] <= token[None, :], order)
    # Output 0 sees one latent alone, whatever its query is: without a residual connection, which is a matter of 1g-8,
    # it does not depend on its token.
    first = (token[:, None] == 0) & (token[None, :] == 0)
    _expect_pattern("UpProjectBlock", seen["up_input"], token[:, None] == token[None, :], own, free=first)
    early = (token[:, None] <= token[None, :]) & (token[:, None] < m)
    _expect_pattern(
        "the perceiver of initialize_perceiver_model",
        seen["model"],
        early | (token[:, None] == token[None, :]),
        "{}: is it a perceiver, and does it have as many latents as the function was asked for?",
    )
    weighting = np.zeros((2, t, 30))
    found = student.run(perceiver.whole, sizes=sizes, numbers=numbers, tokens=tokens, weighting=weighting)
    explain(found, sizes, numbers, tokens)


def _expect_pattern(
    what: str, moved: np.ndarray, wanted: np.ndarray, hint: str, *, free: np.ndarray | bool = False
) -> None:
    """A Failure unless exactly the wanted outputs moved: clearly, and the others not at all; the free ones may."""
    hint = hint.format(what)
    expect(moved.shape == wanted.shape, f"{what}: shape {wanted.shape}", moved.shape, hint=hint)
    expect(bool(np.isfinite(moved).all()), f"{what}: finite numbers", "NaN or infinity", hint=hint)
    right = np.where(wanted, moved > 1e-10, moved < 1e-12) | free
    expect(
        bool(right.all()),
        f"{what}: depends on what it may see, and on nothing else",
        f"{int((~right).sum())} pairs differ",
        hint=hint,
    )


@number("1g-5-hidden")
@weight(1)
def test_every_parameter_learns(student: Student, rng: np.random.Generator, unseen: np.random.Generator) -> None:
    """In a whole perceiver every weight gets a finite gradient that is not zero, and the optimiser holds it once.

    The gradients are right, too: along random directions, drawn when they are in, they give the slopes that small steps
    of the weights give where the logits are worked out once more.
    """
    sizes = {"vocab_size": 30, "block_size": 20, "n_head": 2, "n_embd": 16, "bottleneck_dim": 7}
    numbers, tokens = draw_numbers(rng), rng.integers(1, 30, (3, 20))
    weighting = rng.standard_normal((3, 20, 30))
    with hinting(SHAPES):
        found = student.run(perceiver.whole, sizes=sizes, numbers=numbers, tokens=tokens, weighting=weighting)
    whole = explain(found, sizes, numbers, tokens)
    hint = "no gradient reaches a weight in {}: is every layer used in forward, and C a parameter that is trained?"
    seen = found["parameters"]
    dead = [name for name, (dims, largest, _, _) in seen.items() if dims >= 2 and not largest > 0]
    expect(not dead, "a gradient in every weight", f"none in {', '.join(dead[:3])}", hint=hint.format(_own(dead)))
    broken = [name for name, (_, _, bad, _) in seen.items() if bad]
    expect(not broken, "finite gradients", f"others in {', '.join(broken[:3])}", hint="does the loss stay finite?")
    lost = [name for name, (_, _, _, places) in seen.items() if places not in (1, -1)]
    expect(
        not lost,
        "every parameter once in the optimiser",
        f"not so: {', '.join(lost[:3])}",
        hint=f"configure_optimizers must find every parameter once: not so for {_own(lost)}",
    )
    for what, stepped, backward in slopes(whole, found, tokens, weighting, unseen):
        expect(
            abs(stepped - backward) <= 1e-5 * (1 + abs(stepped)),
            f"{what}: a gradient of {stepped:.6g} in a random direction",
            f"{backward:.6g}",
            hint=f"{what}: something keeps gradients from flowing back, such as detach, .data, item or no_grad",
        )


def _own(names: list[str]) -> str:
    """Which block the first of these parameters is in, in our words: names are the student's."""
    first = names[0] if names else ""
    return next((block for block in ("down_block", "up_block") if first.startswith(f"{block}.")), "another layer")


@number("1g-8-hidden")
@weight(1)
def test_blocks_compute_what_the_equations_say(student: Student, rng: np.random.Generator) -> None:
    """Both projection blocks compute cross-attention, layer norms, MLP and residual connections as a Block does.

    The output is worked out once more from the block's weights, in double precision, to ten digits. Layer norms on the
    query and on the keys and values, and the residual connection over C, may be there or not.
    """
    sizes = {"vocab_size": 30, "block_size": int(rng.integers(12, 18)), "n_head": 2, "n_embd": 16}
    sizes["bottleneck_dim"] = m = int(rng.integers(5, 9))
    numbers = draw_numbers(rng)
    x, y = rng.standard_normal((3, sizes["block_size"] - 2, 16)), rng.standard_normal((3, m, 16))
    with hinting(SHAPES):
        seen = student.run(perceiver.anatomy, sizes=sizes, numbers=numbers, x=x, y=y)
    down, up = seen["down"], seen["up"]
    basis = [each for each in down["basis"] if each.size == m * 16]
    expect(len(basis) == 1, "one basis in DownProjectBlock", len(basis), hint="self.C = nn.Parameter(...)")
    for found in (down, up):
        expect_drawn({name: found[name] for name in ("attentions", "linears", "basis")}, numbers)
    _expect_explained("DownProjectBlock", down, basis[0].reshape(1, m, 16), x, heads=2, may_drop_query=True)
    _expect_explained("UpProjectBlock", up, x, y, heads=2, may_drop_query=False)


def _expect_explained(
    what: str, found: dict[str, Any], query: np.ndarray, memory: np.ndarray, *, heads: int, may_drop_query: bool
) -> None:
    pieces = read(found, what, heads, query.shape[-1])
    how = forward.explain(pieces, query, memory, found["output"], may_drop_query=may_drop_query)
    expect(
        how is not None and not how.fault,
        f"{what}: cross-attention, residual connection, layer norm, MLP, residual connection",
        how.fault if how else "something else",
        hint=f"{what}: {how.fault}" if how else f"{what}: compare its forward, line by line, with Block's",
    )


@number("1g-6-hidden")
@weight(1)
def test_params_of_the_perceiver(
    student: Student, gold: Gold, unseen: np.random.Generator, for_staff: dict[str, Any]
) -> None:
    """perceiver.pretrain.params holds a perceiver that learned from the text, perceiver.finetune.params another one.

    What a pretrained model must know is said in `uploads.KNOWS_MORE`.
    """
    for_staff["loss"] = expect_both_stages(student, "perceiver", gold, unseen)


@number("1g-7-hidden")
@weight(4)
def test_test_predictions_of_the_perceiver(
    student: Student,
    gold: Gold,
    assignment: Assignment,
    unseen: np.random.Generator,
    for_staff: dict[str, Any],
    after_due_date: bool,
) -> None:
    """perceiver.pretrain.test.predictions answers at least {perceiver.test} of the test questions."""
    score = judge(student, "perceiver.pretrain.test.predictions", gold, for_staff)
    expect_threshold(
        score,
        assignment.thresholds["perceiver"].test,
        hint="evaluate the finetuned perceiver on birth_test_inputs.tsv, in its order",
        exact=after_due_date,
    )
    expect_own(student, "perceiver.pretrain.test.predictions", gold, assignment, unseen, for_staff)
