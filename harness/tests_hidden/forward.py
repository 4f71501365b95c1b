"""What a projection block computes, worked out once more from its weights, for every right arrangement of its parts.

The handout leaves open where exactly a layer norm or a residual connection stands. So a block is not compared with one
reference but explained: it is right when one of the right arrangements gives its output to ten digits. Where none does,
the arrangements of common mistakes are tried, to say which one it was. numpy only, in double precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Norm = Callable[[Array], Array]

RTOL, ATOL = 1e-6, 1e-8

#: Layer norms that are tried in each place; blocks have two or three.
_MOST_NORMS = 4


@dataclass(frozen=True)
class Pieces:
    """The weights of a block as probe `perceiver.anatomy` returns them, all float64."""

    attention: Mapping[str, tuple[Array, Array]]  #: key, query, value, proj: weight (C, C) and bias (C,)
    norms: tuple[Norm, ...]
    mlp: tuple[tuple[Array, Array], tuple[Array, Array]]
    heads: int


@dataclass(frozen=True)
class Arrangement:
    """How the parts are put together. The defaults are right; `fault` says what another choice means."""

    query_norm: Norm
    memory_norm: Norm
    mlp_norm: Norm
    residual: str = "stream"  #: "stream" adds the query as it came in, "normed" as it was asked with, "none" nothing
    mlp: str = "residual"  #: "residual", "bare" (no residual connection) or "none" (no MLP)
    behind: bool = False  #: layer norms behind the MLP instead of before it
    fault: str = ""


def _identity(x: Array) -> Array:
    return x


def read(found: Mapping[str, Any], heads: int, width: int) -> Pieces | str:
    """The pieces of a block for sequences of `width` channels, or a sentence on what is missing from it."""
    attentions, linears = found["attentions"], [_layer(each) for each in found["linears"]]
    if len(attentions) != 1:
        return f"{len(attentions)} cross-attention layers"
    if len(linears) != 2:
        return f"{len(linears)} linear layers beside the attention"
    attention = {name: _layer(each) for name, each in attentions[0].items()}
    first, second = sorted(linears, key=lambda layer: layer[0].shape[1] != width)  # the one that takes x comes first
    hidden = first[0].shape[0]
    shapes = [each[0].shape for each in (*attention.values(), first, second)]
    if shapes != [(width, width)] * 4 + [(hidden, width), (width, hidden)]:
        return f"linear layers of shapes {shapes}"
    norms = [_norm(_double(weight), _double(bias), float(eps)) for weight, bias, eps in found["norms"]]
    if len(norms) < 2:
        norms.append(_norm(_double(1), _double(0), 1e-5))  # F.layer_norm leaves no weights to find
    return Pieces(attention, tuple(norms[:_MOST_NORMS]), (first, second), heads)


def explain(pieces: Pieces, query: Array, memory: Array, output: Array, *, may_drop_query: bool) -> Arrangement | None:
    """The arrangement that gives `output`: a right one if there is any, else one with a fault, else None.

    Args:
        query: (1 or B, Tq, C) what asks; memory: (B, Tk, C) what keys and values come from.
        may_drop_query: whether right work may leave out the residual connection around the attention.
    """
    for each in itertools.chain(_right(pieces, may_drop_query), _wrong(pieces, may_drop_query)):
        for activation in (_gelu, _gelu_tanh, _relu):
            seen = _forward(pieces, each, activation, query, memory)
            if seen.shape == output.shape and np.allclose(seen, output, rtol=RTOL, atol=ATOL):
                return each
            if each.mlp == "none":
                break
    return None


def _right(pieces: Pieces, may_drop_query: bool) -> Iterator[Arrangement]:
    anywhere = (*pieces.norms, _identity)
    residuals = ("stream", "normed", "none") if may_drop_query else ("stream", "normed")
    for mlp_norm in pieces.norms:
        for query_norm, memory_norm, residual in itertools.product(anywhere, anywhere, residuals):
            yield Arrangement(query_norm, memory_norm, mlp_norm, residual)


def _wrong(pieces: Pieces, may_drop_query: bool) -> Iterator[Arrangement]:
    anywhere = (*pieces.norms, _identity)
    for query_norm, memory_norm in itertools.product(anywhere, anywhere):
        both = (query_norm, memory_norm)
        for mlp_norm in anywhere:
            if not may_drop_query:
                yield Arrangement(*both, mlp_norm, "none", fault="no residual connection around the cross-attention")
            for residual in ("stream", "none"):
                yield Arrangement(*both, mlp_norm, residual, "bare", fault="no residual connection around the MLP")
        for residual in ("stream", "normed", "none"):
            yield Arrangement(*both, _identity, residual, fault="no layer norm on the input of the MLP")
            yield Arrangement(*both, _identity, residual, "none", fault="no MLP")
        for mlp_norm in pieces.norms:
            yield Arrangement(*both, mlp_norm, behind=True, fault="a layer norm behind the MLP instead of before it")


def _forward(pieces: Pieces, how: Arrangement, activation: Norm, query: Array, memory: Array) -> Array:
    asked = how.query_norm(query)
    x = _attend(pieces, asked, how.memory_norm(memory))
    if how.residual != "none":
        x = x + (query if how.residual == "stream" else asked)
    if how.mlp == "none":
        return x
    if how.behind:
        return how.mlp_norm(_double(x + _mlp(pieces, activation, x)))
    inner = _mlp(pieces, activation, how.mlp_norm(x))
    return _double(x + inner) if how.mlp == "residual" else inner


def _attend(pieces: Pieces, query: Array, memory: Array) -> Array:
    """Eq. 1 to eq. 4 with the causal mask that starts at the top left: query i sees positions 0..i of the memory."""
    q, k, v = (_heads(pieces, name, x) for name, x in (("query", query), ("key", memory), ("value", memory)))
    scores = q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1])  # (B, nh, Tq, hs) x (B, nh, hs, Tk) -> (B, nh, Tq, Tk)
    seen = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ v  # (B, nh, Tq, hs)
    batch, _, length, _ = mixed.shape
    return _apply(pieces.attention["proj"], mixed.swapaxes(1, 2).reshape(batch, length, -1))


def _heads(pieces: Pieces, name: str, x: Array) -> Array:
    """(B, T, C) -> (B, nh, T, hs)."""
    batch, length, width = x.shape
    apart = _apply(pieces.attention[name], x).reshape(batch, length, pieces.heads, width // pieces.heads)
    return _double(apart.swapaxes(1, 2))


def _mlp(pieces: Pieces, activation: Norm, x: Array) -> Array:
    first, second = pieces.mlp
    return _apply(second, activation(_apply(first, x)))


def _apply(layer: tuple[Array, Array], x: Array) -> Array:
    weight, bias = layer
    return _double(x @ weight.T + bias)


def _norm(weight: Array, bias: Array, epsilon: float) -> Norm:
    def apply(x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        return _double(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * weight + bias)

    return apply


def _gelu(x: Array) -> Array:
    return _double(x * (0.5 * (1 + _erf(x / math.sqrt(2)))))


def _gelu_tanh(x: Array) -> Array:
    return _double(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


#: numpy has no error function; the standard library's serves, one number at a time.
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _layer(pair: Sequence[Any]) -> tuple[Array, Array]:
    """(weight, bias) of a linear layer; an empty weight where it is none."""
    weight, bias = _double(pair[0]), _double(pair[1])
    return (weight, bias) if weight.ndim == 2 and bias.shape == weight.shape[:1] else (np.zeros((0, 0)), np.zeros(0))


def _double(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)
