"""Span-corrupted sequences, taken apart again: the specification of part 1e as pure functions over integers.

x is all but the last, y all but the first of `prefix MASK suffix MASK masked [MASK] PAD...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from harness.problems.birthplaces.questions import MASK, PAD, expected_vocabulary

SHORTEST = 4

#: Stands for a token outside the vocabulary; no document holds it.
_OUTSIDE = "\U0010ffff"


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
    """A draw that does not decode: the reason as a sentence, one thing to look at, and the sequence as text."""

    index: int
    reason: str
    hint: str
    text: str


def decode_all(
    drawn: Mapping[str, Any], indices: Sequence[int], documents: Sequence[str], block_size: int, *, form: bool = True
) -> Iterator[Span | NotASpan]:
    """Decode what probe `corruption.draws` returned, one entry per draw, each checked against its document.

    Args:
        form: ask for the form of the two vectors as such, too: y moved on by one, and no more than the block size.
    """
    vocabulary = expected_vocabulary(documents)
    x, y = (_Drawn(drawn[name], drawn[f"{name}_lengths"], vocabulary, _OUTSIDE) for name in ("x", "y"))
    for at, index in zip(range(len(drawn["x_lengths"])), indices, strict=True):
        text = x.text(at) + y.text(at)[-1:]
        if _OUTSIDE in text:
            tokens = str([*x.tokens(at), *y.tokens(at)[-1:]])
            yield NotASpan(index, "a token lies outside the vocabulary", "look characters up in self.stoi", tokens)
            continue
        problem = _form(x, y, at, block_size) if form else None
        problem = problem or _pieces(text) or _content(text, documents[index], block_size)
        yield Span(index, *_split(text)) if problem is None else NotASpan(index, *problem, text)


def read_all(drawn: Mapping[str, Any], indices: Sequence[int], documents: Sequence[str]) -> Iterator[Span | NotASpan]:
    """The pieces of every draw, whatever else is wrong with it: for graded tests about how they are drawn.

    A draw is spelt by the dataset's own vocabulary and may be of any length; its pieces may stand in another order, be
    reversed or in lower case, and may come from anywhere in the document. Each of these has a graded test of its own.
    """
    vocabulary = drawn["vocabulary"] if all(len(each) == 1 for each in drawn["vocabulary"]) else []
    x, y = (_Drawn(drawn[name], drawn[f"{name}_lengths"], vocabulary, PAD) for name in ("x", "y"))
    for at, index in zip(range(len(drawn["x_lengths"])), indices, strict=True):
        yield _read(index, x.text(at) + y.text(at)[-1:], documents[index])


class _Drawn:
    """All x or all y, spelt at once: draw by draw, spelling would take most of a test's time."""

    def __init__(self, flat: np.ndarray, lengths: np.ndarray, vocabulary: Sequence[str], outside: str) -> None:
        flat = flat.astype(np.int64)
        known = (flat >= 0) & (flat < len(vocabulary))
        points = np.array([*map(ord, vocabulary), ord(outside)], dtype="<u4")
        text = points[np.where(known, flat, len(vocabulary))].tobytes()
        self._text, self._tokens = text.decode("utf-32-le", "surrogatepass"), flat.tobytes()
        self._ends = np.cumsum(lengths).tolist()
        self._begins = [0, *self._ends]

    def text(self, at: int) -> str:
        """Draw `at`, with `outside` for each token that is none of the vocabulary's."""
        return self._text[self._begins[at] : self._ends[at]]

    def as_bytes(self, at: int) -> bytes:
        """Its tokens, eight bytes each."""
        return self._tokens[8 * self._begins[at] : 8 * self._ends[at]]

    def tokens(self, at: int) -> list[int]:
        """Its tokens."""
        found: list[int] = np.frombuffer(self.as_bytes(at), dtype=np.int64).tolist()
        return found


def _read(index: int, text: str, document: str) -> Span | NotASpan:
    pieces = _loosely_split(text)
    for prefix, masked, suffix in _readings(*pieces) if pieces else ():
        if _is_part(prefix + masked + suffix, document):
            return Span(index, prefix, masked, suffix)
    problem = _pieces(text) or (
        "the pieces do not come from the document",
        "prefix + masked content + suffix is its beginning",
    )
    return NotASpan(index, *problem, text)


def _loosely_split(text: str) -> tuple[str, str, str] | None:
    """Prefix, masked content and suffix of a text with PADs anywhere, and any number of MASKs at its end."""
    content = text.replace(PAD, "")
    surplus = content.count(MASK) - 2
    ending = len(content) - len(content.rstrip(MASK))
    content = content[: len(content) - min(max(surplus, 0), ending)]
    if content.count(MASK) != 2:
        return None
    prefix, suffix, masked = content.split(MASK)
    return prefix, masked, suffix


def _readings(prefix: str, masked: str, suffix: str) -> Iterator[tuple[str, str, str]]:
    """The pieces as they should stand, and as common mistakes put them."""
    yield prefix, masked, suffix
    yield prefix, suffix, masked  # the suffix came behind the masked content
    if suffix.startswith(masked):
        yield prefix, masked, suffix[len(masked) :]  # the masked content was left in the text
    yield prefix, masked[::-1], suffix


def _is_part(pieces: str, document: str) -> bool:
    return pieces in document or pieces.lower() in document.lower()


def spell(tokens: np.ndarray, vocabulary: Sequence[str]) -> str:
    """Tokens as text for a person."""
    return legible("".join(vocabulary[int(t)] if 0 <= t < len(vocabulary) else "?" for t in tokens.tolist()))


