"""Replies of the probes in `blocks`: shapes, lengths, and what is left of an output where layers give nothing."""

from __future__ import annotations

from collections.abc import Mapping

from harness.probes.schemas.forms import Either, Flag, Form, List, Number, Record, Row, Span, Whole

SHAPE = List(Whole(), Span(0, 8))

#: Tensors of one size, or calls of attention, in one block. Right ones have one.
_MOST = Span(0, 8)


def basis(sizes: Mapping[str, int]) -> Form:
    """See `blocks.basis`."""
    return List(Record({"shape": SHAPE, "parameter": Flag(), "zero": Flag()}), _MOST)


def asked(sizes: Mapping[str, int], batch: int) -> Form:
    """See `blocks.asked`."""
    calls = List(Row((Whole(), Whole())), _MOST)
    return Record({"down": calls, "up": calls})


def shapes(sizes: Mapping[str, int], batch: int) -> Form:
    """See `blocks.shapes`."""
    return Record({"down": SHAPE, "up": SHAPE})


def frame(sizes: Mapping[str, int], batch: int) -> Form:
    """See `blocks.frame`."""
    found = Record({name: Number(least=0, finite=False) for name in ("around_mlp", "around_attention", "mlp")})
    each = Either((Record({}), found))
    return Record({"down": each, "up": each})
