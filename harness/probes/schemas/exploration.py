"""Replies of the probes in `exploration`: what the functions of attention_exploration.py answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.probes.schemas.forms import Array, Form, List, Span, Text

#: The largest honest answer is a matrix of a few hundred numbers.
_MOST_NUMBERS = 1 << 14


def numbers(calls: Sequence[tuple[str, dict[str, Any]]]) -> Form:
    """See `exploration.numbers`."""
    return List(Array("f", dimensions=Span(0, 4), elements=Span(0, _MOST_NUMBERS)), len(calls))


def texts(functions: Sequence[str]) -> Form:
    """See `exploration.texts`."""
    return List(Text(10_000), len(functions))
