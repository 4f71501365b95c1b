"""Texts as tokens and words, and runs of them looked up in other texts.

Promises: pure. A token is a name, a number or a single sign; a word is letters only, in lower case. Names are
anonymised by numbering them in the order in which a run mentions them, so a renamed copy reads the same.
"""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_COMMENT = re.compile(r"#[^\n]*")
_COMMENT_SIGN = re.compile(r"(?m)^([ \t]*)#+[|:]?")
_KEPT = frozenset(keyword.kwlist)

Shingle = tuple[str, ...]


class Tokens:
    """A text's tokens with their places."""

    def __init__(self, text: str, pattern: re.Pattern[str] = _TOKEN) -> None:
        self._text = text
        matches = list(pattern.finditer(text))
        self.values = [match[0] for match in matches]
        self._starts = [match.start() for match in matches]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    def line(self, index: int) -> int:
        """The line of token `index`, counted from 1."""
        return bisect_right(self._line_starts, self._starts[index])

    def runs(self, length: int) -> Iterator[Shingle]:
        """All runs of `length` tokens, from the first to the last."""
        values = self.values
        return (tuple(values[at : at + length]) for at in range(len(values) - length + 1))


def code_views(text: str) -> tuple[Tokens, Tokens]:
    """Code without its comments, and code with whole-line comments read as code: solutions get commented out."""
    return Tokens(_COMMENT.sub("", text)), Tokens(_COMMENT_SIGN.sub(r"\1", text))


def words(text: str) -> Tokens:
    """The words of a text, in lower case."""
    return Tokens(text.lower(), _WORD)


def anonymised(run: Shingle) -> Shingle:
    """The run with its names numbered by first mention; keywords, numbers and signs stay."""
    seen: dict[str, str] = {}
    return tuple(
        seen.setdefault(token, f"N{len(seen)}") if token[0].isidentifier() and token not in _KEPT else token
        for token in run
    )


def shape(run: Sequence[str]) -> str:
    """A run's signs and keywords with every name alike: quick to compare before the names are numbered."""
    return " ".join("N" if token[0].isidentifier() and token not in _KEPT else token for token in run)


@dataclass(frozen=True)
class Hit:
    """A run found in a text: it starts in `line` (from 1), is `length` tokens long and stands in source `owner`."""

    line: int
    length: int
    owner: str


def find_runs(
    tokens: Tokens, length: int, known: Mapping[Shingle, str], key: Callable[[Shingle], Shingle]
) -> list[Hit]:
    """Maximal runs of `tokens` whose every shingle is `known` for one owner."""
    hits: list[Hit] = []
    owner, start, last = "", 0, 0
    for at, run in enumerate(tokens.runs(length)):
        found = known.get(key(run))
        if found is not None and found == owner and at == last + 1:
            last = at
            continue
        if found is None:
            continue
        if owner:
            hits.append(Hit(tokens.line(start), last - start + length, owner))
        owner, start, last = found, at, at
    if owner:
        hits.append(Hit(tokens.line(start), last - start + length, owner))
    return hits
