"""What runs beside a CharCorruptionDataset: draws examples from it and returns them as arrays."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes._returned import returned


def draws(submission: ModuleType, documents: list[str], block_size: int, indices: list[int]) -> dict[str, Any]:
    """Draw `dataset[i]` for each i in `indices`, in order.

    Returns:
        vocabulary: the dataset's characters by index, as one list of strings.
        x, y: all drawn sequences, one after the other, each a flat int64 array.
        x_lengths, y_lengths: how to cut them, (len(indices),) each.
        types: the distinct (type, dtype, dimensions) seen among the items, as text; of an item that is no pair, its own
            behind "no pair".
        unchanged: whether the dataset's documents are the same afterwards.
    """
    dataset = _dataset(submission, documents, block_size)
    before = list(dataset.data)
    draw = type(dataset).__getitem__
    items = [returned(dataset[index], "CharCorruptionDataset.__getitem__", draw) for index in indices]
    return {
        **_packed(dataset, items),
        "types": sorted({type_ for item in items for type_ in _types(item)}),
        "unchanged": list(dataset.data) == before,
    }


def _packed(dataset: Any, items: list[Any]) -> dict[str, Any]:
    """Drawn examples as a few arrays, and the vocabulary that spells them."""
    (x, x_lengths), (y, y_lengths) = _column(items, 0), _column(items, 1)
    vocabulary = [str(dataset.itos[i]) for i in range(len(dataset.itos))]
    return {"vocabulary": vocabulary, "x": x, "y": y, "x_lengths": x_lengths, "y_lengths": y_lengths}


def _dataset(submission: ModuleType, documents: list[str], block_size: int) -> Any:
    return submission.CharCorruptionDataset("\n".join(documents), block_size)


def _column(items: list[Any], place: int) -> tuple[np.ndarray, np.ndarray]:
    """All x (place 0) or all y (place 1), one after the other, and their lengths."""
    rows = [torch.as_tensor(item[place]).reshape(-1) for item in items]
    flat = torch.cat([torch.zeros(0, dtype=torch.int64), *rows])
    return np.asarray(flat, dtype=np.int64), np.array([len(row) for row in rows], dtype=np.int64)


def _types(item: Any) -> list[str]:
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        return [f"no pair: {_type(item)}"]
    return [_type(part) for part in item]


def _type(part: object) -> str:
    if isinstance(part, torch.Tensor):
        return f"{part.dtype}, {part.dim()} dimension(s)"
    return type(part).__name__
