"""What lets `train` really run, on tiny models and tiny corpora, and what the reference asks of a training."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes.training import _arrays, _prepare, _tiny


def trained(
    submission: ModuleType, stage: str, documents: list[str], block_size: int, epochs: int, names: str = ""
) -> dict[str, Any]:
    """Prepare a training, make its configuration that of a short run with a steady learning rate, and let `train` run.

    Args:
        stage, names: as in `training.prepared`.

    Returns:
        loss_before, loss_after: mean loss over the training set, measured by this probe in evaluation mode;
        model: the parameters afterwards; unmoved: names of the matrices among them that are as before;
        written, tensors: the file that `train` wrote (see `_run`).
    """
    dataset = submission.CharCorruptionDataset("\n".join(documents), block_size)
    model = _tiny(submission, dataset.vocab_size, block_size)
    config, trainer = _prepare(submission, stage, names, dataset, block_size, model)
    _shorten(config, trainer, epochs, 1e-2)
    inside = getattr(trainer.model, "module", trainer.model)
    loss_before, before = _loss(trainer.model, trainer.train_dataset), _arrays(dict(inside.named_parameters()))
    saved = _run(submission, model, trainer)
    after = _arrays(dict(inside.named_parameters()))
    return {
        "loss_before": loss_before,
        "loss_after": _loss(trainer.model, trainer.train_dataset),
        "model": after,
        "unmoved": [name for name, each in after.items() if each.ndim >= 2 and np.array_equal(each, before[name])],
        **saved,
    }


def carried(
    submission: ModuleType, documents: list[str], block_size: int, names: str, weights: dict[str, np.ndarray]
) -> dict[str, Any]:
    """What `train` writes after an epoch of finetuning from a file of known weights, at a learning rate of zero."""
    dataset = submission.CharCorruptionDataset("\n".join(documents), block_size)
    model = _tiny(submission, dataset.vocab_size, block_size)
    config, trainer = _prepare(submission, "finetune", names, dataset, block_size, model, weights)
    _shorten(config, trainer, 1, 0.0)
    return _run(submission, model, trainer)


def recipes(submission: ModuleType, examples: int, block_size: int) -> dict[str, dict[str, dict[str, float]]]:
    """The configuration fields of each preset's stages, as the reference's trainer.py states them.

    Args:
        examples, block_size: length of the pretraining data set and of its sequences.
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


def _shorten(config: Any, trainer: Any, epochs: int, rate: float) -> None:
    for each in (config, trainer.config):
        each.max_epochs, each.batch_size, each.num_workers = epochs, 8, 0
        each.learning_rate, each.lr_decay = rate, False


def _run(submission: ModuleType, model: Any, trainer: Any) -> dict[str, Any]:
    """What `train` writes. written: whether there is a file; tensors: its state dict, None where it holds another."""
    path = Path("written.params")
    submission.train(model, str(path), trainer)
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu") if path.exists() else None
    except Exception:  # noqa: BLE001 - a file of anything else makes the unpickler raise almost anything
        saved = None
    if not isinstance(saved, dict) or not all(isinstance(each, torch.Tensor) for each in saved.values()):
        return {"written": path.exists(), "tensors": None}
    return {"written": True, "tensors": _arrays(saved)}


def _loss(model: Any, dataset: Any) -> float:
    model.eval()
    torch.manual_seed(0)
    device = next(model.parameters()).device
    with torch.no_grad():
        losses = [
            model(x[None].to(device), y[None].to(device))[1].mean()
            for x, y in (dataset[i] for i in range(len(dataset)))
        ]
    return float(torch.stack(losses).mean())
