"""Texts as tokens and words, and runs of them looked up in other texts.

Promises: pure. A token is a name, a number or a single sign; a word is letters only, in lower case. Names are
anonymised by numbering them in the order in which a run mentions them, so a renamed copy reads the same.
"""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

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

    @cached_property
    def shape(self) -> list[str]:
        """The tokens with every name alike: quick to compare before names are numbered."""
        kinds = {token: "N" if _is_name(token) else token for token in set(self.values)}
        return [kinds[token] for token in self.values]

    def runs(self, length: int) -> Iterator[Shingle]:
        """All runs of `length` tokens, from the first to the last."""
        values = self.values
        return (tuple(values[at : at + length]) for at in range(len(values) - length + 1))


def code_views(text: str) -> tuple[Tokens, ...]:
    """Code without its comments, and code with whole-line comments read as code: solutions get commented out.

    One view where the text has no comments.
    """
    views = {_COMMENT.sub("", text): None, _COMMENT_SIGN.sub(r"\1", text): None}
    return tuple(Tokens(view) for view in views)


def words(text: str) -> Tokens:
    """The words of a text, in lower case."""
    return Tokens(text.lower(), _WORD)


def anonymised(run: Shingle) -> Shingle:
    """The run with its names numbered by first mention; keywords, numbers and signs stay."""
    seen: dict[str, str] = {}
    return tuple(seen.setdefault(token, f"N{len(seen)}") if _is_name(token) else token for token in run)


def _is_name(token: str) -> bool:
    return token[0].isidentifier() and token not in _KEPT


@dataclass(frozen=True)
class Hit:
    """A run found in a text: it starts in `line` (from 1), is `length` tokens long and stands in source `owner`."""

    line: int
    length: int
    owner: str


def same(run: Shingle) -> Shingle:
    """The key of exact runs: the run itself."""
    return run


@dataclass(frozen=True)
class Known:
    """Runs of one length that are looked for: `owners` tells by a run's `key` where it stands.

    `shapes`, where given, are the shapes of all of them: `key` is asked only where one fits.
    """

    length: int
    owners: Mapping[Shingle, str]
    key: Callable[[Shingle], Shingle] = same
    shapes: Collection[Shingle] | None = None

    @cached_property
    def _heads(self) -> frozenset[tuple[str, str]]:
        """The first two tokens of every run: most places in a text begin with no such pair."""
        return frozenset((run[0], run[1]) for run in (self.owners if self.shapes is None else self.shapes))

    def places(self, tokens: Tokens) -> Iterator[tuple[int, str]]:
        """Where in `tokens` a known run begins, and its owner."""
        seen = tokens.values if self.shapes is None else tokens.shape
        heads, length = self._heads, self.length
        for at, head in enumerate(pairwise(seen)):
            if head in heads and (self.shapes is None or tuple(seen[at : at + length]) in self.shapes):
                owner = self.owners.get(self.key(tuple(tokens.values[at : at + length])))
                if owner is not None:
                    yield at, owner

    def hits(self, tokens: Tokens) -> list[Hit]:
        """Maximal runs of `tokens` in which every shingle is known, for one owner."""
        hits = []
        matches = enumerate(self.places(tokens))
        for (owner, _), group in groupby(matches, lambda entry: (entry[1][1], entry[1][0] - entry[0])):
            places = [at for _, (at, _) in group]  # shingles that follow one another make one run
            hits.append(Hit(tokens.line(places[0]), places[-1] - places[0] + self.length, owner))
        return hits
