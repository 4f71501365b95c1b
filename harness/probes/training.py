"""What runs beside initialize_*_model, finetune, pretrain and train: tiny models, tiny corpora, real code."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

_SIZES = {"n_layer": 3, "n_head": 2, "n_embd": 16}


def initialise(
    submission: ModuleType, variant: str, sizes: dict[str, int], bottleneck: int | None = None
) -> dict[str, Any]:
    """Build a model with `initialize_<variant>_model` and run it once on two sequences of half the block.

    Args:
        sizes: vocab_size, block_size, n_layer, n_head, n_embd.
        bottleneck: given to initialize_perceiver_model when not None.

    Returns:
        is_gpt: whether it is a submission.GPT; parameters: their number; logits: (2, T, vocab_size);
        blocks: class names of the modules defined in submission.model, in order; perceiver: the class names of
        modules with a parameter shaped (1, m, d) or (m, d) that are no Linear or Embedding.
    """
    rest = {key: value for key, value in sizes.items() if key not in ("vocab_size", "block_size")}
    config = submission.GPTConfig(sizes["vocab_size"], sizes["block_size"], **rest)
    model = _initialise(submission, variant, config, bottleneck)
    model.eval()
    tokens = torch.arange(sizes["block_size"]).remainder(sizes["vocab_size"]).view(2, -1)  # (2, T)
    with torch.no_grad():
        logits = model(tokens)[0]
    return {
        "is_gpt": isinstance(model, submission.GPT),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "logits": logits,
        "blocks": [type(m).__name__ for m in model.modules() if type(m).__module__.startswith("submission")],
        "blocks_of": {
            "down": sum(isinstance(m, submission.model.DownProjectBlock) for m in model.modules()),
            "up": sum(isinstance(m, submission.model.UpProjectBlock) for m in model.modules()),
            "plain": sum(isinstance(m, submission.model.Block) for m in model.modules()),
        },
    }


def parameter_shapes(submission: ModuleType, documents: list[str], block_size: int) -> dict[str, list[int]]:
    """Names and shapes of the parameters of the tiny model that the other probes here use."""
    dataset = submission.CharCorruptionDataset("\n".join(documents), block_size)
    return {name: list(p.shape) for name, p in _tiny(submission, dataset.vocab_size, block_size).named_parameters()}


def prepared(
    submission: ModuleType,
    stage: str,
    documents: list[str],
    block_size: int,
    names: str = "",
    weights: dict[str, np.ndarray] | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """Call `finetune` or `pretrain` and look at what they return, before any training.

    Args:
        stage: "scratch" (finetune, no file), "finetune" (with a file of known weights) or "pretrain".
        names: the finetuning corpus as text, `question<TAB>place` a line.
        weights: what the file of stage "finetune" holds, by parameter name.
        rate: the learning rate to ask for, where it is not the default.

    Returns:
        config: the fields of the configuration in the trainer that are numbers or booleans.
        before, after: the model's parameters by name, before the call and in the returned trainer's model.
        parameters: names of the tensors in both that are trained, not buffers;
        dataset: class name, length and first item of the trainer's training set, and its characters by index;
        documents: length of the pretraining data set.
    """
    dataset = submission.CharCorruptionDataset("\n".join(documents), block_size)
    model = _tiny(submission, dataset.vocab_size, block_size)
    before = _arrays(model.state_dict())
    config, trainer = _prepare(submission, stage, names, dataset, block_size, model, weights, rate)
    inside = getattr(trainer, "model", model)
    return {
        "config": _numbers(getattr(trainer, "config", config)),
        "before": before,
        "after": _arrays(getattr(inside, "module", inside).state_dict()),
        "parameters": [name for name, _ in model.named_parameters()],
        "dataset": _look(trainer.train_dataset, draw=stage != "pretrain"),
        "documents": len(dataset),
    }


def _initialise(submission: ModuleType, variant: str, config: Any, bottleneck: int | None) -> Any:
    build = getattr(submission, f"initialize_{variant}_model")
    return build(config) if bottleneck is None else build(config, bottleneck)


def _tiny(submission: ModuleType, vocab_size: int, block_size: int) -> Any:
    """A model that needs none of the student's own parts, so that one missing part fails one claim only."""
    return submission.GPT(submission.GPTConfig(vocab_size, block_size, **_SIZES))


def _prepare(
    submission: ModuleType,
    stage: str,
    names: str,
    dataset: Any,
    block_size: int,
    model: Any,
    weights: dict[str, np.ndarray] | None = None,
    rate: float | None = None,
) -> tuple[Any, Any]:
    """(configuration, trainer) from `finetune` or `pretrain`."""
    if stage == "pretrain":
        extra = {} if rate is None else {"pretrain_lr": rate}
        found = submission.pretrain(dataset, block_size, model, **extra)
    else:
        extra = {} if rate is None else {"finetune_lr": rate}
        Path("names.tsv").write_text(names, encoding="utf-8")
        found = submission.finetune(_file_of(weights, model), "names.tsv", dataset, block_size, model, **extra)
    if not isinstance(found, (tuple, list)) or len(found) != 2 or not hasattr(found[1], "train_dataset"):
        raise TypeError(f"{stage if stage == 'pretrain' else 'finetune'} must return tconf, trainer_obj")
    return found[0], found[1]


def _file_of(weights: dict[str, np.ndarray] | None, model: Any) -> str | None:
    """The path of a params file with these weights; None without weights."""
    if weights is None:
        return None
    known = {name: torch.from_numpy(each) for name, each in weights.items()}
    torch.save({**model.state_dict(), **known}, "known.params")
    return "known.params"


def _arrays(state: dict[str, Any]) -> dict[str, np.ndarray]:
    return {str(name): value.detach().cpu().float().numpy().copy() for name, value in state.items()}


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
