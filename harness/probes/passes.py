"""What goes through a CharCorruptionDataset as training does, and looks at what drawing leaves behind."""

from __future__ import annotations

import contextlib
import itertools
import random
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.probes.corruption import _dataset, _packed


def after_draws(submission: ModuleType, documents: list[str], block_size: int, seeds: list[int]) -> list[list[float]]:
    """For each seed: seed every global stream, draw document 0, return the next number of each stream.

    Code that re-seeds a stream makes its numbers equal whatever the seed was. Order: random, numpy, torch.
    """
    dataset = _dataset(submission, documents, block_size)
    rows = []
    for seed in seeds:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global stream is what is looked at
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would format a stack trace as well: 3 ms
        dataset[0]
        rows.append([random.random(), float(np.random.random()), float(torch.rand(1, dtype=torch.float64))])  # noqa: NPY002
    return rows


def batches(submission: ModuleType, documents: list[str], block_size: int, batch_size: int) -> dict[str, Any]:
    """Go once through the dataset with a DataLoader, as training does, and once with a plain loop.

    Returns:
        length: `len(dataset)`; examples: how many each batch has; lengths: the distinct lengths of all x and y;
        looped: how many examples a plain loop gave, cut off at twice the number of documents;
        vocabulary, x, y, x_lengths, y_lengths: the examples of the loop, at most one for each document, as
        `corruption.draws` returns them.
    """
    dataset = _dataset(submission, documents, block_size)
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True, collate_fn=list)
    drawn = list(loader)
    looped = _loop(dataset, 2 * len(documents))
    return {
        **_packed(dataset, looped[: len(documents)]),
        "length": len(dataset),
        "examples": [len(batch) for batch in drawn],
        "lengths": sorted({len(part) for batch in drawn for example in batch for part in example}),
        "looped": len(looped),
    }


def _loop(dataset: Any, most: int) -> list[Any]:
    """The examples that `for example in dataset` gives, at most `most`; any exception ends a loop as well."""
    found = []
    with contextlib.suppress(Exception):
        for example in itertools.islice(iter(dataset), most):
            found.append(example)  # noqa: PERF402 - what came before an exception counts
    return found