def legible(text: str) -> str:
    """A decoded sequence for a person: a run of PADs at its end as their number."""
    content = text.rstrip(PAD)
    pads = len(text) - len(content)
    return f"{content}{PAD * min(pads, 3)}{f'... ({pads} PADs)' if pads > 3 else ''}"


def _form(x: _Drawn, y: _Drawn, at: int, block_size: int) -> tuple[str, str] | None:
    """What is wrong with the two vectors as such, and a hint."""
    given, wanted = x.as_bytes(at), y.as_bytes(at)
    if len(given) != len(wanted) or given[8:] != wanted[:-8]:
        return "y is not x moved on by one", "x is all tokens but the last, y all but the first"
    if len(given) > 8 * block_size:
        reason = f"x has {len(given) // 8} entries, more than the block size {block_size}"
        return reason, "the whole string is block_size characters long, before x and y are cut from it"
    return None


def _pieces(text: str) -> tuple[str, str] | None:
    """What is wrong with the order of MASKs and PADs, and a hint."""
    if PAD in text.rstrip(PAD):
        return "a PAD stands before the end", "fill up with PADs once everything else is in place"
    masks = text.count(MASK)
    if masks != 2 and not (masks == 3 and text.rstrip(PAD).endswith(MASK)):
        reason = f"MASKs are {masks}; prefix, suffix and masked content need 2, or 3 with one behind the masked content"
        return reason, "[prefix] MASK [suffix] MASK [masked_content] MASK [pads]"
    return None


def _content(text: str, document: str, block_size: int) -> tuple[str, str] | None:
    """What is wrong with the characters, and a hint."""
    prefix, masked, suffix = _split(text)
    truncated = prefix + masked + suffix
    if not document.startswith(truncated):
        return "prefix + masked content + suffix is not the beginning of the document", _why(
            document, prefix, masked, suffix
        )
    low, high = SHORTEST, longest(block_size)
    if not low <= len(truncated) <= high:
        reason = f"the truncated document has {len(truncated)} characters, outside {low}..{high}"
        return reason, f"keep {low} to int(block_size * 7 / 8) characters, never more than the document has" + (
            ", and lose none of them where the pieces are joined" if len(truncated) < low else ""
        )
    return None


def _why(document: str, prefix: str, masked: str, suffix: str) -> str:
    """The likeliest cause of pieces that do not make up the document's beginning."""
    if not masked and suffix:
        return "nothing stands behind the second MASK: is there one between the suffix and the masked content?"
    if document.startswith(prefix + suffix + masked):
        return "the suffix comes before the masked content: [prefix] MASK [suffix] MASK [masked_content]"
    if masked and document.startswith(prefix + suffix):
        return "the masked content is still in the text: take it out between prefix and suffix"
    if gap := _gap(document, prefix, masked, suffix):
        return gap
    if prefix + masked + suffix in document:
        return "a window out of the document's middle is a fine idea, but here only the document's end is cut off"
    return "cut the document's end off first, then take the masked content out of what is left"


#: So many characters at most are taken for an index that is off, and more for another idea.
_SLIP = 3


def _gap(document: str, prefix: str, masked: str, suffix: str) -> str | None:
    """A sentence where characters are lost or doubled between two pieces that are right otherwise."""
    if not (prefix and masked and suffix and document.startswith(prefix)):
        return None
    slips = sorted(range(-_SLIP, _SLIP + 1), key=abs)
    for first, second in sorted(product(slips, slips), key=lambda pair: abs(pair[0]) + abs(pair[1])):
        begin = len(prefix) + first
        end = begin + len(masked) + second
        if begin >= 0 and document.startswith(masked, begin) and end >= 0 and document.startswith(suffix, end):
            return _slip(second, "masked content", "suffix") if second else _slip(first, "prefix", "masked content")
    return None


def _slip(count: int, before: str, after: str) -> str:
    one = abs(count) == 1
    many = "a character" if one else f"{abs(count)} characters"
    lost = f"{many} between {before} and {after} {'is' if one else 'are'} lost"
    what = lost if count > 0 else f"{many} {'stands' if one else 'stand'} in {before} and {after} alike"
    return f"{what}: the {after} begins where the {before} ends, so both use the same index"


def most_telling(spans: Sequence[Span | NotASpan]) -> Sequence[Span | NotASpan]:
    """The same in an order in which the first that does not decode tells most of why: its pieces are no few letters."""

    def unclear(span: Span | NotASpan) -> bool:
        pieces = span.text.replace(PAD, "").strip(MASK).split(MASK) if isinstance(span, NotASpan) else ()
        return any(len(piece) <= _SLIP for piece in pieces)

    return sorted(spans, key=unclear)


def lost_at_the_end(spans: Sequence[Span | NotASpan], documents: Sequence[str], block_size: int) -> int:
    """How many characters at the end of the suffix every draw loses, as far as short documents tell; 0 where none.

    A document that is shorter than the longest truncation is kept whole now and then. Where it never is, and a fifth of
    its draws or more are short of it by the same few characters, these were lost.
    """
    short = [
        len(documents[each.index]) - len(each.truncated)
        for each in spans
        if isinstance(each, Span) and each.suffix and len(documents[each.index]) < longest(block_size)
    ]
    if not short or 0 in short:
        return 0
    return next((lost for lost in range(1, _SLIP + 1) if short.count(lost) >= len(short) / 5), 0)


def _split(text: str) -> tuple[str, str, str]:
    """Prefix, masked content and suffix of a text that `_pieces` finds nothing wrong with."""
    content = text.rstrip(PAD)
    if content.count(MASK) == 3:
        content = content.removesuffix(MASK)  # the closing MASK is optional
    prefix, suffix, masked = content.split(MASK)
    return prefix, masked, suffix
