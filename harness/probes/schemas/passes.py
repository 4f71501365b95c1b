"""Replies of the probes in `passes`: a pass through a dataset, and what drawing leaves of random streams."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.corruption import packed
from harness.probes.schemas.forms import Form, List, Number, Record, Row, Rule, Span, Whole


def after_draws(documents: Sequence[str], block_size: int, seeds: Sequence[int]) -> Form:
    """See `passes.after_draws`: one number from each of random, numpy and torch."""
    return List(Row((Number(0, 1),) * 3), len(seeds))


def batches(documents: Sequence[str], block_size: int, batch_size: int) -> Form:
    """See `passes.batches`."""
    count = len(documents)
    drawn = packed(documents, block_size, Span(0, count))
    whole = "x_lengths: one for each example of the loop, at most one for each document expected"
    return Record(
        {
            **drawn.fields,
            "length": Whole(),
            "examples": List(Whole(), Span(0, 4096)),
            "lengths": List(Whole(), Span(0, 4096)),
            "looped": Whole(most=2 * count),
        },
        (*drawn.rules, Rule(whole, lambda v: len(v["x_lengths"]) == min(v["looped"], count))),
    )
