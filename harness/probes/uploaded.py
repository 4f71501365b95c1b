"""The models in uploaded params files, worked out by our own code, in a worker without any of the student's.

Tensors are data here: what a file's numbers answer follows from the numbers and from the assignment, never from a word
that the student's code says. The vanilla model is given code, so its tensors have known names. A perceiver's projection
blocks are the student's: their layers are found by what they are made of, and put together in each of the ways that the
handout leaves open, and in those of common mistakes. The way that explains the file best counts.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from harness.probes._lines import Row, batches, given, rows, stacked
from harness.probes._params import read

State = Mapping[str, torch.Tensor]
Pair = tuple[torch.Tensor, torch.Tensor]  #: weight and bias
Latents = dict[Any, torch.Tensor]  #: latents that were worked out already, by the way that gave them

#: Heads of the presets of trainer.py, by layers and width: no shape tells them.
PRESET_HEADS = {(3, 128): 4, (4, 256): 8}
#: What is tried where no preset has the sizes, the usual numbers first.
HEADS = (4, 8, 2, 1, 6, 16, 3, 12)

#: Layer norms that are told apart in one projection block; blocks have one to three.
MOST_NORMS = 4

#: Sequences on which the ways to read a file are compared.
TRIALS = 8

#: A reading under which the model gives all lines but one in so many needs no competitor.
SLIPS = 60

#: Computing time for the comparison, beyond which the best way so far counts. The usual ways come first.
SECONDS = 8.0

LARGEST = {"width": 2048, "layers": 64, "block": 4096}


class NoModelError(ValueError):
    """A state dict that is no model of this variant: a sentence of ours that says why."""


@dataclass(frozen=True)
class Way:
    """How a projection block is put together. Layer norms by their number among the block's, None for none."""

    query_norm: int | None
    memory_norm: int | None
    mlp_norm: int | None
    residual: str = "stream"  #: around the attention: the query as it came, "normed" as it was asked with, or "none"
    mlp: str = "residual"  #: "residual", "bare" (no residual connection) or "none"


@dataclass(frozen=True)
class Reading:
    """One way to read a whole file."""

    heads: int
    down: Way | None = None
    up: Way | None = None


# --- probes -----------------------------------------------------------------------------------------------------------


