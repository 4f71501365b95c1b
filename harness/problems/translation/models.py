"""Names and shapes of the parameters of translation.py's two models, and weights for graded tests.

The constructors are given code, so the names are known, and a graded test can draw the weights itself: what follows
from them cannot be made up without being computed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Shapes = Mapping[str, tuple[int, ...]]
Weights = dict[str, np.ndarray]
Sizes = Mapping[str, int]

#: The marks of a vocabulary: the first indices.
PAD, BOS, SEP, EOS, UNK = range(5)
MARKS = ("<pad>", "<bos>", "<sep>", "<eos>", "<unk>")

#: Words that a sentence has at most, as in translation.py.
LONGEST = 14


def _linear(name: str, out: int, into: int) -> Shapes:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def encoder_shapes(source: int, target: int, sizes: Sizes) -> Shapes:
    """Of an EncoderTranslator with vocabularies of these sizes."""
    c = sizes["width"]
    found: dict[str, tuple[int, ...]] = {"token.weight": (source, c), "position.weight": (sizes["block_size"], c)}
    for name in ("query", "key", "value", "mix"):
        found |= _linear(name, c, c)
    found |= {**_norm("attention_norm", c), **_linear("widen", 4 * c, c), **_linear("narrow", c, 4 * c)}
    return {**found, **_norm("feed_forward_norm", c), **_linear("output", target, c)}


def decoder_shapes(vocabulary: int, sizes: Sizes) -> Shapes:
    """Of a DecoderTransformer with a vocabulary of this size."""
    c = sizes["width"]
    found: dict[str, tuple[int, ...]] = {
        "embedding.token.weight": (vocabulary, c),
        "embedding.position.weight": (sizes["block_size"], c),
    }
    for block in (f"blocks.{number}." for number in range(sizes["layers"])):
        found |= {**_norm(f"{block}attention_norm", c), **_norm(f"{block}feed_forward_norm", c)}
        for name in ("query", "key", "value", "mix"):
            found |= _linear(f"{block}attention.{name}", c, c)
        found |= {**_linear(f"{block}feed_forward.0", 4 * c, c), **_linear(f"{block}feed_forward.2", c, 4 * c)}
    return {**found, **_norm("head.norm", c), "head.output.weight": (vocabulary, c)}


def arbitrary(shapes: Shapes, rng: np.random.Generator) -> Weights:
    """Weights that no training would arrive at, of a size at which each of them shows in the logits."""
    return {name: rng.normal(0.0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}


def untrained(shapes: Shapes, rng: np.random.Generator) -> Weights:
    """Weights to start a training from: small matrices, layer norms that change nothing, biases of zero."""
    return {name: _untrained(name, shape, rng).astype(np.float32) for name, shape in shapes.items()}


def _untrained(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if len(shape) > 1:
        return rng.normal(0.0, 0.02, shape)
    return np.ones(shape) if "norm" in name and name.endswith("weight") else np.zeros(shape)
