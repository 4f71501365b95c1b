"""Randomness that only the holder of the key can repeat.

Promises: the same key and purpose give the same draws on every Python and machine; draws for one purpose say nothing
about the key or about another purpose; a change to one purpose moves no other. Uses keyed BLAKE2b in counter mode, not
`random`, whose state can be computed from what it has put out and whose algorithms may change between versions.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_WORD_BYTES = 8
_BLOCK_BYTES = 64


class KeyedStream:
    """An endless, repeatable sequence of draws for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        """Start the stream of `purpose` under `secret` (32 bytes, derived from a term's key)."""
        self._key = blake2b(purpose.encode(), key=secret, digest_size=32, person=b"holdout stream").digest()
        self._counter = 0
        self._words: list[int] = []

    def word(self) -> int:
        """A number below 2**64, each equally likely."""
        if not self._words:
            block = blake2b(self._counter.to_bytes(8, "little"), key=self._key, digest_size=_BLOCK_BYTES).digest()
            self._counter += 1
            starts = range(_BLOCK_BYTES - _WORD_BYTES, -1, -_WORD_BYTES)  # backwards, since pop() takes from the end
            self._words = [int.from_bytes(block[start : start + _WORD_BYTES], "little") for start in starts]
        return self._words.pop()

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1, each equally likely. `bound` is at least 1 and at most 2**64."""
        fair = (1 << 64) - (1 << 64) % bound  # words from here on would favour small remainders: draw again
        while (word := self.word()) >= fair:
            pass
        return word % bound

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, each equally likely."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[int]) -> T:
        """One of `items`, in proportion to whole-number `weights`."""
        left = self.below(sum(weights))
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        raise AssertionError("a draw below the sum of the weights falls on an item")

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put `items` in random order, in place (Fisher and Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
