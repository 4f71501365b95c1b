"""The GPT of model.py once more, in numpy: what given weights answer to given tokens, where no student code runs.

A worker can say anything of itself. So a graded test about a model draws the weights and the tokens, asks the worker
for the logits, and works them out here as well: whoever wants to forge the answer has to compute it. In double
precision, for models of a few thousand weights; on its own side of the codec, so every array from a worker is checked
for its shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layer = tuple[Array, Array]  #: weight (out, in) and bias (out,)
Weights = Mapping[str, np.ndarray]

#: What model.py leaves to torch: the epsilon of a layer norm.
EPSILON = 1e-5

#: How far logits in single precision may be from those in double precision. They really are 1e-6 apart.
RTOL, ATOL = 1e-4, 1e-4


def shapes(sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a vanilla model's parameters, in the order in which torch lists them.

    Args:
        sizes: vocab_size, block_size, n_layer, n_embd.
    """
    c = sizes["n_embd"]
    linears = {f"attn.{name}": (c, c) for name in ("key", "query", "value", "proj")}
    linears |= {"mlp.0": (4 * c, c), "mlp.2": (c, 4 * c)}
    found: dict[str, tuple[int, ...]] = {"pos_emb": (1, sizes["block_size"], c)}
    found["tok_emb.weight"] = (sizes["vocab_size"], c)
    for block in (f"blocks.{number}." for number in range(sizes["n_layer"])):
        for name in ("ln1", "ln2"):
            found |= {f"{block}{name}.weight": (c,), f"{block}{name}.bias": (c,)}
        for name, shape in linears.items():
            found |= {f"{block}{name}.weight": shape, f"{block}{name}.bias": shape[:1]}
    return {**found, "ln_f.weight": (c,), "ln_f.bias": (c,), "head.weight": (sizes["vocab_size"], c)}


def untrained(sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights to start a training from: small matrices, layer norms that change nothing, biases of zero."""
    return {name: _untrained(name, shape, rng).astype(np.float32) for name, shape in shapes(sizes).items()}


def _untrained(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if len(shape) > 1:
        return rng.normal(0.0, 0.02, shape)
    return np.ones(shape) if ".ln" in f".{name}" and name.endswith("weight") else np.zeros(shape)


def arbitrary(sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights that no training would arrive at, of a size at which each of them shows in the logits."""
    return {name: rng.normal(0.0, 0.3, shape).astype(np.float32) for name, shape in shapes(sizes).items()}


def logits(weights: Weights, tokens: np.ndarray, heads: int) -> Array:
    """(B, T) tokens -> (B, T, vocab_size), without dropout."""
    w = {name: double(value) for name, value in weights.items()}
    x = w["tok_emb.weight"][tokens] + w["pos_emb"][:, : tokens.shape[1]]
    layers = sum(name.endswith("ln1.weight") for name in w)
    for block in (f"blocks.{number}." for number in range(layers)):
        seen = norm(x, w[f"{block}ln1.weight"], w[f"{block}ln1.bias"])
        attention = {name: _layer(w, f"{block}attn.{name}") for name in ("key", "query", "value", "proj")}
        x = x + attend(attention, heads, seen, seen)
        hidden = linear(norm(x, w[f"{block}ln2.weight"], w[f"{block}ln2.bias"]), _layer(w, f"{block}mlp.0"))
        x = x + linear(gelu(hidden), _layer(w, f"{block}mlp.2"))
    return double(norm(x, w["ln_f.weight"], w["ln_f.bias"]) @ w["head.weight"].T)


def loss(weights: Weights, x: np.ndarray, y: np.ndarray, heads: int) -> float:
    """Mean negative log likelihood of those targets y (B, T) that are not 0, given x (B, T)."""
    found = logits(weights, x, heads)
    found = found - found.max(axis=-1, keepdims=True)
    logs = found - np.log(np.exp(found).sum(axis=-1, keepdims=True))
    each = np.take_along_axis(logs, y[..., None], axis=-1)[..., 0]
    return float(-each[y != 0].mean())


def agree(seen: Any, wanted: Array) -> bool:
    """Whether logits that a worker sent are these, as far as single precision goes. NaN agrees with nothing."""
    if not isinstance(seen, np.ndarray) or seen.shape != wanted.shape or seen.dtype.kind != "f":
        return False
    return bool(np.allclose(seen.astype(np.float64), wanted, rtol=RTOL, atol=ATOL * float(np.abs(wanted).max())))


def fits(found: Any, sizes: Mapping[str, int]) -> bool:
    """Whether a worker's answer is a set of finite weights for a model of these sizes, under our names."""
    wanted = shapes(sizes)
    if not isinstance(found, dict) or set(found) != set(wanted):
        return False
    return all(
        isinstance(found[name], np.ndarray)
        and found[name].shape == shape
        and found[name].dtype.kind == "f"
        and bool(np.isfinite(found[name]).all())
        for name, shape in wanted.items()
    )


# --- the layers -------------------------------------------------------------------------------------------------------


def attend(layers: Mapping[str, Layer], heads: int, query: Array, memory: Array) -> Array:
    """Causal attention with the mask that starts at the top left: query i sees positions 0..i of the memory.

    Args:
        layers: key, query, value, proj.
        query: (1 or B, Tq, C); memory: (B, Tk, C), where keys and values come from.

    Returns:
        (B, Tq, C).
    """
    inputs = (("query", query), ("key", memory), ("value", memory))
    q, k, v = (_heads(linear(x, layers[name]), heads) for name, x in inputs)
    q = q / math.sqrt(q.shape[-1])
    found = q @ k.swapaxes(-2, -1)  # (B, nh, Tq, hs) x (B, nh, hs, Tk) -> (B, nh, Tq, Tk)
    found = np.where(np.tri(q.shape[-2], k.shape[-2], dtype=bool), found, -np.inf)
    parts = np.exp(found - found.max(axis=-1, keepdims=True))
    mixed = (parts / parts.sum(axis=-1, keepdims=True)) @ v  # (B, nh, Tq, hs)
    batch, _, length, _ = mixed.shape
    return linear(double(mixed.swapaxes(1, 2)).reshape(batch, length, -1), layers["proj"])


def _heads(x: Array, heads: int) -> Array:
    """(B, T, C) -> (B, nh, T, hs)."""
    batch, length, width = x.shape
    return double(x.reshape(batch, length, heads, width // heads).swapaxes(1, 2))


def linear(x: Array, layer: Layer) -> Array:
    """(..., in) -> (..., out)."""
    weight, bias = layer
    return double(x @ weight.T + bias)


def norm(x: Array, weight: Array, bias: Array, epsilon: float = EPSILON) -> Array:
    """Layer norm over the last dimension."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return double(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * weight + bias)


def gelu(x: Array) -> Array:
    """The exact one, by the error function."""
    # numpy has no error function; the standard library's serves, one number at a time.
    erf = np.fromiter(map(math.erf, (x / math.sqrt(2)).ravel().tolist()), np.float64, x.size)
    return double(x * (0.5 * (1 + erf.reshape(x.shape))))


def _layer(weights: Mapping[str, Array], name: str) -> Layer:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def double(value: Any) -> Array:
    """As an array of float64."""
    return np.asarray(value, dtype=np.float64)
