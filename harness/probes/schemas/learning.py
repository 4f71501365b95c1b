"""Replies of the probes in `learning`: what a short training left, and the reference's recipes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.probes.schemas.corruption import CHARACTERS
from harness.probes.schemas.forms import Array, Flag, Form, List, Number, Record, Span, Table, Text, Whole, maybe

_MOST_NAMES = 4096


def trained(
    stage: str,
    documents: list[str],
    sizes: Mapping[str, int],
    start: Mapping[str, np.ndarray],
    epochs: int,
    rate: float,
    names: str = "",
    weights: Mapping[str, np.ndarray] | None = None,
) -> Form:
    """See `learning.trained`. A file may hold the tensors of another model, or lack some: the graded test says so."""
    largest = max(each.size for each in start.values())
    tensor = Array("f", dimensions=Span(0, 4), elements=Span(0, 16 * largest))
    return Record(
        {
            "vocabulary": CHARACTERS,
            "written": Flag(),
            "tensors": maybe(Table(tensor, Span(0, len(start)))),
            "missing": List(Text(1000), Span(0, _MOST_NAMES)),
        }
    )


def recipes(examples: int, block_size: int) -> Form:
    """See `learning.recipes`, which is asked of the reference alone."""
    recipe: dict[str, Form] = dict.fromkeys(("max_epochs", "batch_size", "warmup_tokens", "final_tokens"), Whole(1))
    stages: dict[str, Form] = dict.fromkeys(
        ("scratch", "finetune", "pretrain"), Record({**recipe, "learning_rate": Number(0, 1)})
    )
    return Table(Record(stages), Span(1, 100))
