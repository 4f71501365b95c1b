"""What runs beside translation.py: its models with given weights, its decoding, its training.

Numbers are computed in double precision, but for training, which runs as students run it. Buffers
that a student's constructor registers keep what is in them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes._apart import module_of
from harness.probes._returned import returned

_MODULE = "translation"

Weights = dict[str, np.ndarray]
Sizes = dict[str, int]


# --- 4a ---------------------------------------------------------------------------------------------------------------


def encoder(folder: Path, weights: Weights, sizes: Sizes, part: str, inputs: list[np.ndarray]) -> torch.Tensor:
    """What `part` of an EncoderTranslator with these weights makes of the inputs.

    Args:
        part: the name of a method, or "forward".
    """
    model = _encoder(module_of(folder, _MODULE), weights, sizes)
    function = getattr(model, part)
    return _tensor(function(*map(_given, inputs)), part, function)


def word_vectors(folder: Path, files: dict[str, str], words: list[str]) -> list[torch.Tensor]:
    """What load_word_vectors makes of each of the files, by name and text, for a vocabulary of these words."""
    module = module_of(folder, _MODULE)
    found = []
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
        matrix = module.load_word_vectors(name, module.Vocabulary(words))
        found.append(_tensor(matrix, "load_word_vectors", module.load_word_vectors).double())
    return found


def used_vectors(
    folder: Path, weights: Weights, sizes: Sizes, matrix: np.ndarray, tokens: np.ndarray
) -> dict[str, Any]:
    """An EncoderTranslator that uses these word vectors.

    Returns:
        logits: (B, T, V) of the tokens; trainable: whether a gradient reaches the token embeddings.
    """
    model = _encoder(module_of(folder, _MODULE), weights, sizes)
    model.use_word_vectors(_given(matrix))
    logits = _tensor(model(_given(tokens)), "forward")
    torch.sum(logits.logsumexp(dim=-1)).backward()  # type: ignore[no-untyped-call]
    moved = model.token.weight.grad
    return {"logits": logits, "trainable": moved is not None and bool((moved != 0).any())}


def _encoder(module: ModuleType, weights: Weights, sizes: Sizes) -> Any:
    source, target = (len(weights[name]) for name in ("token.weight", "output.bias"))
    return _filled(module.EncoderTranslator(source, target, module.Sizes(**sizes)), weights)


# --- 4b ---------------------------------------------------------------------------------------------------------------


def decoder(folder: Path, weights: Weights, sizes: Sizes, part: str, inputs: list[np.ndarray]) -> torch.Tensor:
    """What `part` of a DecoderTransformer with these weights makes of the inputs.

    Args:
        part: "embedding", "attention" or "block" (of the first block), "head", or "forward" for the whole.
    """
    model = _decoder(module_of(folder, _MODULE), weights, sizes)
    parts = {"embedding": model.embedding, "head": model.head, "forward": model}
    parts |= {"block": model.blocks[0], "attention": model.blocks[0].attention}
    return _tensor(parts[part](*map(_given, inputs)), part, type(parts[part]).forward)


def dropping(
    folder: Path, weights: Weights, sizes: Sizes, x: np.ndarray, allowed: np.ndarray, tokens: np.ndarray
) -> dict[str, torch.Tensor]:
    """What a DecoderTransformer computes whose dropout leaves nothing.

    Returns:
        logits: (B, T, V) of the tokens, in training; block: of x, by the first one, in training; answer: the logits
        when the model evaluates, where dropout is off.
    """
    model = _decoder(module_of(folder, _MODULE), weights, sizes, dropout=1.0)
    answer = _tensor(model(_given(tokens)), "forward", type(model).forward)
    model.train()
    block = _tensor(model.blocks[0](_given(x), _given(allowed)), "block", type(model.blocks[0]).forward)
    return {"answer": answer, "block": block, "logits": _tensor(model(_given(tokens)), "forward")}


def masks(folder: Path, cases: list[tuple[np.ndarray, int]]) -> list[torch.Tensor]:
    """What causal_mask makes of each (real, T)."""
    function = module_of(folder, _MODULE).causal_mask
    return [_tensor(function(_given(real), T), "causal_mask", function) for real, T in cases]


def pieces(folder: Path, weights: Weights, sizes: Sizes, parts: list[np.ndarray]) -> list[torch.Tensor]:
    """The logits of tokens that a DecoderTransformer reads one part after the other, with one cache."""
    module = module_of(folder, _MODULE)
    model = _decoder(module, weights, sizes)
    cache = module.Cache(len(model.blocks))
    return [_tensor(model(_given(tokens), cache), "forward") for tokens in parts]


def decoded(folder: Path, weights: Weights, sizes: Sizes, prompts: list[list[int]], limit: int) -> dict[str, Any]:
    """What greedy_decode writes.

    Returns:
        rows: the new tokens of each prompt; read: how many tokens were embedded for that, PAD and all.
    """
    module = module_of(folder, _MODULE)
    model = _decoder(module, weights, sizes)
    read = 0

    def count(_: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal read
        read += inputs[0].numel()

    model.embedding.token.register_forward_pre_hook(count)
    rows = returned(module.greedy_decode(model, prompts, limit), "greedy_decode", module.greedy_decode)
    return {"rows": [[int(token) for token in row] for row in rows], "read": read}


def gradients(
    folder: Path, weights: Weights, sizes: Sizes, tokens: np.ndarray, factors: np.ndarray
) -> dict[str, torch.Tensor]:
    """Of the sum of all logits times their factors (B, T, V), by name; zeros where a parameter has none."""
    model = _decoder(module_of(folder, _MODULE), weights, sizes)
    torch.sum(_tensor(model(_given(tokens)), "forward") * _given(factors)).backward()  # type: ignore[no-untyped-call]
    return {name: torch.zeros_like(each) if each.grad is None else each.grad for name, each in model.named_parameters()}


def _decoder(module: ModuleType, weights: Weights, sizes: Sizes, dropout: float = 0.0) -> Any:
    model = module.DecoderTransformer(len(weights["head.output.weight"]), module.Sizes(**sizes, dropout=dropout))
    return _filled(model, weights)


# --- 4c ---------------------------------------------------------------------------------------------------------------


def examples(folder: Path, pairs: list[tuple[list[int], list[int]]]) -> list[list[list[int]]]:
    """x and y that pair_example makes of each pair of encoded sentences."""
    function = module_of(folder, _MODULE).pair_example
    made = [returned(function(list(french), list(english)), "pair_example", function) for french, english in pairs]
    return [[[int(token) for token in side] for side in each] for each in made]


def losses(folder: Path, cases: list[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """What next_word_loss makes of each (logits, targets)."""
    function = module_of(folder, _MODULE).next_word_loss
    return [float(returned(function(*map(_given, case)), "next_word_loss", function)) for case in cases]


def perplexities(
    folder: Path, table: np.ndarray, examples: list[tuple[list[int], list[int]]], batch_sizes: list[int]
) -> list[float]:
    """What perplexity says of the model that looks each token's logits up in a (V, V) table, for each batch size."""
    module = module_of(folder, _MODULE)
    model = torch.nn.Embedding(len(table), len(table), _weight=_given(table))
    return [
        float(returned(module.perplexity(model, list(examples), size), "perplexity", module.perplexity))
        for size in batch_sizes
    ]


