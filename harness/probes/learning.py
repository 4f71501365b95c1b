"""What lets `train` really run, on tiny models and tiny corpora, and what the reference asks of a training."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes._params import without_wrappers
from harness.probes.training import Weights, _array, _model, _names, _prepare


def trained(
    submission: ModuleType,
    stage: str,
    documents: list[str],
    sizes: dict[str, int],
    start: Weights,
    epochs: int,
    rate: float,
    names: str = "",
    weights: Weights | None = None,
) -> dict[str, Any]:
    """Prepare a training, make its configuration that of a short run with a steady learning rate, and let `train` run.

    Args:
        stage, sizes, start, names, weights: as in `training.prepared`.
        rate: the learning rate, of zero as well.

    Returns:
        vocabulary: the dataset's characters by index;
        written: whether `train` wrote a file where it should; tensors: the parameters in it by the names of `start`,
        None where it holds no state dict; missing: which of its parameters are not in it, by the model's own names.
    """
    dataset = submission.CharCorruptionDataset("\n".join(documents), sizes["block_size"])
    model = _model(submission, sizes, start)
    config, trainer = _prepare(submission, stage, names, dataset, sizes, model, weights)
    for each in (config, getattr(trainer, "config", config)):
        each.max_epochs, each.batch_size, each.num_workers = epochs, 8, 0
        each.learning_rate, each.lr_decay = rate, False
    path = Path("written.params")
    submission.train(model, str(path), trainer)
    own, saved = _names(model, start) or {}, _state_dict(path)
    return {
        "vocabulary": [str(dataset.itos[i]) for i in range(len(dataset.itos))],
        "written": path.exists(),
        "tensors": None
        if saved is None
        else {name: _reshaped(saved[own[name]], start[name]) for name in own if own[name] in saved},
        "missing": [each for each in own.values() if each not in (saved or {})],
    }


def _reshaped(array: np.ndarray, like: np.ndarray) -> np.ndarray:
    return array.reshape(like.shape) if array.size == like.size else array


def _state_dict(path: Path) -> Weights | None:
    """The arrays in a file of tensors by name; None for a file of anything else, and for no file."""
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # noqa: BLE001 - a file of anything else makes the unpickler raise almost anything
        return None
    if not isinstance(saved, dict) or not all(isinstance(each, torch.Tensor) for each in saved.values()):
        return None
    return {name: _array(each) for name, each in without_wrappers({str(k): v for k, v in saved.items()}).items()}


def recipes(submission: ModuleType, examples: int, block_size: int) -> dict[str, dict[str, dict[str, float]]]:
    """The configuration fields of each preset's stages, as the reference's trainer.py states them.

    Args:
        examples, block_size: length of the pretraining dataset and of its sequences.
    """
    dataset = range(examples)  # has a length, which is all that is asked of it
    return {
        name: {
            stage: {
                "max_epochs": recipe.max_epochs,
                "batch_size": recipe.batch_size,
                "learning_rate": recipe.learning_rate,
                "warmup_tokens": recipe.warmup_tokens,
                "final_tokens": recipe.final_tokens(dataset, block_size),
            }
            for stage, recipe in (
                ("scratch", preset.scratch),
                ("finetune", preset.finetune),
                ("pretrain", preset.pretrain),
            )
        }
        for name, preset in submission.trainer.PRESETS.items()
    }
