"""Span-corrupted sequences, taken apart again: the specification of part e as pure functions over integers.

x is all but the last, y all but the first of `prefix MASK suffix MASK masked [MASK] PAD...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PAD, MASK = "\u25a1", "\u2047"
SHORTEST = 4


def longest(block_size: int) -> int:
    """Characters that a truncated document may have at most."""
    return block_size * 7 // 8


@dataclass(frozen=True)
class Span:
    """One decoded draw of document `index`."""

    index: int
    prefix: str
    masked: str
    suffix: str

    @property
    def truncated(self) -> str:
        """The document as it was before masking."""
        return self.prefix + self.masked + self.suffix

    @property
    def fraction(self) -> float:
        """Share of the truncated document that was masked."""
        return len(self.masked) / max(1, len(self.truncated))


@dataclass(frozen=True)
class NotASpan:
    """A draw that does not decode, with the reason as a sentence and the sequence as text."""

    index: int
    reason: str
    text: str


def cut(flat: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The flat array in pieces of these lengths."""
    return np.split(flat, np.cumsum(lengths)[:-1])


def decode_all(
    drawn: Mapping[str, Any], indices: Sequence[int], documents: Sequence[str], block_size: int
) -> Iterator[Span | NotASpan]:
    """Decode what probe `corruption.draws` returned, one entry per draw, each checked against its document."""
    vocabulary = expected_vocabulary(documents)
    pairs = zip(indices, cut(drawn["x"], drawn["x_lengths"]), cut(drawn["y"], drawn["y_lengths"]), strict=True)
    for index, x, y in pairs:
        yield decode(index, x, y, documents[index], vocabulary, block_size)


def expected_vocabulary(documents: Sequence[str]) -> list[str]:
    """PAD, MASK, then every character of the corpus (line ends included) in order."""
    return [PAD, MASK, *sorted(set("\n".join(documents)))]


def decode(
    index: int, x: np.ndarray, y: np.ndarray, document: str, vocabulary: Sequence[str], block_size: int
) -> Span | NotASpan:
    """Take one draw apart; NotASpan where it breaks the specification."""
    tokens = [*x.tolist(), *y[-1:].tolist()]
    if any(token < 0 or token >= len(vocabulary) for token in tokens):
        return NotASpan(index, "a token lies outside the vocabulary", str(tokens))
    text = "".join(vocabulary[token] for token in tokens)
    return _take_apart(index, x, y, text, document, block_size)


def _take_apart(index: int, x: np.ndarray, y: np.ndarray, text: str, document: str, block_size: int) -> Span | NotASpan:
    if len(x) != len(y) or not np.array_equal(x[1:], y[:-1]):
        return NotASpan(index, "y is not x moved on by one", text)
    if len(x) > block_size:
        return NotASpan(index, f"x has {len(x)} entries, more than the block size {block_size}", text)
    content = text.rstrip(PAD)
    if PAD in content:
        return NotASpan(index, "a PAD stands before the end", text)
    pieces = content.split(MASK)
    if len(pieces) == 4 and pieces[3] == "":
        pieces.pop()  # the closing MASK is optional
    if len(pieces) != 3:
        return NotASpan(
            index,
            f"there are {len(pieces) - 1} MASKs; prefix, suffix and masked content need 2, or 3 with a closing one",
            text,
        )
    prefix, suffix, masked = pieces
    span = Span(index, prefix, masked, suffix)
    if not document.startswith(span.truncated):
        return NotASpan(index, "prefix + masked content + suffix is not the beginning of the document", text)
    if not SHORTEST <= len(span.truncated) <= longest(block_size):
        reason = (
            f"the truncated document has {len(span.truncated)} characters, outside {SHORTEST}..{longest(block_size)}"
        )
        return NotASpan(index, reason, text)
    return span
