"""Replies of the probes in `sources`: uploaded code as Python compiles it."""

from __future__ import annotations

from harness.probes.schemas.forms import Array, Form, Span, Table

_MOST_MODULES = 1000
_MOST_BYTES = 1 << 22


def compiled() -> Form:
    """See `sources.compiled`."""
    return Table(Array("u", dimensions=Span(1, 1), elements=Span(1, _MOST_BYTES)), Span(0, _MOST_MODULES))
