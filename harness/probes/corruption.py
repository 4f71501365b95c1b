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
        "types": _types(items),
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
    parts = [item[place] for item in items]
    try:
        together = torch.stack(parts).reshape(len(parts), -1)
    except (TypeError, RuntimeError):  # no tensors, or of different shapes: one by one
        rows = [torch.as_tensor(part).reshape(-1) for part in parts]
        flat = torch.cat([torch.zeros(0, dtype=torch.int64), *rows])
        return np.asarray(flat, dtype=np.int64), np.array([len(row) for row in rows], dtype=np.int64)
    return np.asarray(together.reshape(-1), dtype=np.int64), np.full(len(parts), together.shape[1], dtype=np.int64)


def _types(items: list[Any]) -> list[str]:
    kinds = set(map(_kind, items))
    return sorted({("no pair: " if len(kind) == 1 else "") + _type(part) for kind in kinds for part in kind})


def _kind(item: Any) -> tuple[object, ...]:
    """What kind of thing each of a pair is, or the item itself where it is no pair."""
    return tuple(map(_kind_of_one, item if isinstance(item, (tuple, list)) and len(item) == 2 else (item,)))


def _kind_of_one(part: object) -> object:
    return (part.dtype, part.dim()) if isinstance(part, torch.Tensor) else type(part).__name__


def _type(kind: object) -> str:
    return f"{kind[0]}, {kind[1]} dimension(s)" if isinstance(kind, tuple) else str(kind)
