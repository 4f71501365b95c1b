"""Hidden claims of part e: span corruption as a distribution, on unseen documents.

Each statistical claim states its false-positive rate and what it always catches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.feedback import Failure, expect
from harness.probes import corruption
from harness.spans import SHORTEST, NotASpan, Span, decode_all, longest
from harness.student import Student
from harness.tests_hidden.inputs import text

BLOCK = 96


def _spans(student: Student, documents: list[str], block_size: int, rounds: int, hint: str) -> list[Span]:
    """`rounds` decoded draws of every document; a Failure at the first that is no span."""
    indices = list(range(len(documents))) * rounds
    drawn = student.run(corruption.draws, documents=documents, block_size=block_size, indices=indices)
    return _decoded(drawn, indices, documents, block_size, hint)


def _decoded(drawn: dict[str, Any], indices: list[int], documents: list[str], block_size: int, hint: str) -> list[Span]:
    spans = []
    for span in decode_all(drawn, indices, documents, block_size):
        if isinstance(span, NotASpan):
            raise Failure("prefix MASK suffix MASK masked_content [MASK] PAD...", f"{span.reason}: {span.text!r}", hint)
        spans.append(span)
    return spans


@number("1e-2-hidden")
@weight(4)
def test_masked_content_is_a_quarter_on_average(student: Student, rng: np.random.Generator) -> None:
    """Over many draws, the masked content is one quarter of the truncated text on average, now shorter, now longer.

    False-positive rate below 1e-9 (Hoeffding, 8,000 draws, plus 0.02 for rounding); means of 1/8 or 1/3 and a fixed
    length are always caught.
    """
    documents = [text(rng, int(rng.integers(BLOCK, 3 * BLOCK))) for _ in range(40)]
    spans = _spans(student, documents, BLOCK, 200, hint="first pass the claims on the form of an example")
    fractions = np.array([span.fraction for span in spans])
    margin = math.sqrt(math.log(2 / 1e-9) / (2 * len(fractions))) + 0.02
    pooled = sum(len(span.masked) for span in spans) / sum(len(span.truncated) for span in spans)
    hint = "the mean of the masked length is a quarter of the truncated length; it varies from draw to draw"
    expect(
        min(abs(fractions.mean() - 0.25), abs(pooled - 0.25)) <= margin,
        f"a mean of 0.25 within {margin:.3f}",
        f"{fractions.mean():.3f}",
        hint=hint,
    )
    sides = (float((fractions < 0.25).mean()), float((fractions > 0.25).mean()))
    expect(
        min(sides) >= 0.05,
        "draws on both sides of a quarter",
        f"shares {sides[0]:.3f} below, {sides[1]:.3f} above",
        hint=hint,
    )


@number("1e-3-hidden")
@weight(3)
def test_documents_are_truncated_at_random(student: Student, rng: np.random.Generator) -> None:
    """Documents are truncated to random lengths that run from 4 characters to seven eighths of the block.

    Longest lengths of three quarters are accepted as well. A uniform draw misses a given length with probability below
    1e-20 here.
    """
    documents = [text(rng, 2 * BLOCK) for _ in range(20)]
    spans = _spans(student, documents, BLOCK, 250, hint="truncate to 4..int(block_size * 7 / 8) characters, never more")
    lengths = {len(span.truncated) for span in spans}
    least = BLOCK * 3 // 4
    hint = "draw the length anew each time, from 4 up to int(block_size * 7 / 8)"
    expect(min(lengths) <= SHORTEST + 2, "lengths down to 4", f"{min(lengths)} at least", hint=hint)
    expect(max(lengths) >= least - 1, f"lengths up to {longest(BLOCK)}", f"{max(lengths)} at most", hint=hint)
    expect(len(lengths) >= (least - SHORTEST) / 2, "many different lengths", f"{len(lengths)}", hint=hint)


@number("1e-4-hidden")
@weight(3)
def test_unseen_documents_decode(student: Student, rng: np.random.Generator) -> None:
    """Short, long and non-English documents, at several block sizes, come out in the form that was asked for."""
    for block_size in (int(rng.integers(32, 64)), 128, int(rng.integers(150, 260))):
        lengths = [5, 8, 13, block_size // 2, block_size - 1, block_size, 3 * block_size]
        documents = [text(rng, length) for length in lengths]
        spans = _spans(student, documents, block_size, 60, hint="never ask for more characters than the document has")
        reached = max(len(span.truncated) for span in spans if span.index == len(lengths) - 1)
        expect(
            reached > block_size // 2,
            "long documents kept beyond half a block now and then",
            f"{reached} at most",
            hint="see part e, step 1",
        )


@number("1e-5-hidden")
@weight(3)
def test_draws_vary(student: Student, rng: np.random.Generator) -> None:
    """Drawing one document again gives another example: length, place and width of the masked content all vary."""
    document = text(rng, 2 * BLOCK)
    spans = _spans(student, [document], BLOCK, 400, hint="first pass the claims on the form of an example")
    hint = "draw the truncation, and the begin and the width of the masked content, at random each time"
    seen = {
        "truncations": len({len(span.truncated) for span in spans}),
        "begins": len({len(span.prefix) for span in spans}),
        "widths": len({len(span.masked) for span in spans}),
        "suffix lengths": len({len(span.suffix) for span in spans}),
    }
    for what, count in seen.items():
        expect(count >= 8, f"many different {what} in 400 draws", count, hint=hint)
    middle = sum(bool(span.prefix) and bool(span.suffix) for span in spans)
    expect(middle >= 20, "masked content with text on both sides in most draws", f"{middle} of {len(spans)}", hint=hint)


@number("1e-6-hidden")
@weight(1)
def test_drawing_changes_nothing_else(student: Student, rng: np.random.Generator) -> None:
    """Drawing an example neither seeds a global random stream nor changes the documents."""
    documents = [text(rng, BLOCK) for _ in range(5)]
    seeds = [int(seed) for seed in rng.integers(1, 2**31, 6)]
    rows = student.run(corruption.after_draws, documents=documents, block_size=BLOCK, seeds=seeds)
    for place, stream in enumerate(("random", "numpy", "torch")):
        expect(
            len({row[place] for row in rows}) == len(rows),
            f"{stream} unseeded by a draw",
            "seeded",
            hint="set no seed in the dataset",
        )
    drawn = student.run(corruption.draws, documents=documents, block_size=BLOCK, indices=[0, 1, 2, 3, 4] * 4)
    expect(drawn["unchanged"] is True, "the same documents afterwards", "others", hint="do not assign to self.data")


@number("1e-7-hidden")
@weight(1)
def test_dataset_ends(student: Student, rng: np.random.Generator) -> None:
    """A DataLoader goes through the dataset once, in batches of equal lengths, and ends."""
    documents = [text(rng, int(rng.integers(10, 2 * BLOCK))) for _ in range(37)]
    seen = student.run(corruption.batches, documents=documents, block_size=BLOCK, batch_size=8)
    counts = [x[0] for x, _ in seen["sizes"]]
    expect(
        seen["length"] == 37 and counts == [8, 8, 8, 8, 5],
        "37 examples in 5 batches",
        f"{seen['length']} in {counts}",
        hint="len() is the number of documents",
    )
    expect(
        all(x == y for x, y in seen["sizes"]),
        "x and y of one shape",
        "others",
        hint="pad every example to the block size",
    )
