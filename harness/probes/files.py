"""What looks at uploaded params files, in a worker without any of the student's code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from harness.probes._params import read


def state_dicts(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Describe each file.

    Returns, per name:
        problem: a sentence when it is not a state dict of tensors, else "";
        shapes: tensor name (without `module.` and `_orig_mod.`) -> shape; finite: whether all numbers are;
        digest: sha256 over names and values.
    """
    return {name: _describe(folder / name) for name in names}


def _describe(path: Path) -> dict[str, Any]:
    state = read(path)
    if isinstance(state, str):
        return {"problem": state, "shapes": {}, "finite": False, "digest": ""}
    return _summary(state)


def _summary(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode("utf-8", "replace"))
        digest.update(_bytes(state[name]))
    return {
        "problem": "",
        "shapes": {name: list(tensor.shape) for name, tensor in state.items()},
        "finite": all(_is_finite(tensor) for tensor in state.values()),
        "digest": digest.hexdigest(),
    }


def _bytes(tensor: torch.Tensor) -> bytes:
    """The numbers as they lie there, of whatever type: numpy knows neither bfloat16 nor eight bits."""
    data: bytes = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return data


def _is_finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers are; some types of eight bits must be widened to be asked."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    wide = tensor.float() if tensor.element_size() == 1 else tensor
    return bool(torch.isfinite(wide).all())
