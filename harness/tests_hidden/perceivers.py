"""A whole perceiver, worked out once more from its weights: what it must answer, and the slopes of that.

Probe `perceiver.whole` takes a model apart that was filled with the graded test's own random numbers. Here the parts
are put together again, each projection block as its output explains it, so that logits and gradients have to be
computed to be
right: a worker that makes them up is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.grading.feedback import Failure, expect
from harness.problems.birthplaces.reference_model import Array, double, norm
from harness.tests_hidden import forward
from harness.tests_hidden.forward import Arrangement

#: Enough for the parameters of any module that the graded tests build.
NUMBERS = 40_000

_STEP = 1e-6
_BLOCK = Arrangement(query_norm=0, memory_norm=0, mlp_norm=1)
_COMPARE = "compare its forward, line by line, with Block's"

Tree = Any
"""Nested dicts and lists of arrays, as a worker sent them."""


def draw_numbers(rng: np.random.Generator) -> np.ndarray:
    """Numbers to fill parameters with: of a size at which every path through a model shows."""
    return rng.normal(0.0, 0.3, NUMBERS)


def expect_drawn(found: Tree, numbers: np.ndarray) -> None:
    """A Failure unless every matrix of `found` is a stretch of `numbers`: then they are the weights that were given."""
    order = np.argsort(numbers)
    for matrix in (each for each in _arrays(found) if each.ndim >= 2):
        values = double(matrix).ravel()
        at = int(order[min(np.searchsorted(numbers, values[0], sorter=order), len(order) - 1)]) if len(values) else 0
        expect(
            np.array_equal(numbers[at : at + len(values)], values),
            "the weights that were given",
            "others",
            hint="does something fill the weights anew, or change them, when the model runs?",
        )


def basis_of(found: Mapping[str, Any], latents: int, width: int) -> Array:
    """The basis of a down block, (1, m, d); a Failure where there is nothing like it."""
    candidates = [each for each in (*found["basis"], *found["others"]) if each.shape[-1:] == (width,)]
    best = sorted(candidates, key=lambda each: each.size != latents * width)
    if not best:
        raise Failure("one basis in DownProjectBlock", "none", hint="self.C = nn.Parameter(...) of shape (1, m, d)")
    return double(best[0]).reshape(1, -1, width)


def read(found: Mapping[str, Any], what: str, heads: int, width: int, *, surplus: bool = False) -> forward.Pieces:
    """The pieces of a block, a Failure where some are missing."""
    pieces = forward.read(found, heads, width, surplus=surplus)
    if isinstance(pieces, str):
        raise Failure(
            expected=f"{what}: one cross-attention layer, two layer norms, and an MLP of two linear layers",
            seen=pieces,
            hint=f"{what} is made of the cross-attention of attention.py, layer norms and an MLP as Block has it",
        )
    return pieces


@dataclass(frozen=True)
class Whole:
    """How the projection blocks of a perceiver are arranged; its weights come as a tree beside it."""

    heads: int
    latents: int
    down: Arrangement
    up: Arrangement

    def logits(self, weights: Tree, tokens: np.ndarray) -> Array:
        """(B, T) tokens -> (B, T, vocab_size)."""
        x = _embedded(weights, tokens)
        y = self.between(weights, self._down(weights, x))
        out = forward.apply(self._pieces(weights["up"]), self.up, x, y)
        return double(norm(out, *weights["last"]) @ weights["head"].T)

    def _down(self, weights: Tree, x: Array) -> Array:
        basis = basis_of(weights["down"], self.latents, x.shape[-1])
        return forward.apply(self._pieces(weights["down"]), self.down, basis, x)

    def between(self, weights: Tree, y: Array) -> Array:
        """What the blocks between the projections make of the latents y (B, m, d)."""
        for block in weights["blocks"]:
            y = forward.apply(self._pieces(block), _BLOCK, y, y)
        return y

    def _pieces(self, found: Mapping[str, Any]) -> forward.Pieces:
        width = double(found["attentions"][0]["query"][0]).shape[-1]
        return read(found, "a Block", self.heads, width, surplus=True)


def explain(found: Mapping[str, Any], sizes: Mapping[str, int], numbers: np.ndarray, tokens: np.ndarray) -> Whole:
    """How the perceiver that probe `perceiver.whole` saw comes to its logits; faults in its blocks are let pass.

    Raises:
        Failure: it is no perceiver, or not one whose logits follow from the given weights.
    """
    expect(
        found["logits"] is not None and found["down"] is not None and found["up"] is not None,
        "a model that uses a DownProjectBlock and an UpProjectBlock",
        "one without",
        hint="is the model of initialize_perceiver_model a perceiver?",
    )
    weights, heads, width = found["weights"], sizes["n_head"], sizes["n_embd"]
    expect_drawn({name: each for name, each in weights.items() if name not in ("down", "up")}, numbers)
    for name in ("down", "up"):
        expect_drawn({key: each for key, each in weights[name].items() if key != "others"}, numbers)
    x = _embedded(weights, tokens)
    basis = basis_of(weights["down"], sizes["bottleneck_dim"], width)
    down = _explained("DownProjectBlock", weights["down"], heads, (basis, x, found["down"]), may_drop_query=True)
    known = Whole(heads, sizes["bottleneck_dim"], down, down)
    latents = known.between(weights, double(found["down"]))
    up = _explained("UpProjectBlock", weights["up"], heads, (x, latents, found["up"]), may_drop_query=False)
    whole = Whole(heads, sizes["bottleneck_dim"], down, up)
    wanted, seen = whole.logits(weights, tokens), found["logits"]
    expect(
        seen.shape == wanted.shape and np.allclose(seen, wanted, rtol=forward.RTOL, atol=forward.ATOL),
        "the logits that follow from the weights",
        "others",
        hint="leave GPT in model.py as it was given",
    )
    return whole


def _explained(
    what: str, found: Mapping[str, Any], heads: int, passed: tuple[Array, Array, Array], *, may_drop_query: bool
) -> Arrangement:
    query, memory, output = passed
    pieces = read(found, what, heads, memory.shape[-1], surplus=True)
    how = forward.explain(pieces, query, memory, double(output), may_drop_query=may_drop_query)
    if how is None:
        raise Failure(
            expected=f"{what}: cross-attention, layer norms, residual connections and an MLP",
            seen="something that cannot be worked out from these",
            hint=f"{what} is more than cross-attention, layer norms, residual connections and an MLP: {_COMPARE}",
        )
    return how


def slopes(
    whole: Whole, found: Mapping[str, Any], tokens: np.ndarray, weighting: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, float, float]]:
    """(part, slope by small steps, slope by the worker's gradients) of the weighted sum of the logits, part by part.

    The directions are drawn here and now, when the gradients are in: only all of the gradient fits them.
    """
    names = {"down": "DownProjectBlock", "up": "UpProjectBlock"}
    parts = {name: [name] for name in names} | {"": [name for name in found["weights"] if name not in names]}
    for part, members in parts.items():
        gradients = {name: found["gradients"][name] for name in members}
        directions = {name: _directions(found["weights"][name], gradients[name], rng) for name in members}
        sides = []
        for step in (_STEP, -_STEP):
            moved = {name: _moved(found["weights"][name], directions[name], step) for name in members}
            sides.append(float((whole.logits({**found["weights"], **moved}, tokens) * weighting).sum()))
        stepped = (sides[0] - sides[1]) / (2 * _STEP)
        yield names.get(part, "the model around the blocks"), stepped, _along(gradients, directions)


def _embedded(weights: Tree, tokens: np.ndarray) -> Array:
    return double(double(weights["embedding"])[tokens] + double(weights["positions"])[:, : tokens.shape[1]])


# --- trees ------------------------------------------------------------------------------------------------------------


def _arrays(tree: Tree) -> Iterator[np.ndarray]:
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, (dict, list, tuple)):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _arrays(each)


def _directions(weights: Tree, gradients: Tree, rng: np.random.Generator) -> Tree:
    """A random direction for each weight, of its own shape, that has a gradient; None for what is not trained."""
    if isinstance(weights, dict):
        return {name: _directions(each, gradients[name], rng) for name, each in weights.items()}
    if isinstance(weights, (list, tuple)):
        return [_directions(each, gradient, rng) for each, gradient in zip(weights, gradients, strict=True)]
    trained = isinstance(weights, np.ndarray) and gradients is not None
    return rng.standard_normal(weights.shape) if trained else None


def _moved(weights: Tree, directions: Tree, step: float) -> Tree:
    """The weights, a step along the directions."""
    if isinstance(weights, dict):
        return {name: _moved(each, directions[name], step) for name, each in weights.items()}
    if isinstance(weights, (list, tuple)):
        return [_moved(each, direction, step) for each, direction in zip(weights, directions, strict=True)]
    return weights if directions is None else weights + step * directions


def _along(gradients: Tree, directions: Tree) -> float:
    """The slope that the gradients say the directions have."""
    pairs = zip(_arrays(gradients), _arrays(directions), strict=True)
    return sum(float((gradient * direction).sum()) for gradient, direction in pairs)
