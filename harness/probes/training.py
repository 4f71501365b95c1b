"""What runs beside initialize_*_model, finetune, pretrain and train: tiny models, tiny corpora, real code."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes._anatomy import count, takes
from harness.probes._returned import returned

#: Parameters by name.
Weights = dict[str, np.ndarray]


def initialise(
    submission: ModuleType,
    variant: str,
    sizes: dict[str, int],
    bottleneck: int | None = None,
    weights: Weights | None = None,
    tokens: np.ndarray | None = None,
) -> dict[str, Any]:
    """Build a model with `initialize_<variant>_model` and run it once.

    Args:
        sizes: vocab_size, block_size, n_layer, n_head, n_embd.
        bottleneck: given to initialize_perceiver_model when not None.
        weights: the model gets these parameters, where they fit, before it runs.
        tokens: (B, T) what it runs on; without them, two sequences of half the block.

    Returns:
        is_gpt: whether it is a submission.GPT; parameters: their number; logits: (B, T, vocab_size), zeros of a
            perceiver that was built without its blocks;
        blocks_of: how many DownProjectBlocks, UpProjectBlocks and ordinary Blocks it has.
    """
    rest = {key: value for key, value in sizes.items() if key not in ("vocab_size", "block_size")}
    config = submission.GPTConfig(sizes["vocab_size"], sizes["block_size"], **rest)
    model = _initialise(submission, variant, config, bottleneck)
    model.eval()
    if weights is not None and _names(model, weights) is not None:
        _fill(model, weights)
    if tokens is None:
        tokens = np.arange(sizes["block_size"]).reshape(2, -1) % sizes["vocab_size"]
    blocks = {
        "down": count(submission, model, "DownProjectBlock"),
        "up": count(submission, model, "UpProjectBlock"),
        "plain": count(submission, model, "Block"),
    }
    logits = torch.zeros(*tokens.shape, sizes["vocab_size"])
    if variant == "vanilla" or blocks["down"]:  # GPT raises where it looks for a block that it was built without
        with torch.no_grad():
            logits = model(torch.from_numpy(tokens.copy()))[0]
    return {
        "is_gpt": isinstance(model, submission.GPT),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "logits": logits,
        "blocks_of": blocks,
    }


def prepared(
    submission: ModuleType,
    stage: str,
    documents: list[str],
    sizes: dict[str, int],
    start: Weights,
    tokens: np.ndarray,
    names: str = "",
    weights: Weights | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """Call `finetune` or `pretrain` and look at what they return, before any training.

    Args:
        stage: "scratch" (finetune, no file), "finetune" (with a file of known weights) or "pretrain".
        sizes: of the model: vocab_size, block_size, n_layer, n_head, n_embd; start: its parameters.
        tokens: (B, T) what the returned trainer's model runs on.
        names: the finetuning corpus as text, `question<TAB>place` a line.
        weights: what the file of stage "finetune" holds.
        rate: the learning rate to ask for, where it is not the default.

    Returns:
        config: the fields of the configuration in the trainer that are numbers or booleans;
        model: the parameters of the returned trainer's model, by the names of `start`;
        logits: (B, T, vocab_size) its logits, without dropout;
        dataset: class name, length and first item of the trainer's training set, and its characters by index;
        documents: length of the pretraining dataset.
    """
    dataset = submission.CharCorruptionDataset("\n".join(documents), sizes["block_size"])
    model = _model(submission, sizes, start)
    config, trainer = _prepare(submission, stage, names, dataset, sizes, model, weights, rate)
    inside = getattr(trainer, "model", model)
    inside = getattr(inside, "module", inside)
    inside.eval()
    with torch.no_grad():
        logits = inside(torch.from_numpy(tokens.copy()).to(next(inside.parameters()).device))[0]
    return {
        "config": _numbers(getattr(trainer, "config", config)),
        "model": _parameters(inside, start),
        "logits": logits,
        "dataset": _look(trainer.train_dataset, draw=stage != "pretrain"),
        "documents": len(dataset),
    }


def _initialise(submission: ModuleType, variant: str, config: Any, bottleneck: int | None) -> Any:
    build = getattr(submission, f"initialize_{variant}_model")
    model = build(config) if bottleneck is None else build(config, bottleneck)
    return returned(model, f"initialize_{variant}_model", build)


def _model(submission: ModuleType, sizes: dict[str, int], weights: Weights) -> Any:
    """A GPT with these parameters. It needs none of the student's own parts: one missing part fails one test.

    Only where GPT cannot be called with a configuration alone, as no handout has it, initialize_vanilla_model calls it.
    """
    rest = {key: value for key, value in sizes.items() if key not in ("vocab_size", "block_size")}
    config = submission.GPTConfig(sizes["vocab_size"], sizes["block_size"], **rest)
    try:
        model = submission.GPT(config)
    except TypeError:
        model = submission.initialize_vanilla_model(config)
    _fill(model, weights)
    return model


def _names(model: Any, weights: Weights) -> dict[str, str] | None:
    """The model's own name for each of the weights, in order where it names its own otherwise; None where none fit."""
    own = {name: _shape(parameter) for name, parameter in model.named_parameters()}
    given = {name: _shape(each) for name, each in weights.items()}
    if own == given:
        return {name: name for name in given}
    return dict(zip(given, own, strict=True)) if list(own.values()) == list(given.values()) else None


