"""Replies of the probes in `corruption`: drawn examples, flat."""

from __future__ import annotations

from collections.abc import Sequence

from harness.probes.schemas.forms import Array, Flag, Form, List, Record, Rule, Size, Span, Text

#: A corpus of this assignment has a hundred different characters.
CHARACTERS = List(Text(16), Span(0, 4096))


def draws(documents: Sequence[str], block_size: int, indices: Sequence[int]) -> Form:
    """See `corruption.draws`."""
    fields = packed(documents, block_size, len(indices))
    return Record(
        {**fields.fields, "types": List(Text(200), Span(0, 64)), "unchanged": Flag()},
        fields.rules,
    )


def packed(documents: Sequence[str], block_size: int, draws: Size) -> Record:
    """Drawn examples as `corruption._packed` gives them: the lengths cut the flat arrays into that many pieces."""
    longest = 2 * (max(map(len, documents), default=0) + block_size) + 64
    most = draws.most if isinstance(draws, Span) else draws
    tokens = Array("i", (Span(0, most * longest),))
    lengths = Array("i", (draws,), least=0, most=longest)
    return Record(
        {"vocabulary": CHARACTERS, "x": tokens, "y": tokens, "x_lengths": lengths, "y_lengths": lengths},
        (
            Rule("x: as many tokens as x_lengths add up to expected", lambda v: len(v["x"]) == v["x_lengths"].sum()),
            Rule("y: as many tokens as y_lengths add up to expected", lambda v: len(v["y"]) == v["y_lengths"].sum()),
            Rule("as many x as y expected", lambda v: len(v["x_lengths"]) == len(v["y_lengths"])),
        ),
    )
