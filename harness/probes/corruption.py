"""What runs beside a CharCorruptionDataset: draws examples from it and returns them as arrays."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import numpy as np
import torch


def draws(submission: ModuleType, documents: list[str], block_size: int, indices: list[int]) -> dict[str, Any]:
    """Draw `dataset[i]` for each i in `indices`, in order.

    Returns:
        vocabulary: the dataset's characters by index, as one list of strings.
        x, y: all drawn sequences, one after the other, each a flat int64 array.
        x_lengths, y_lengths: how to cut them, (len(indices),) each.
        types: the distinct (type, dtype, dimensions) seen among the items, as text.
        unchanged: whether the dataset's documents are the same afterwards.
    """
    dataset = _dataset(submission, documents, block_size)
    before = list(dataset.data)
    items = [dataset[index] for index in indices]
    x, y = _column(items, 0), _column(items, 1)
    return {
        "vocabulary": [str(dataset.itos[i]) for i in range(len(dataset.itos))],
        "x": np.concatenate(x),
        "y": np.concatenate(y),
        "x_lengths": np.array([len(row) for row in x]),
        "y_lengths": np.array([len(row) for row in y]),
        "types": sorted({_type(part) for item in items for part in item}),
        "unchanged": list(dataset.data) == before,
    }


def after_draws(submission: ModuleType, documents: list[str], block_size: int, seeds: list[int]) -> list[list[float]]:
    """For each seed: seed every global stream, draw one example, return the next number of each stream.

    Code that re-seeds a stream makes its numbers equal whatever the seed was. Order: random, numpy, torch.
    """
    dataset = _dataset(submission, documents, block_size)
    rows = []
    for seed in seeds:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global stream is what is looked at
        torch.manual_seed(seed)
        dataset[seed % len(documents)]
        rows.append([random.random(), float(np.random.random()), float(torch.rand(1, dtype=torch.float64))])  # noqa: NPY002
    return rows


def batches(submission: ModuleType, documents: list[str], block_size: int, batch_size: int) -> dict[str, Any]:
    """Go once through the dataset with a DataLoader, as training does.

    Returns:
        length: `len(dataset)`; sizes: (batches, 2, 2) shapes of x and y of each batch.
    """
    dataset = _dataset(submission, documents, block_size)
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True)
    sizes = [[list(x.shape), list(y.shape)] for x, y in loader]
    return {"length": len(dataset), "sizes": sizes}


def _dataset(submission: ModuleType, documents: list[str], block_size: int) -> Any:
    return submission.CharCorruptionDataset("\n".join(documents), block_size)


def _column(items: list[Any], place: int) -> list[np.ndarray]:
    return [np.asarray(torch.as_tensor(item[place]).reshape(-1), dtype=np.int64) for item in items]


def _type(part: object) -> str:
    if isinstance(part, torch.Tensor):
        return f"{part.dtype}, {part.dim()} dimension(s)"
    return type(part).__name__