def trained(
    folder: Path,
    weights: Weights,
    sizes: Sizes,
    examples: list[tuple[list[int], list[int]]],
    recipe: dict[str, Any],
) -> dict[str, Any]:
    """A DecoderTransformer with these weights, trained on the examples.

    Returns:
        saved: parameters in the file that train wrote, None without one; losses: what train returned.
    """
    module = module_of(folder, _MODULE)
    model = _decoder(module, weights, sizes).float().train()
    told = module.train(model, list(examples), module.Recipe(**recipe), "trained.params")
    return {
        "saved": _numbers(Path("trained.params"), weights),
        "losses": [float(each) for each in returned(told, "train", module.train)],
    }


def loaded(folder: Path, weights: Weights, sizes: Sizes, tokens: np.ndarray) -> dict[str, Any]:
    """The model that from_checkpoint makes of a file with these weights.

    Returns:
        state: its parameters by name; logits: of the tokens, in double precision.
    """
    module = module_of(folder, _MODULE)
    torch.save(_decoder(module, weights, sizes).float().state_dict(), "start.params")
    words, function = len(weights["head.output.weight"]), module.from_checkpoint
    model = returned(function("start.params", words, module.Sizes(**sizes)), "from_checkpoint", function)
    state = {name: each.clone() for name, each in model.state_dict().items() if name in weights}
    return {"state": state, "logits": _tensor(model.double().eval()(_given(tokens)), "forward")}


# --- both -------------------------------------------------------------------------------------------------------------


def _filled(model: Any, weights: Weights) -> Any:
    """The model in double precision, with these numbers, ready to answer."""
    own = {name for name, _ in model.named_buffers()}
    kept = {name: each for name, each in model.state_dict().items() if name in own}
    model.load_state_dict({**kept, **{name: torch.from_numpy(value) for name, value in weights.items()}})
    return model.double().eval()


def _given(value: np.ndarray) -> torch.Tensor:
    """Numbers in double precision; indices and truth values as they are."""
    found = torch.from_numpy(np.ascontiguousarray(value))
    return found.double() if found.is_floating_point() else found


def _tensor(value: Any, name: str, function: Any = None) -> torch.Tensor:
    found = returned(value, name, function)
    if isinstance(found, torch.Tensor):
        return found
    raise TypeError(f"{name} returned a {type(found).__name__} and not a tensor")


def _numbers(path: Path, names: Collection[str]) -> dict[str, torch.Tensor] | None:
    """The tensors of these names in a file of the worker's own."""
    if not path.is_file():
        return None
    state = torch.load(path, weights_only=True)
    return {name: state[name] for name in names if isinstance(state.get(name), torch.Tensor)}
