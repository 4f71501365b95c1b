"""The two models of translation.py once more, in numpy: what given weights answer, where no student code runs.

In double precision, for models of a few thousand weights. Letters as in translation.py: (B, T, C), (B, nh, T, hs).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.problems.translation.models import PAD

Array = NDArray[np.float64]
Weights = Mapping[str, np.ndarray]

#: What translation.py leaves to torch: the epsilon of a layer norm.
EPSILON = 1e-5

#: How far an answer in double precision may be from ours.
RTOL, ATOL = 1e-6, 1e-8


def agree(found: Any, wanted: Array) -> bool:
    """Whether an array of a worker's is ours, but for rounding; another shape or NaN is not."""
    return (
        isinstance(found, np.ndarray)
        and found.shape == wanted.shape
        and bool(np.allclose(found, wanted, rtol=RTOL, atol=ATOL))
    )


def doubled(weights: Weights) -> dict[str, Array]:
    """The weights in double precision."""
    return {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}


# --- what both models have --------------------------------------------------------------------------------------------


def linear(w: Mapping[str, Array], name: str, x: Array) -> Array:
    """x W^T + b."""
    found: Array = x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
    return found


def norm(w: Mapping[str, Array], name: str, x: Array) -> Array:
    """A layer norm."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled: Array = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def attend(w: Mapping[str, Array], prefix: str, heads: int, x: Array, allowed: NDArray[np.bool_]) -> Array:
    """Multi-headed attention of x (B, T, C) to itself; allowed is (B, 1, T or 1, T)."""
    q, k, v = (_split(linear(w, f"{prefix}{name}", x), heads) for name in ("query", "key", "value"))
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(q.shape[-1])  # (B, nh, T, T)
    scores = np.where(allowed, scores, -np.inf)
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = grown / grown.sum(axis=-1, keepdims=True)
    joined = (weights @ v).transpose(0, 2, 1, 3).reshape(x.shape)
    return linear(w, f"{prefix}mix", joined)


def _split(x: Array, heads: int) -> Array:
    """(B, T, C) -> (B, nh, T, hs)."""
    found: Array = x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
    return found


# --- the encoder ------------------------------------------------------------------------------------------------------


def encoder_attention(weights: Weights, heads: int, x: Array, padding: NDArray[np.bool_]) -> Array:
    """The first sublayer, with its residual connection and its norm."""
    w = doubled(weights)
    return norm(w, "attention_norm", x + attend(w, "", heads, x, ~padding[:, None, None, :]))


def encoder_feed_forward(weights: Weights, x: Array) -> Array:
    """The second sublayer, with its residual connection and its norm."""
    w = doubled(weights)
    inner = np.maximum(linear(w, "widen", x), 0.0)
    return norm(w, "feed_forward_norm", x + linear(w, "narrow", inner))


def encoder_logits(weights: Weights, heads: int, tokens: NDArray[np.int64]) -> Array:
    """(B, T) -> (B, T, target vocabulary)."""
    w = doubled(weights)
    x = w["token.weight"][tokens] + w["position.weight"][: tokens.shape[1]]
    x = encoder_feed_forward(weights, encoder_attention(weights, heads, x, tokens == PAD))
    return linear(w, "output", x)


# --- the decoder ------------------------------------------------------------------------------------------------------


def mask(real: NDArray[np.bool_], last: int) -> NDArray[np.bool_]:
    """(B, S) -> (B, 1, last, S): who may look at whom, for the last so many of S tokens."""
    own = np.eye(real.shape[1], dtype=bool)
    before = np.tril(np.ones_like(own))
    allowed: NDArray[np.bool_] = (before & real[:, None, None, :]) | own
    return allowed[:, :, real.shape[1] - last :]


def decoder_attention(weights: Weights, heads: int, x: Array, allowed: NDArray[np.bool_]) -> Array:
    """Attention of the first block."""
    return attend(doubled(weights), "blocks.0.attention.", heads, x, allowed)


def gelu(x: Array) -> Array:
    """x times the normal distribution function of x."""
    halves: Array = np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2.0))
    return x * (1.0 + halves) / 2.0


def block(weights: Mapping[str, Array], number: int, heads: int, x: Array, allowed: NDArray[np.bool_]) -> Array:
    """One block, whose weights are in double precision."""
    at = f"blocks.{number}."
    x = x + attend(weights, f"{at}attention.", heads, norm(weights, f"{at}attention_norm", x), allowed)
    inner = gelu(linear(weights, f"{at}feed_forward.0", norm(weights, f"{at}feed_forward_norm", x)))
    return x + linear(weights, f"{at}feed_forward.2", inner)


def decoder_logits(weights: Weights, heads: int, tokens: NDArray[np.int64]) -> Array:
    """(B, T) -> (B, T, V); PAD anywhere."""
    w, real = doubled(weights), tokens != PAD
    places = np.maximum(real.cumsum(axis=1) - 1, 0)
    x = w["embedding.token.weight"][tokens] + w["embedding.position.weight"][places]
    allowed = mask(real, tokens.shape[1])
    for number in range(sum(name.endswith("attention_norm.weight") for name in w)):
        x = block(w, number, heads, x, allowed)
    return head(w, x)


def head(weights: Weights, x: Array) -> Array:
    """The decoder's last layer."""
    w = doubled(weights)
    logits: Array = norm(w, "head.norm", x) @ w["head.output.weight"].T
    return logits


# --- losses -----------------------------------------------------------------------------------------------------------


def negative_logs(logits: Array, targets: NDArray[np.int64]) -> Array:
    """Negative log likelihood of each target: (..., V) and (...) -> (...)."""
    top = logits.max(axis=-1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
    found: Array = -np.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]
    return found


def loss(logits: Array, targets: NDArray[np.int64]) -> float:
    """The mean over the targets that are not PAD."""
    return float(negative_logs(logits, targets)[targets != PAD].mean())
