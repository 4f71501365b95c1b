"""Replies of the probes in `blocks`: shapes."""

from __future__ import annotations

from collections.abc import Mapping

from harness.probes.schemas.forms import Form, List, Record, Span, Whole

SHAPE = List(Whole(), Span(0, 8))


def shapes(sizes: Mapping[str, int], batch: int) -> Form:
    """See `blocks.shapes`."""
    return Record({"down": SHAPE, "up": SHAPE})
