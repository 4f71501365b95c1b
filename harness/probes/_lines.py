"""Whether lines are what a model answers: one pass over question and line together, instead of a token at a time.

A model that answers greedily writes a line exactly if, at each of the line's characters, that character is the
likeliest after the question and the characters before it. One pass with the line as input tells that for all of its
characters at once, at a thirtieth of the price of writing it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

PAD, MASK = 0, 1

#: Tokens that an answer has at most, as in run.py.
LONGEST = 32

#: Likeliest characters, up to three at one place of a line, whose logits are no further apart than this part of the
#: distance between the largest logit and the mean count as tied: another processor, number format or batch may have
#: exchanged them.
TIE = 0.02

#: Rows for one pass: few enough that what a layer computes of them stays in a processor's cache.
BATCH = 8

#: (B, T) tokens and a place: (B, T - place, V) logits, from that place on.
Logits = Callable[[torch.Tensor, int], torch.Tensor]


@dataclass(frozen=True)
class Row:
    """A question and a line as tokens: question, MASK, line, and MASK where the line has room for it."""

    tokens: list[int]
    start: int  #: the place of the first MASK, from which on the model answers


def rows(questions: Sequence[str], lines: Sequence[str], vocabulary: Sequence[str]) -> list[Row | None]:
    """One for each question; None where no model with this vocabulary writes that line."""
    index = {character: place for place, character in enumerate(vocabulary)}
    return [_row(question, line, index) for question, line in zip(questions, lines, strict=True)]


def _row(question: str, line: str, index: dict[str, int]) -> Row | None:
    if len(line) > LONGEST or any(index.get(character, MASK) == MASK for character in line):
        return None
    tokens = [*(index[character] for character in question), MASK, *(index[character] for character in line)]
    return Row(tokens + [MASK] * (len(line) < LONGEST), len(question))


def given(logits: Logits, wanted: Sequence[Row | None], block_size: int) -> list[bool]:
    """For each row whether the model with these logits writes that line. Rows beyond its block are not written."""
    found = [False] * len(wanted)
    fitting = ((at, row) for at, row in enumerate(wanted) if row is not None and len(row.tokens) <= block_size + 1)
    for batch in batches(fitting):
        for (at, _), each in zip(batch, _written(logits, [row for _, row in batch]), strict=True):
            found[at] = each
    return found


def batches(numbered: Iterable[tuple[int, Row]]) -> Iterator[list[tuple[int, Row]]]:
    """Numbered rows in batches of similar length: what fills up the shorter ones is computed, too."""
    ordered = sorted(numbered, key=lambda each: len(each[1].tokens))
    for at in range(0, len(ordered), BATCH):
        yield ordered[at : at + BATCH]


@torch.no_grad()
def _written(logits: Logits, batch: list[Row]) -> list[bool]:
    x, judged = stacked(batch)
    begin = min(row.start for row in batch)
    found = logits(x[:, :-1], begin).float()  # (B, T, vocab_size)
    target, judged = x[:, begin + 1 :], judged[:, begin:]
    best, order = found.topk(min(4, found.shape[-1]), dim=-1)
    reach = TIE * (best[..., 0] - found.mean(dim=-1))
    near = best - best[..., :1] >= -reach[..., None]  # (B, T, 4): which of the four are as likely as the first
    first = (order[..., 0] == target) & (best[..., 0] > best[..., 1])
    tied = ~first & ((order == target[..., None]) & near).any(dim=-1) & ~near[..., -1]  # else the model knows nothing
    right = ((first | tied) | ~judged).all(dim=-1) & ((tied & judged).sum(dim=-1) <= 1)
    return [bool(each) for each in right]


def stacked(batch: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T + 1) tokens, padded, and (B, T) which of the places after the first are the model's own."""
    longest = max(len(row.tokens) for row in batch)
    x = torch.tensor([row.tokens + [PAD] * (longest - len(row.tokens)) for row in batch])
    place = torch.arange(longest - 1)
    starts = torch.tensor([[row.start] for row in batch])
    ends = torch.tensor([[len(row.tokens) - 1] for row in batch])
    return x, (place >= starts) & (place < ends)
