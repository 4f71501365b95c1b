"""The models of problem 4 in uploaded params files, worked out by our own code, beside none of the student's.

Tensors are data here: what a file's numbers answer follows from the numbers and from the assignment. The constructors
are given code, so the names are known. The number of heads shows in no shape: the one that explains the file best
counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from harness.probes._lines import PAD, Row, given
from harness.probes._params import read

State = Mapping[str, torch.Tensor]
WholeLogits = Callable[[torch.Tensor], torch.Tensor]

#: Heads that are tried first, those of the presets; then every other number that divides the width, up to the most.
HEADS, MOST_HEADS = (4, 8), 64
LARGEST = {"width": 2048, "layers": 64, "block": 4096}
BATCH = 64

#: Answers, or examples, that tell which number of heads it is; the share of answers that needs no other to be tried.
SAMPLE, ENOUGH = 24, 0.97

EOS = 3


class NoModelError(ValueError):
    """A state dict that is no model of this kind: a sentence of ours that says why."""


# --- probes -----------------------------------------------------------------------------------------------------------


def lines(
    folder: Path, name: str, words: int, prompts: list[list[int]], answers: list[list[int]], limit: int
) -> dict[str, Any]:
    """Which answers the decoder in the file `name` writes greedily behind their prompts.

    Args:
        words: how many its vocabulary has.
        answers: as indices; one with a negative index is no model's.
        limit: tokens that an answer has at most.

    Returns:
        problem: why the file is no such model, else ""; given: one truth value for each answer; heads: as it was read.
    """
    try:
        state, block_size = _decoder(folder / name, words)
    except NoModelError as problem:
        return {"problem": str(problem), "given": [], "heads": 0}
    rows = [_row(*pair, limit) for pair in zip(prompts, answers, strict=True)]
    sample = [row for row in rows if row is not None][:SAMPLE]
    best, most = 0, -1
    for heads in _heads(state["embedding.token.weight"].shape[1]):
        found = sum(given(partial(_decode, state, heads), sample, block_size))
        if found > most:
            best, most = heads, found
        if most >= ENOUGH * len(sample):
            break
    return {"problem": "", "given": given(partial(_decode, state, best), rows, block_size), "heads": best}


def perplexity(
    folder: Path, name: str, kind: str, words: list[int], examples: list[tuple[list[int], list[int]]], limit: float
) -> dict[str, Any]:
    """How well the model in the file `name` knows the targets of examples x, y.

    Args:
        kind: "encoder" or "decoder"; words: how many each of its vocabularies has.
        limit: a perplexity that is low enough: numbers of heads are tried until one comes to it.

    Returns:
        problem: why the file is no such model, else ""; perplexity; heads: as it was read.
    """
    try:
        state, block_size = _encoder(folder / name, *words) if kind == "encoder" else _decoder(folder / name, *words)
        _expect_room(block_size, examples)
    except NoModelError as problem:
        return {"problem": str(problem), "perplexity": math.inf, "heads": 0}
    answer = _encode if kind == "encoder" else _decode
    best, least = 0, math.inf
    for heads in _heads(state["mix.bias" if kind == "encoder" else "head.norm.bias"].shape[0]):
        found = _perplexity(partial(answer, state, heads), examples[:SAMPLE])
        if not best or found < least:
            best, least = heads, found
        if least <= limit:
            break
    return {"problem": "", "perplexity": _perplexity(partial(answer, state, best), examples), "heads": best}


def _row(prompt: list[int], answer: list[int], limit: int) -> Row | None:
    if len(answer) > limit or any(index < 0 for index in answer):
        return None
    return Row([*prompt, *answer] + [EOS] * (len(answer) < limit), len(prompt) - 1)


@torch.no_grad()
def _perplexity(logits: WholeLogits, examples: list[tuple[list[int], list[int]]]) -> float:
    total, count = 0.0, 0
    for at in range(0, len(examples), BATCH):
        x, y = (_padded([pair[side] for pair in examples[at : at + BATCH]]) for side in (0, 1))
        logs = functional.log_softmax(logits(x), dim=-1).gather(-1, y[..., None])[..., 0]
        total, count = total - float(logs[y != PAD].sum()), count + int((y != PAD).sum())
    mean = total / max(1, count)
    return math.exp(min(mean, 80.0)) if math.isfinite(mean) else math.inf


def _padded(rows: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


# --- files ------------------------------------------------------------------------------------------------------------


def _heads(width: int) -> list[int]:
    numbers = [*HEADS, *(heads for heads in range(1, MOST_HEADS + 1) if heads not in HEADS)]
    return [heads for heads in numbers if width % heads == 0]


def _expect_room(block_size: int, examples: list[tuple[list[int], list[int]]]) -> None:
    longest = max(len(x) for x, _ in examples)
    if longest > block_size:
        raise NoModelError(f"it has {block_size} positions, and sentences of this term take up to {longest}")


def _decoder(path: Path, words: int) -> tuple[State, int]:
    """The tensors of a decoder with a vocabulary of so many words, and how many tokens it can read."""
    state = _tensors(path)
    width, block_size = _sizes(state, "embedding.token.weight", "embedding.position.weight", words)
    layers = len({name.split(".")[1] for name in state if name.startswith("blocks.")})
    if not 0 < layers <= LARGEST["layers"]:
        raise NoModelError("it holds no blocks of a decoder")
    for block in (f"blocks.{number}." for number in range(layers)):
        for each in ("query", "key", "value", "mix"):
            _expect_linear(state, f"{block}attention.{each}", width, width)
        _expect_linear(state, f"{block}feed_forward.0", 4 * width, width)
        _expect_linear(state, f"{block}feed_forward.2", width, 4 * width)
        for each in ("attention_norm", "feed_forward_norm"):
            _expect_norm(state, f"{block}{each}", width)
    _expect_norm(state, "head.norm", width)
    _expect(state, "head.output.weight", (words, width))
    return state, block_size


def _encoder(path: Path, source: int, target: int) -> tuple[State, int]:
    """The tensors of an encoder with vocabularies of these sizes, and how many tokens it can read."""
    state = _tensors(path)
    width, block_size = _sizes(state, "token.weight", "position.weight", source)
    for each in ("query", "key", "value", "mix"):
        _expect_linear(state, each, width, width)
    _expect_linear(state, "widen", 4 * width, width)
    _expect_linear(state, "narrow", width, 4 * width)
    for each in ("attention_norm", "feed_forward_norm"):
        _expect_norm(state, each, width)
    _expect_linear(state, "output", target, width)
    return state, block_size


def _tensors(path: Path) -> State:
    found = read(path)
    if isinstance(found, str):
        raise NoModelError(found)
    return {name: value.float() for name, value in found.items() if value.is_floating_point()}


def _sizes(state: State, tokens: str, positions: str, words: int) -> tuple[int, int]:
    shapes = [tuple(state[name].shape) if name in state else () for name in (tokens, positions)]
    if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise NoModelError(f"it lacks {tokens} or {positions}, the embeddings of words and positions")
    if shapes[0][0] != words:
        raise NoModelError(f"it knows {shapes[0][0]} words, and this term's data has {words} with the five marks")
    width, block_size = shapes[0][1], shapes[1][0]
    if not 1 < width <= LARGEST["width"] or not 1 < block_size <= LARGEST["block"]:
        raise NoModelError("it is of a size that no model of this assignment has")
    return width, block_size


def _expect_linear(state: State, name: str, out: int, into: int) -> None:
    _expect(state, f"{name}.weight", (out, into))
    _expect(state, f"{name}.bias", (out,))


def _expect_norm(state: State, name: str, width: int) -> None:
    _expect(state, f"{name}.weight", (width,))
    _expect(state, f"{name}.bias", (width,))


def _expect(state: State, name: str, shape: tuple[int, ...]) -> None:
    if name not in state:
        raise NoModelError(f"it holds no numbers under the name {name}")
    if tuple(state[name].shape) != shape:
        raise NoModelError(f"{name} has another shape than {shape}")


# --- what the models compute ------------------------------------------------------------------------------------------


@torch.no_grad()
def _decode(w: State, heads: int, x: torch.Tensor, first: int = 0) -> torch.Tensor:
    """Logits of a decoder from place `first` on: (B, T) -> (B, T - first, V), with PAD on the right alone."""
    length = x.shape[1]
    h = w["embedding.token.weight"][x] + w["embedding.position.weight"][:length]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    for number in range(len({name.split(".")[1] for name in w if name.startswith("blocks.")})):
        at = f"blocks.{number}."
        h = h + _attend(w, f"{at}attention.", heads, _norm(w, f"{at}attention_norm", h), causal)
        inner = functional.gelu(_linear(w, f"{at}feed_forward.0", _norm(w, f"{at}feed_forward_norm", h)))
        h = h + _linear(w, f"{at}feed_forward.2", inner)
    return _norm(w, "head.norm", h[:, first:]) @ w["head.output.weight"].T


@torch.no_grad()
def _encode(w: State, heads: int, x: torch.Tensor) -> torch.Tensor:
    """Logits of an encoder: (B, T) -> (B, T, target vocabulary)."""
    h = w["token.weight"][x] + w["position.weight"][: x.shape[1]]
    h = _norm(w, "attention_norm", h + _attend(w, "", heads, h, (x != PAD)[:, None, None, :]))
    h = _norm(w, "feed_forward_norm", h + _linear(w, "narrow", functional.relu(_linear(w, "widen", h))))
    return _linear(w, "output", h)


def _attend(w: State, prefix: str, heads: int, x: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    shape = (*x.shape[:2], heads, -1)
    q, k, v = (_linear(w, f"{prefix}{name}", x).view(shape).transpose(1, 2) for name in ("query", "key", "value"))
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    return _linear(w, f"{prefix}mix", mixed.transpose(1, 2).flatten(2))


def _linear(w: State, name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def _norm(w: State, name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])
