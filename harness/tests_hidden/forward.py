"""What a projection block computes, worked out once more from its weights, for every right arrangement of its parts.

The handout leaves open where exactly a layer norm or a residual connection stands. So a block is not compared with one
reference but explained: it is right when one of the right arrangements gives its output to ten digits. Where none does,
the arrangements of common mistakes are tried, to say which one it was. numpy only, in double precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.problems.birthplaces.reference_model import EPSILON, Array, Layer, attend, double, gelu, linear, norm

RTOL, ATOL = 1e-6, 1e-8

#: Layer norms that are tried in each place; blocks have two or three.
_MOST_NORMS = 4


@dataclass(frozen=True)
class Pieces:
    """The weights of a block as probe `perceiver.anatomy` returns them, all float64."""

    attention: Mapping[str, Layer]  #: key, query, value, proj: weight (C, C) and bias (C,)
    norms: tuple[tuple[Array, Array, float], ...]  #: weight, bias, epsilon
    mlp: tuple[Layer, Layer] | None
    heads: int


@dataclass(frozen=True)
class Arrangement:
    """How the parts are put together. The defaults are right; `fault` says what another choice means.

    A norm is given by its number among the block's, None where there is none.
    """

    query_norm: int | None
    memory_norm: int | None
    mlp_norm: int | None
    residual: str = "stream"  #: "stream" adds the query as it came in, "normed" as it was asked with, "none" nothing
    mlp: str = "residual"  #: "residual", "bare" (no residual connection) or "none" (no MLP)
    attention_norm: int | None = None  #: behind the attention and its residual connection
    behind: bool = False  #: the MLP's layer norm behind it and its residual connection instead of before it
    fault: str = ""
    activation: str = "gelu"


def read(found: Mapping[str, Any], heads: int, width: int, *, surplus: bool = False) -> Pieces | str:
    """The pieces of a block for sequences of `width` channels, or a sentence on what is missing from it.

    Args:
        surplus: take a block without an MLP, and one with linear layers that it may never use.
    """
    attentions, linears = found["attentions"], [_layer(each) for each in found["linears"]]
    if len(attentions) != 1:
        return f"{len(attentions)} attention layers"
    attention = {name: _layer(each) for name, each in attentions[0].items()}
    if [each[0].shape for each in attention.values()] != [(width, width)] * 4:
        return "an attention of another width"
    mlp = _mlp_of(linears, width)
    if not surplus and (len(linears) != 2 or mlp is None):
        return f"linear layers of shapes {[each[0].shape for each in linears]} beside the attention"
    norms = [
        (double(weight), double(bias), float(epsilon))
        for weight, bias, epsilon in found["norms"]
        if np.shape(weight) == np.shape(bias) == (width,)
    ]
    if len(norms) < 2:
        norms.append((np.ones(width), np.zeros(width), EPSILON))  # F.layer_norm leaves no weights to find
    return Pieces(attention, tuple(norms[:_MOST_NORMS]), mlp, heads)


def _mlp_of(linears: Sequence[Layer], width: int) -> tuple[Layer, Layer] | None:
    """The first layer that widens x, and the first that narrows the result; None where there is no such pair."""
    for first, second in itertools.permutations(linears, 2):
        hidden = first[0].shape[0]
        if first[0].shape == (hidden, width) and second[0].shape == (width, hidden) and hidden != width:
            return first, second
    return None


def explain(pieces: Pieces, query: Array, memory: Array, output: Array, *, may_drop_query: bool) -> Arrangement | None:
    """The arrangement that gives `output`: a right one if there is any, else one with a fault, else None.

    Args:
        query: (1 or B, Tq, C) what asks; memory: (B, Tk, C) what keys and values come from.
        may_drop_query: whether right work may leave out the residual connection around the attention.
    """
    for each in itertools.chain(_right(pieces, may_drop_query), _wrong(pieces, may_drop_query)):
        if pieces.mlp is None and each.mlp != "none":
            continue
        for activation in ACTIVATIONS if each.mlp != "none" else ("gelu",):
            how = replace(each, activation=activation)
            seen = apply(pieces, how, query, memory)
            if seen.shape == output.shape and np.allclose(seen, output, rtol=RTOL, atol=ATOL):
                return how
    return None


def _right(pieces: Pieces, may_drop_query: bool) -> Iterator[Arrangement]:
    anywhere = (*range(len(pieces.norms)), None)
    residuals = ("stream", "normed", "none") if may_drop_query else ("stream", "normed")
    for mlp_norm in reversed(range(len(pieces.norms))):  # most solutions take the second one
        for query_norm, memory_norm, residual in itertools.product(anywhere, anywhere, residuals):
            yield Arrangement(query_norm, memory_norm, mlp_norm, residual)


def _wrong(pieces: Pieces, may_drop_query: bool) -> Iterator[Arrangement]:
    anywhere = (*range(len(pieces.norms)), None)
    for both in itertools.product(anywhere, anywhere):
        for mlp_norm in anywhere:
            if not may_drop_query:
                yield Arrangement(*both, mlp_norm, "none", fault="no residual connection around the cross-attention")
            for residual in ("stream", "none"):
                yield Arrangement(*both, mlp_norm, residual, "bare", fault="no residual connection around the MLP")
        for residual in ("stream", "normed", "none"):
            yield Arrangement(*both, None, residual, fault="no layer norm on the input of the MLP")
            yield Arrangement(*both, None, residual, "none", fault="no MLP")
        fault = "a layer norm behind the MLP instead of before it"
        for mlp_norm, attention_norm in itertools.product(range(len(pieces.norms)), anywhere):
            yield Arrangement(*both, mlp_norm, attention_norm=attention_norm, behind=True, fault=fault)


def apply(pieces: Pieces, how: Arrangement, query: Array, memory: Array) -> Array:
    """What a block of these pieces, arranged so, makes of a query and a memory: (B, Tq, C)."""
    asked = _normed(pieces, how.query_norm, query)
    x = attend(pieces.attention, pieces.heads, asked, _normed(pieces, how.memory_norm, memory))
    if how.residual != "none":
        x = x + (query if how.residual == "stream" else asked)
    x = _normed(pieces, how.attention_norm, double(x))
    if how.mlp == "none":
        return x
    if how.behind:
        return _normed(pieces, how.mlp_norm, double(x + _mlp(pieces, how, x)))
    inner = _mlp(pieces, how, _normed(pieces, how.mlp_norm, x))
    return double(x + inner) if how.mlp == "residual" else inner


def _normed(pieces: Pieces, number: int | None, x: Array) -> Array:
    return x if number is None else norm(x, *pieces.norms[number])


def _mlp(pieces: Pieces, how: Arrangement, x: Array) -> Array:
    assert pieces.mlp is not None
    first, second = pieces.mlp
    return linear(ACTIVATIONS[how.activation](linear(x, first)), second)


def _gelu_tanh(x: Array) -> Array:
    return double(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {"gelu": gelu, "gelu_tanh": _gelu_tanh, "relu": _relu}


def _layer(pair: Sequence[Any]) -> Layer:
    """(weight, bias) of a linear layer; an empty weight where it is none."""
    weight, bias = double(pair[0]), double(pair[1])
    return (weight, bias) if weight.ndim == 2 and bias.shape == weight.shape[:1] else (np.zeros((0, 0)), np.zeros(0))
