"""Which sentences tell the translation of another one: `il dort avec paul`, `he sleeps with paul` that of `il dort`.

A line with both sides of a pair in it gives the pair away, to whoever looks for it and to a release's leak check.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from harness.problems.translation.sentences import Pair

_WORD = re.compile(r"\w+")


class Told:
    """Pairs that students have, to be searched for others."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        """Search in `pairs`."""
        self._lines = [f"{_bare(pair.french)}\t{_bare(pair.english)}\n" for pair in pairs]
        self._text = "".join(self._lines)
        self._starts = list(accumulate((len(line) for line in self._lines), initial=0))

    def tells(self, pair: Pair) -> bool:
        """Whether any line has both sides of `pair` in it."""
        return next(self.telling(pair), None) is not None

    def telling(self, pair: Pair) -> Iterator[int]:
        """The places of the pairs that have both sides of `pair` in them."""
        french, english = _bare(pair.french), _bare(pair.english)
        found = self._text.find(french)
        while found >= 0:
            at = bisect_right(self._starts, found) - 1
            before, _, behind = self._lines[at].partition("\t")
            if french in before and english in behind:
                yield at
            found = self._text.find(french, self._starts[at + 1])


def _bare(sentence: str) -> str:
    """The words alone, each between spaces."""
    return f" {' '.join(_WORD.findall(sentence))} "
