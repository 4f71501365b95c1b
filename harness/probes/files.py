"""What looks at uploaded params files, in a worker without any of the student's code.

`torch.load(weights_only=True)` runs here and nowhere else: a hostile file costs one worker.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import torch

#: No entry of a params file may be larger, or compressed: torch writes plain stored entries.
LARGEST_ENTRY = 256 << 20
MOST_ENTRIES = 4096

#: What DataParallel and torch.compile put before the names of a model's tensors.
WRAPPERS = ("module.", "_orig_mod.")


def state_dicts(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Describe each file.

    Returns, per name:
        problem: a sentence when it is not a state dict of tensors, else "";
        shapes: tensor name -> shape (names without `module.` and `_orig_mod.` before them); finite: whether all numbers are; digest: sha256 over names and values.
    """
    return {name: _describe(folder / name) for name in names}


def read(path: Path) -> dict[str, torch.Tensor] | str:
    """The tensors of the file by name, without what wrappers put before the names; a sentence where it has none."""
    problem = _zip_problem(path)
    if problem:
        return problem
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # noqa: BLE001 - whatever a broken file raises
        return f"torch.load cannot read it ({type(error).__name__})"
    if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        return f"it holds a {type(state).__name__} and not a state dict of tensors"
    if any(each.layout is not torch.strided or each.is_quantized for each in state.values()):
        return "it holds tensors that are no plain arrays of numbers"
    plain = {_unwrapped(str(name)): tensor for name, tensor in state.items()}
    return plain if len(plain) == len(state) else "it holds two tensors of one name"


def _unwrapped(name: str) -> str:
    """The name without `module.` (DataParallel) and `_orig_mod.` (torch.compile) before it."""
    while name.startswith(WRAPPERS):
        name = name.partition(".")[2]
    return name


def _describe(path: Path) -> dict[str, Any]:
    state = read(path)
    if isinstance(state, str):
        return {"problem": state, "shapes": {}, "finite": False, "digest": ""}
    return _summary(state)


def _summary(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode("utf-8", "replace"))
        digest.update(
            state[name].contiguous().view(torch.uint8 if state[name].dim() else state[name].dtype).numpy().tobytes()
        )
    return {
        "problem": "",
        "shapes": {name: list(tensor.shape) for name, tensor in state.items()},
        "finite": all(bool(torch.isfinite(tensor).all()) for tensor in state.values()),
        "digest": digest.hexdigest(),
    }


def _zip_problem(path: Path) -> str:
    """A sentence when the file is no ordinary torch archive, before torch reads it."""
    if not zipfile.is_zipfile(path):
        return "it is not a file that torch.save wrote"
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        return "it is not a file that torch.save wrote, or was cut short"
    if len(entries) > MOST_ENTRIES:
        return f"it has {len(entries)} entries and a state dict of this assignment has fewer than {MOST_ENTRIES}"
    if any(e.compress_type != zipfile.ZIP_STORED or e.file_size > LARGEST_ENTRY for e in entries):
        return "it holds compressed or oversized entries, which torch.save does not write"
    if sum(e.file_size for e in entries) > path.stat().st_size:
        return "its entries are larger than the file itself"
    return ""
