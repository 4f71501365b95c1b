"""Reads a params file. No probe: what the probes that look at params have in common.

`torch.load(weights_only=True)` runs here and nowhere else, in a worker without any of the student's code: a hostile
file costs one worker.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import torch

#: No entry of a params file may be larger, or compressed: torch writes plain stored entries.
LARGEST_ENTRY = 256 << 20
MOST_ENTRIES = 4096


#: What torch.compile puts before the names of a model's tensors, or of those of a part of it.
_COMPILED = re.compile(r"(?:^|(?<=\.))_orig_mod\.")
#: What DataParallel puts before the names of all tensors.
_PARALLEL = "module."
#: How torch.save began a file before it wrote zips, or with `_use_new_zipfile_serialization=False`.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ANEW = "python -c \"import torch; p = '{name}'; torch.save(torch.load(p, map_location='cpu', weights_only=True), p)\""

_SAVE = "save model.state_dict()"


def read(path: Path) -> dict[str, torch.Tensor] | str:
    """The tensors of the file under the names that the model gave; a sentence where they cannot be had."""
    problem = _zip_problem(path)
    if problem:
        return problem
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # noqa: BLE001 - whatever a broken file raises
        if type(error).__name__ == "UnpicklingError":
            return f"it holds more than tensors and numbers, as where a whole model was saved: {_SAVE}"
        return f"torch.load cannot read it ({type(error).__name__})"
    if not isinstance(state, dict) or not state:
        what = "an empty dict" if isinstance(state, dict) else f"a {type(state).__name__}"
        return f"it holds {what} and not a state dict of tensors: {_SAVE}"
    other = next((str(name) for name, each in state.items() if not isinstance(each, torch.Tensor)), None)
    if other is not None:
        return f"{other[:80]!r} in it is no tensor, so it is no state dict: {_SAVE}, by itself"
    plain = without_wrappers({str(name): tensor for name, tensor in state.items()})
    if len(plain) < len(state):
        return "it holds two tensors of one name"
    return next((said for name, tensor in plain.items() if (said := _odd(name, tensor))), plain)


def without_wrappers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors under the names that the model gave, as utils.py reads them."""
    state = {_COMPILED.sub("", name): tensor for name, tensor in state.items()}
    while state and all(name.startswith(_PARALLEL) for name in state):
        state = {name.removeprefix(_PARALLEL): tensor for name, tensor in state.items()}
    return state


def _odd(name: str, tensor: torch.Tensor) -> str:
    """A sentence where a tensor is no array of numbers that lies there as it is."""
    if tensor.is_quantized:
        return f"it holds the quantised tensor {name[:80]!r}: save ordinary ones, as tensor.dequantize() gives them"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return f"it holds the sparse tensor {name[:80]!r}: save ordinary ones, as tensor.to_dense() gives them"
    if tensor.is_meta:
        return f"it holds the tensor {name[:80]!r} without its numbers: save a model that is on a device"
    if tensor.numel() * tensor.element_size() > max(tensor.untyped_storage().nbytes(), 1):
        return f"it holds the tensor {name[:80]!r} as a view of fewer numbers: save tensor.contiguous()"
    return ""


def _zip_problem(path: Path) -> str:
    """A sentence when the file is no ordinary torch archive, before torch reads it."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            if stream.read(len(_LEGACY)) == _LEGACY:
                return f"it is in the format of torch before 1.6; write it anew with {_ANEW.format(name=path.name)}"
        return "it is not a file that torch.save wrote: save model.state_dict() again"
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        return "it is not a file that torch.save wrote, or was cut short"
    if len(entries) > MOST_ENTRIES:
        return f"it has {len(entries)} entries and a state dict of this assignment has fewer than {MOST_ENTRIES}"
    if any("/code/" in e.filename for e in entries):
        return f"it is a program of TorchScript, as torch.jit.save writes it: {_SAVE} with torch.save"
    if any(e.compress_type != zipfile.ZIP_STORED or e.file_size > LARGEST_ENTRY for e in entries):
        return "it holds compressed or oversized entries, which torch.save does not write"
    if sum(e.file_size for e in entries) > path.stat().st_size:
        return "its entries are larger than the file itself"
    return ""
