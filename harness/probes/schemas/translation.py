"""Replies of the probes in `translation`: what the models of translation.py answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.probes.schemas.forms import Array, Flag, Form, List, Number, Record, Span, Table, Whole, maybe

#: The largest honest answer is a batch's logits.
_MOST_NUMBERS = 1 << 16
_NUMBERS = Array("f", dimensions=Span(0, 5), elements=Span(0, _MOST_NUMBERS))
_TOKEN = Whole(-(1 << 31), 1 << 31)
_STATE = Table(_NUMBERS, Span(0, 200))
_LONGEST_ROW = 512

Weights = Mapping[str, np.ndarray]
Examples = Sequence[tuple[Sequence[int], Sequence[int]]]


def encoder(weights: Weights, sizes: Mapping[str, int], part: str, inputs: Sequence[np.ndarray]) -> Form:
    """See `translation.encoder`."""
    return _NUMBERS


def word_vectors(files: Mapping[str, str], words: Sequence[str]) -> Form:
    """See `translation.word_vectors`."""
    return List(_NUMBERS, len(files))


def used_vectors(weights: Weights, sizes: Mapping[str, int], matrix: np.ndarray, tokens: np.ndarray) -> Form:
    """See `translation.used_vectors`."""
    return Record({"logits": _NUMBERS, "trainable": Flag()})


def decoder(weights: Weights, sizes: Mapping[str, int], part: str, inputs: Sequence[np.ndarray]) -> Form:
    """See `translation.decoder`."""
    return _NUMBERS


def dropping(
    weights: Weights, sizes: Mapping[str, int], x: np.ndarray, allowed: np.ndarray, tokens: np.ndarray
) -> Form:
    """See `translation.dropping`."""
    return Record({"answer": _NUMBERS, "block": _NUMBERS, "logits": _NUMBERS})


def masks(cases: Sequence[tuple[np.ndarray, int]]) -> Form:
    """See `translation.masks`."""
    return List(Array("bfiu", dimensions=Span(0, 5), elements=Span(0, _MOST_NUMBERS)), len(cases))


def pieces(weights: Weights, sizes: Mapping[str, int], parts: Sequence[np.ndarray]) -> Form:
    """See `translation.pieces`."""
    return List(_NUMBERS, len(parts))


def decoded(weights: Weights, sizes: Mapping[str, int], prompts: Sequence[Sequence[int]], limit: int) -> Form:
    """See `translation.decoded`."""
    rows = List(List(_TOKEN, Span(0, _LONGEST_ROW)), Span(0, 2 * len(prompts)))
    return Record({"rows": rows, "read": Whole()})


def gradients(weights: Weights, sizes: Mapping[str, int], tokens: np.ndarray, factors: np.ndarray) -> Form:
    """See `translation.gradients`."""
    return _STATE


def examples(pairs: Examples) -> Form:
    """See `translation.examples`."""
    return List(List(List(_TOKEN, Span(0, _LONGEST_ROW)), Span(0, 8)), len(pairs))


def losses(cases: Sequence[tuple[np.ndarray, np.ndarray]]) -> Form:
    """See `translation.losses`."""
    return List(Number(finite=False), len(cases))


def perplexities(table: np.ndarray, examples: Examples, batch_sizes: Sequence[int]) -> Form:
    """See `translation.perplexities`."""
    return List(Number(finite=False), len(batch_sizes))


def trained(weights: Weights, sizes: Mapping[str, int], examples: Examples, recipe: Mapping[str, Any]) -> Form:
    """See `translation.trained`."""
    return Record({"saved": maybe(_STATE), "losses": List(Number(finite=False), Span(0, 1 << 14))})


def loaded(weights: Weights, sizes: Mapping[str, int], tokens: np.ndarray) -> Form:
    """See `translation.loaded`."""
    return Record({"state": _STATE, "logits": _NUMBERS})
