"""Replies of the probes in `perceiver`: blocks and whole models, taken apart.

Weights are bounded by what the models of the graded tests can hold: every parameter was filled from `numbers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from harness.probes.schemas.forms import (
    Array,
    Either,
    Form,
    List,
    Nothing,
    Number,
    Record,
    Row,
    Rule,
    Span,
    Table,
    Whole,
    maybe,
)

#: Layers of one kind in one block, and blocks in a model. Right ones have three at most.
_MOST_LAYERS = 8

#: Channels inside an MLP, in widths of the model; Block has 4.
_WIDEST = 8

_PROJECTIONS = ("key", "query", "value", "proj")


def basis(sizes: Mapping[str, int], rounds: int) -> Form:
    """See `perceiver.basis`."""
    numbers = sizes["bottleneck_dim"] * sizes["n_embd"]
    drawn = Array("f", dimensions=Span(1, 4), elements=Span(numbers, numbers))
    each = List(drawn, Span(0, _MOST_LAYERS))
    return Record({"alone": List(each, rounds), "inside": Either((List(each, 0), List(each, rounds)))})


def dependencies(
    sizes: Mapping[str, int], numbers: np.ndarray, x: np.ndarray, y: np.ndarray, tokens: np.ndarray
) -> Form:
    """See `perceiver.dependencies`: blocks of wrong output lengths have rows of other lengths."""
    t, m = sizes["block_size"], sizes["bottleneck_dim"]
    rows = {"down": t, "up_latent": m, "up_input": t, "model": t}
    return Record({name: Array("f", (count, Span(0, 4 * t)), least=0) for name, count in rows.items()})


def anatomy(sizes: Mapping[str, int], numbers: np.ndarray, x: np.ndarray, y: np.ndarray) -> Form:
    """See `perceiver.anatomy`."""
    output = Array("f", (len(x), Span(0, 4 * sizes["block_size"]), Span(0, _WIDEST * sizes["n_embd"])))
    block = Record({"output": output, **_pieces(sizes, numbers, as_it_is=True)})
    return Record({"down": block, "up": block})


def whole(sizes: Mapping[str, int], numbers: np.ndarray, tokens: np.ndarray, weighting: np.ndarray) -> Form:
    """See `perceiver.whole`. Gradients have the structure of the weights, and the shape of each weight or None."""
    t, c = sizes["block_size"], sizes["n_embd"]
    logits = Array("f", (len(tokens), Span(0, 4 * t), Span(0, 4 * sizes["vocab_size"])))
    passed = maybe(Array("f", (len(tokens), Span(0, 4 * t), Span(0, _WIDEST * c))))
    extent = Row((Whole(most=8), Number(-1, finite=False), Whole(), Whole(most=1000)))
    perceiver = Record(
        {
            "logits": logits,
            "down": passed,
            "up": passed,
            "weights": _model(sizes, numbers, as_it_is=True),
            "gradients": _model(sizes, numbers, as_it_is=False),
            "parameters": Table(extent, Span(0, 1000)),
        },
        (Rule("gradients: one of the shape of each weight expected", _matching),),
    )
    return Either((Record({"logits": Nothing()}), perceiver))


def _model(sizes: Mapping[str, int], numbers: np.ndarray, *, as_it_is: bool) -> Form:
    """A whole model's weights, or what else is told of each of them."""
    t, c, v = sizes["block_size"], sizes["n_embd"], sizes["vocab_size"]
    look = _looking(as_it_is)
    block = Record(_pieces(sizes, numbers, as_it_is=as_it_is))
    return Record(
        {
            "embedding": look(Array("f", (v, c))),
            "positions": look(Array("f", (1, t, c))),
            "down": block,
            "blocks": List(block, Span(0, _MOST_LAYERS)),
            "up": block,
            "last": Row((look(Array("f", (c,))), look(Array("f", (c,))), Number(0, 1))),
            "head": look(Array("f", (v, c))),
        }
    )


def _pieces(sizes: Mapping[str, int], numbers: np.ndarray, *, as_it_is: bool) -> dict[str, Form]:
    """A block as `_anatomy.pieces` describes it."""
    look = _looking(as_it_is)
    inner = Span(1, max(_WIDEST * sizes["n_embd"], sizes["block_size"]))
    linear = Row((look(Array("f", (inner, inner))), look(Array("f", (inner,)))))
    norm = Row((look(Array("f", (inner,))), look(Array("f", (inner,))), Number(0, 1)))
    tensor = look(Array("f", dimensions=Span(2, 4), elements=Span(0, len(numbers))))
    other = Array("biuf", dimensions=Span(2, 4), elements=Span(0, len(numbers)))
    return {
        "attentions": List(Record(dict.fromkeys(_PROJECTIONS, linear)), Span(0, _MOST_LAYERS)),
        "norms": List(norm, Span(0, _MOST_LAYERS)),
        "linears": List(linear, Span(0, _MOST_LAYERS)),
        "basis": List(tensor, Span(0, _MOST_LAYERS)),
        "others": List(other if as_it_is else Nothing(), Span(0, _MOST_LAYERS)),
    }


def _looking(as_it_is: bool) -> Any:
    """What a form becomes: a weight is always there, a gradient of what is no parameter is None."""
    return (lambda form: form) if as_it_is else maybe


def _matching(reply: Mapping[str, Any]) -> bool:
    """Whether every gradient has the shape of its weight. What has none must be no parameter that was filled."""
    pairs = list(_pairs(reply["weights"], reply["gradients"]))
    return all(
        weight is not None and (_is_plain(weight) if gradient is None else np.shape(weight) == np.shape(gradient))
        for weight, gradient in pairs
    )


def _is_plain(weight: Any) -> bool:
    """Whether a weight may stand for one that a layer does not have: no bias is zeros, no layer norm's weight ones."""
    return bool(weight.ndim == 1 and ((weight == 0).all() or (weight == 1).all()))


def _pairs(weights: Any, gradients: Any) -> Iterator[tuple[Any, Any]]:
    """Each array of the one beside its counterpart in the other; None beside what has no counterpart.

    Of tensors that are no parameters only the number counts: they have no gradients.
    """
    if isinstance(weights, dict) and isinstance(gradients, dict):
        for name in weights:
            if name == "others":
                yield from [] if len(weights[name]) == len(gradients[name]) else [(None, None)]
            else:
                yield from _pairs(weights[name], gradients.get(name))
    elif isinstance(weights, (list, tuple)) and isinstance(gradients, (list, tuple)):
        if len(weights) != len(gradients):
            yield None, None
        for weight, gradient in zip(weights, gradients, strict=False):
            yield from _pairs(weight, gradient)
    elif isinstance(weights, np.ndarray):
        yield weights, gradients