def answers(
    folder: Path, name: str, variant: str, vocabulary: list[str], questions: list[str], lines: list[str]
) -> dict[str, Any]:
    """Which of the lines the model in the file `name` answers to the questions, greedily.

    Args:
        variant: "vanilla" or "perceiver".
        vocabulary: the characters by index.

    Returns:
        problem: why the file is no such model, else "";
        given: one truth value for each line;
        reading: how the file was read, for staff.
    """
    try:
        model = _open(folder / name, variant, vocabulary, longest=max(map(len, questions)))
    except NoModelError as problem:
        return {"problem": str(problem), "given": [], "reading": ""}
    wanted, kept = rows(questions, lines, vocabulary), Latents()
    cut = _behind(TRIALS, wanted)
    trial = sum(row is not None for row in wanted[:cut])
    of_trial: dict[Reading, list[bool]] = {}
    of_rest: dict[Reading, list[bool]] = {}

    def agree(reading: Reading, asked: Sequence[Row | None], kept: Latents | None = None) -> list[bool]:
        return given(lambda x, first: model.logits(x, reading, kept, first), asked, model.block_size)

    def score(reading: Reading) -> float:
        of_trial[reading] = agree(reading, wanted[:cut], kept)  # where these few lines agree, all are asked
        found = sum(of_trial[reading])
        if found < trial - trial // TRIALS:
            return found
        of_rest[reading] = agree(reading, wanted[cut:])
        return found + sum(of_rest[reading])

    reading = model.read(score, enough=len(wanted) - len(wanted) // SLIPS)
    found = of_trial[reading] + (of_rest[reading] if reading in of_rest else agree(reading, wanted[cut:]))
    return {"problem": "", "given": found, "reading": str(reading)}


def _behind(count: int, wanted: Sequence[Row | None]) -> int:
    """The place behind so many rows that can be asked."""
    places = [at for at, row in enumerate(wanted) if row is not None]
    return places[count - 1] + 1 if len(places) >= count else len(wanted)


def loss(
    folder: Path, name: str, variant: str, vocabulary: list[str], texts: list[str], limit: float
) -> dict[str, Any]:
    """How well the model in the file `name` knows each next character of the texts.

    Args:
        limit: a loss that is low enough: ways to read the file are tried until one is.

    Returns:
        problem: why the file is no such model, else "";
        loss: mean negative log likelihood, in nats; reading: how the file was read, for staff.
    """
    try:
        model = _open(folder / name, variant, vocabulary, longest=0)
    except NoModelError as problem:
        return {"problem": str(problem), "loss": math.inf, "reading": ""}
    index = {character: place for place, character in enumerate(vocabulary)}
    sequences = [Row([index[character] for character in text[: model.block_size]], 0) for text in texts]
    trial, kept = stacked(sequences[:TRIALS]), Latents()
    of_all: dict[Reading, float] = {}

    def mean(reading: Reading) -> float:
        parts = [stacked([row for _, row in batch]) for batch in batches(enumerate(sequences))]
        judged = [int(each.sum()) for _, each in parts]
        sums = [model.loss(*part, reading) * count for part, count in zip(parts, judged, strict=True)]
        return sum(sums) / sum(judged)

    def known(reading: Reading) -> float:
        found = model.loss(*trial, reading, kept)
        if found > limit:
            return -found
        of_all[reading] = mean(reading)
        return -max(found, of_all[reading])

    reading = model.read(known, enough=-limit)
    found = of_all[reading] if reading in of_all else mean(reading)
    return {"problem": "", "loss": found, "reading": str(reading)}


def _open(path: Path, variant: str, vocabulary: Sequence[str], *, longest: int) -> Model:
    """The model in the file; it must be able to read `longest` characters and write another one."""
    found = read(path)
    if isinstance(found, str):
        raise NoModelError(found)
    model = Model(found, variant, len(vocabulary))
    if model.block_size <= longest:
        raise NoModelError(f"its block of {model.block_size} characters is shorter than a question")
    return model


# --- a model ----------------------------------------------------------------------------------------------------------


class Model:
    """A state dict as the numbers of a GPT. NoModelError where it is none of this variant and vocabulary."""

    def __init__(self, state: State, variant: str, characters: int) -> None:
        self._state = {name: value.float() for name, value in state.items() if value.is_floating_point()}
        self.perceiver = variant == "perceiver"
        if self.perceiver != any(name.startswith(("down_block.", "up_block.")) for name in self._state):
            raise NoModelError(f"it holds {'no' if self.perceiver else 'a'} perceiver's blocks")
        self._tokens = self._tensor("tok_emb.weight", (characters, None))
        self.width = self._tokens.shape[1]
        self._positions = self._tensor("pos_emb", (1, None, self.width))
        self.block_size = self._positions.shape[1]
        self.layers = 1 + max((int(each) for each in map(_number, self._state) if each), default=-1)
        if self.width > LARGEST["width"] or self.block_size > LARGEST["block"] or self.layers > LARGEST["layers"]:
            raise NoModelError("it is larger than any model of this assignment")
        self._blocks = [self._block(f"blocks.{number}.") for number in range(self.layers)]
        self._last = (self._tensor("ln_f.weight", (self.width,)), self._tensor("ln_f.bias", (self.width,)))
        self._head = self._tensor("head.weight", (characters, self.width))
        if self.perceiver:
            self._down, self._up = (Projection(self._state, name, self.width) for name in ("down_block.", "up_block."))
            self._basis = _basis(self._state, self.width, self.block_size)

    def _tensor(self, name: str, shape: tuple[int | None, ...]) -> torch.Tensor:
        found = self._state.get(name)
        if found is None:
            raise NoModelError(f"it holds no numbers under the name {name}")
        if found.dim() != len(shape) or any(b not in (None, a) for a, b in zip(found.shape, shape, strict=True)):
            wanted = ", ".join("any" if each is None else str(each) for each in shape)
            raise NoModelError(f"{name} has shape {_shape(found)}, expected ({wanted}) with this term's vocabulary")
        return found

    def _block(self, prefix: str) -> dict[str, Pair]:
        c = self.width
        linears = {f"attn.{name}": (c, c) for name in ("key", "query", "value", "proj")}
        linears |= {"mlp.0": (4 * c, c), "mlp.2": (c, 4 * c)}
        found = {name: self._pair(prefix + name, shape) for name, shape in linears.items()}
        return found | {name: self._pair(prefix + name, (c,)) for name in ("ln1", "ln2")}

    def _pair(self, name: str, shape: tuple[int, ...]) -> Pair:
        return self._tensor(f"{name}.weight", shape), self._tensor(f"{name}.bias", shape[:1])

    # -- ways to read it ---------------------------------------------------------------------------------------------

    def readings(self) -> Iterator[Reading]:
        """All ways to read the file, the usual ones first."""
        known = PRESET_HEADS.get((self.layers + 2 * self.perceiver, self.width))
        heads = [each for each in (known, *HEADS) if each is not None and self.width % each == 0]
        heads = [known] if known else heads
        if not self.perceiver:
            yield from (Reading(each) for each in heads)
            return
        downs, ups = list(self._down.ways(may_drop_query=True)), list(self._up.ways(may_drop_query=False))
        pairs = itertools.product(range(len(downs)), range(len(ups)))
        for down, up in sorted(pairs, key=sum):
            yield from (Reading(each, downs[down], ups[up]) for each in heads)

    def read(self, score: Callable[[Reading], float], enough: float) -> Reading:
        """The first way of reading with a score of at least `enough`, or else the one with the highest."""
        until = time.process_time() + SECONDS
        best, most = None, -math.inf
        for reading in self.readings():
            found = score(reading)
            if best is None or found > most:
                best, most = reading, found
            if most >= enough or time.process_time() > until:
                break
        assert best is not None
        return best

    # -- what it computes ----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def loss(self, x: torch.Tensor, judged: torch.Tensor, reading: Reading, kept: Latents | None = None) -> float:
        """Mean negative log likelihood of the judged places of x (B, T + 1); infinity where it is no number."""
        logs = functional.log_softmax(self.logits(x[:, :-1], reading, kept), dim=-1)
        each = logs.gather(-1, x[:, 1:, None])[..., 0]
        found = -float(each[judged].mean())
        return found if math.isfinite(found) else math.inf

    @torch.no_grad()
    def logits(self, x: torch.Tensor, reading: Reading, kept: Latents | None = None, first: int = 0) -> torch.Tensor:
        """From place `first` on: (B, T) -> (B, T - first, vocab_size).

        `kept` remembers latents between readings of the same x.
        """
        embedded = self._tokens[x] + self._positions[:, : x.shape[1]]
        if reading.down is None or reading.up is None:
            out = self._through(embedded, reading.heads, first)
        else:
            key = (reading.heads, reading.down, x.shape)
            kept = Latents() if kept is None else kept
            if key not in kept:
                basis = self._basis[:, : x.shape[1]]  # no position of x sees a latent behind it
                kept[key] = self._through(self._down(basis, embedded, reading.heads, reading.down), reading.heads)
            out = self._up(embedded[:, first:], kept[key], reading.heads, reading.up, first)
        return functional.layer_norm(out, (self.width,), *self._last) @ self._head.T

    def _through(self, x: torch.Tensor, heads: int, first: int = 0) -> torch.Tensor:
        """(B, T, C) -> (B, T - first, C). What the last block computes of earlier places is nobody's."""
        for number, block in enumerate(self._blocks, start=1):
            seen = functional.layer_norm(x, (self.width,), *block["ln1"])
            begin = first if number == self.layers else 0
            projections = {name: block[f"attn.{name}"] for name in PROJECTIONS}
            x = x[:, begin:] + _attention(projections, heads, seen[:, begin:], seen, begin)
            seen = functional.layer_norm(x, (self.width,), *block["ln2"])
            x = x + functional.linear(functional.gelu(functional.linear(seen, *block["mlp.0"])), *block["mlp.2"])
        return x if self._blocks else x[:, first:]


PROJECTIONS = ("key", "query", "value", "proj")


def _attention(
    layers: Mapping[str, Pair], heads: int, query: torch.Tensor, memory: torch.Tensor, first: int = 0
) -> torch.Tensor:
    """Causal attention, (1 or B, Tq, C) and (B, Tk, C) -> (B, Tq, C): query i sees positions 0..first + i of memory."""
    inputs = (("query", query), ("key", memory), ("value", memory))
    q, k, v = (_heads(functional.linear(x, *layers[name]), heads) for name, x in inputs)
    q = q.expand(k.shape[0], -1, -1, -1)
    seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(first)
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return functional.linear(mixed.transpose(1, 2).flatten(2), *layers["proj"])


def _heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(B, T, C) -> (B, nh, T, hs)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


# --- projection blocks ------------------------------------------------------------------------------------------------


class Projection:
    """The layers of a DownProjectBlock or UpProjectBlock, found by what they are made of, whatever their names."""

    def __init__(self, state: State, prefix: str, width: int) -> None:
        inside = {name: value for name, value in state.items() if name.startswith(prefix)}
        owner = next((each for each in _owners(inside) if _is_attention(inside, each, width)), None)
        if owner is None:
            raise NoModelError(f"its {prefix[:-1]} holds no cross-attention of {width} channels")
        self.attention = {each: _weights(inside, f"{owner}{each}") for each in PROJECTIONS}
        others = [each for each in _owners(inside) if not f"{each}.".startswith(owner)]
        layers = [_weights(inside, each[:-1]) for each in others if f"{each}weight" in inside]
        self.norms = [each for each in layers if each[0].shape == (width,)][:MOST_NORMS]
        if len(self.norms) < 2:  # F.layer_norm leaves no weights in the file
            self.norms.append((torch.ones(width), torch.zeros(width)))
        matrices = [each for each in layers if each[0].dim() == 2]
        wide = next((each for each in matrices if each[0].shape[1] == width != each[0].shape[0]), None)
        narrow = next((each for each in matrices if wide and each[0].shape == wide[0].shape[::-1]), None)
        self.mlp = (wide, narrow) if wide and narrow else None

    def ways(self, *, may_drop_query: bool) -> Iterator[Way]:
        """The right ones, then those of common mistakes. A layer norm that was trained takes part in each of them."""
        numbers = range(len(self.norms))
        trained = {each for each in numbers if not _is_idle(self.norms[each])}
        anywhere = (*numbers, None)
        residuals = ("stream", "normed", "none")
        right = [
            Way(query, memory, mlp, residual)
            for mlp, query, memory, residual in itertools.product(
                reversed(numbers), anywhere, (None, *numbers), residuals
            )
        ]
        wrong = [each for each in right if each.residual == "none" and not may_drop_query]
        both = itertools.product(anywhere, anywhere)
        for query, memory in both:
            wrong += [Way(query, memory, None, "stream"), Way(query, memory, None, "none")]
            wrong += [Way(query, memory, mlp, "stream", "bare") for mlp in anywhere]
            wrong += [Way(query, memory, None, residual, "none") for residual in residuals]
        usual = Way(0, None, 1) if may_drop_query else Way(None, 0, 1)  # as in the handout's equations
        right = [each for each in right if each not in wrong]
        for each in dict.fromkeys((usual, *right, *wrong)):
            used = {each.query_norm, each.memory_norm, each.mlp_norm}
            if trained <= used and (self.mlp is not None or each.mlp == "none"):
                yield each

    def __call__(self, query: torch.Tensor, memory: torch.Tensor, heads: int, way: Way, first: int = 0) -> torch.Tensor:
        """(1 or B, Tq, C) and (B, Tk, C) -> (B, Tq, C), for the queries from place `first` on."""
        asked = self._normed(query, way.query_norm)
        x = _attention(self.attention, heads, asked, self._normed(memory, way.memory_norm), first)
        if way.residual != "none":
            x = x + (query if way.residual == "stream" else asked)
        if way.mlp == "none" or self.mlp is None:
            return x
        wide, narrow = self.mlp
        inner = functional.linear(functional.gelu(functional.linear(self._normed(x, way.mlp_norm), *wide)), *narrow)
        return x + inner if way.mlp == "residual" else inner

    def _normed(self, x: torch.Tensor, number: int | None) -> torch.Tensor:
        return x if number is None else functional.layer_norm(x, x.shape[-1:], *self.norms[number])


def _basis(state: State, width: int, block_size: int) -> torch.Tensor:
    """The basis as (1, m, d); the down block's own tensor of that size."""
    for dots in (1, 2):  # a parameter of the block itself, else one of a layer in it
        for name, value in state.items():
            named = name.startswith("down_block.") and name.count(".") == dots and not name.endswith(".bias")
            latents = value.numel() // width
            flat = value.shape in {(latents, width), (1, latents, width), (latents, 1, width)}
            if named and flat and 0 < latents < block_size and (dots == 1 or latents not in (width, 4 * width)):
                return value.reshape(1, latents, width)
    raise NoModelError("its down_block holds no basis of shape (1, m, d)")


def _owners(state: State) -> list[str]:
    """The layers that the tensors belong to, as prefixes that end with a dot, in the file's order."""
    return list(dict.fromkeys(name.rpartition(".")[0] + "." for name in state)) + list(
        dict.fromkeys(name.rpartition(".")[0].rpartition(".")[0] + "." for name in state if name.count(".") > 1)
    )


def _is_attention(state: State, owner: str, width: int) -> bool:
    found = [state.get(f"{owner}{each}.weight") for each in PROJECTIONS]
    return all(each is not None and each.shape == (width, width) for each in found)


def _weights(state: State, layer: str) -> Pair:
    """Weight and bias of a layer, a bias of zeros where it has none of that length."""
    weight = state[f"{layer}.weight"]
    bias = state.get(f"{layer}.bias")
    zeros = torch.zeros(weight.shape[0] if weight.dim() else 1)
    return weight, zeros if bias is None or bias.shape != zeros.shape else bias


def _is_idle(layer: Pair) -> bool:
    """Whether a layer norm is as it was made: no training ever moved it."""
    return bool((layer[0] == 1).all()) and bool((layer[1] == 0).all())


def _number(name: str) -> str:
    """The number of the Block that a tensor belongs to, "" for others."""
    parts = name.split(".")
    return parts[1] if parts[0] == "blocks" and len(parts) > 2 and parts[1].isdecimal() and len(parts[1]) < 4 else ""


def _shape(tensor: torch.Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
