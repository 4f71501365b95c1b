"""Replies of the probes in `provenance`: what uploaded models answer."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.forms import Form, List, Span, Table, Text

_LONGEST_ANSWER = 32  # tokens of one character each; a vocabulary may have longer ones


def answers(params: str, variant: str, vocabulary: Sequence[str], questions: Sequence[str], seconds: float) -> Form:
    """See `provenance.answers`: by the number of heads, the answers to the first questions."""
    return Table(List(Text(16 * _LONGEST_ANSWER), Span(0, len(questions))), Span(0, 8), Text(8))
