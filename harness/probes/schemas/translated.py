"""Replies of the probes in `translated`: what the models in uploaded params files answer."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.forms import Flag, Form, List, Number, Record, Span, Text, Whole

_HEADS = Whole(0, 64)


def lines(
    name: str, words: int, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], limit: int
) -> Form:
    """See `translated.lines`."""
    given = List(Flag(), Span(0, len(answers)))
    return Record({"problem": Text(500), "given": given, "heads": _HEADS})


def perplexity(
    name: str,
    kind: str,
    words: Sequence[int],
    examples: Sequence[tuple[Sequence[int], Sequence[int]]],
    limit: float,
) -> Form:
    """See `translated.perplexity`."""
    return Record({"problem": Text(500), "perplexity": Number(0, finite=False), "heads": _HEADS})
