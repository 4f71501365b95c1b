"""Replies of the probes in `uploaded`: what the numbers in params files answer, and how well they know a text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.forms import Flag, Form, List, Number, Record, Span, Text

_READING = Text(1000)


def answers(name: str, variant: str, vocabulary: Sequence[str], questions: Sequence[str], lines: Sequence[str]) -> Form:
    """See `uploaded.answers`."""
    given = List(Flag(), Span(0, len(lines)))
    return Record({"problem": Text(500), "given": given, "reading": _READING})


def loss(name: str, variant: str, vocabulary: Sequence[str], texts: Sequence[str], limit: float) -> Form:
    """See `uploaded.loss`."""
    return Record({"problem": Text(500), "loss": Number(finite=False), "reading": _READING})