def _shape(array: Any) -> tuple[int, ...]:
    """Without a leading 1: some hold the positions as (T, C)."""
    return tuple(array.shape[1:] if array.shape[:1] == (1,) else array.shape)


def _fill(model: Any, weights: Weights) -> None:
    """Give the model these parameters."""
    names = _names(model, weights)
    if names is None:
        raise ValueError("GPT in model.py has other parameters than the one that was given out")
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, each in weights.items():
            own[names[name]].copy_(torch.from_numpy(each.reshape(own[names[name]].shape)))


def _parameters(model: Any, weights: Weights) -> Weights | None:
    """The model's parameters under the names of the weights; None where it is another model by now."""
    names, own = _names(model, weights), dict(model.named_parameters())
    return None if names is None else {name: _array(own[names[name]]).reshape(weights[name].shape) for name in weights}


def _prepare(
    submission: ModuleType,
    stage: str,
    names: str,
    dataset: Any,
    sizes: dict[str, int],
    model: Any,
    weights: Weights | None = None,
    rate: float | None = None,
) -> tuple[Any, Any]:
    """(configuration, trainer) from `finetune` or `pretrain`."""
    name = "pretrain" if stage == "pretrain" else "finetune"
    takes_rate = takes(getattr(submission, name), f"{name}_lr")  # older handouts' functions do not
    extra = {f"{name}_lr": rate} if rate is not None and takes_rate else {}
    if stage == "pretrain":
        found = submission.pretrain(dataset, sizes["block_size"], model, **extra)
    else:
        Path("names.tsv").write_text(names, encoding="utf-8")
        path = None
        if weights is not None:
            path = "known.params"
            torch.save(_model(submission, sizes, weights).state_dict(), path)
        found = submission.finetune(path, "names.tsv", dataset, sizes["block_size"], model, **extra)
    returned(found, name, getattr(submission, name))
    if isinstance(found, (tuple, list)) and any(each is None for each in found[:2]):
        raise TypeError(f"{name} returned None as tconf or trainer_obj: it is not written yet")
    if not isinstance(found, (tuple, list)) or len(found) != 2 or not hasattr(found[1], "train_dataset"):
        raise TypeError(f"{name} must return tconf, trainer_obj")
    return found[0], found[1]


def _array(value: torch.Tensor) -> np.ndarray:
    array: np.ndarray = value.detach().cpu().float().numpy().copy()
    return array


def _numbers(config: Any) -> dict[str, Any]:
    fields = {name: getattr(config, name) for name in dir(config) if not name.startswith("_")}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, (bool, int, float)) and not inspect.ismethod(value)
    }


def _look(dataset: Any, draw: bool) -> dict[str, Any]:
    """What a training set is; a corrupted example is not drawn, since that is another part of the assignment."""
    first = dataset[0] if draw else ((), ())
    return {
        "class": type(dataset).__name__,
        "length": len(dataset),
        "x": np.asarray(first[0]),
        "y": np.asarray(first[1]),
        "itos": [str(dataset.itos[i]) for i in range(len(dataset.itos))] if hasattr(dataset, "itos") else [],
    }
