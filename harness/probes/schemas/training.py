"""Replies of the probes in `training`: models as they are built, and trainings as they are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.probes.schemas.corruption import CHARACTERS
from harness.probes.schemas.forms import Array, Either, Flag, Form, Number, Record, Span, Table, Text, Whole, maybe

#: Logits of a model as small as graded tests build them, also where a dimension is too many or too long.
LOGITS = Array("f", dimensions=Span(0, 5), elements=Span(0, 1 << 18))

_CLASS_NAME = Text(200)


def initialise(
    variant: str,
    sizes: Mapping[str, int],
    bottleneck: int | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    tokens: np.ndarray | None = None,
) -> Form:
    """See `training.initialise`."""
    count = Whole(most=10_000)
    return Record(
        {
            "is_gpt": Flag(),
            "parameters": Whole(),
            "logits": LOGITS,
            "blocks_of": Record({"down": count, "up": count, "plain": count}),
        }
    )


def prepared(
    stage: str,
    documents: list[str],
    sizes: Mapping[str, int],
    start: Mapping[str, np.ndarray],
    tokens: np.ndarray,
    names: str = "",
    weights: Mapping[str, np.ndarray] | None = None,
    rate: float | None = None,
) -> Form:
    """See `training.prepared`. A configuration may hold infinity: no limit on a gradient, say."""
    setting = Either((Flag(), Number(finite=False)))
    first = Array("biuf", dimensions=Span(0, 3), elements=Span(0, 8 * sizes["block_size"] + 4096), finite=True)
    dataset: dict[str, Form] = {"class": _CLASS_NAME, "length": Whole(), "x": first, "y": first, "itos": CHARACTERS}
    return Record(
        {
            "config": Table(setting, Span(0, 1000)),
            "model": maybe(like(start)),
            "logits": LOGITS,
            "dataset": Record(dataset),
            "documents": Whole(),
        }
    )


def like(weights: Mapping[str, Any]) -> Record:
    """Parameters of these names and shapes."""
    return Record({name: Array("f", np.shape(each)) for name, each in weights.items()})
