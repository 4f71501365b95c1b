"""Replies of the probes in `files`: what uploaded params files hold."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.forms import Flag, Form, List, Record, Span, Table, Text, Whole

_SHAPE = List(Whole(most=1 << 40), Span(0, 8))
_MOST_TENSORS = 4096


def state_dicts(names: Sequence[str]) -> Form:
    """See `files.state_dicts`."""
    shapes = Table(_SHAPE, Span(0, _MOST_TENSORS))
    each = Record({"problem": Text(500), "shapes": shapes, "finite": Flag(), "digest": Text(64)})
    return Record(dict.fromkeys(names, each))
