"""Basic graded tests of part 1e: what a span-corrupted example looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import corruption
from harness.problems.birthplaces.checks import NEXT_LINE, expect_pairs, expect_span, expect_vocabulary
from harness.problems.birthplaces.samples import DOCUMENTS
from harness.problems.birthplaces.spans import NotASpan, decode_all, lost_at_the_end, most_telling, spell

BLOCK = 64
INDICES = [i % len(DOCUMENTS) for i in range(20 * len(DOCUMENTS))]

LOST = "the suffix lacks its end in every draw ({} of its characters): does it end with [:-1], or too early?"

#: A fault of one draw in a thousand shows 99 times of 100.
MANY = [i % len(DOCUMENTS) for i in range(500 * len(DOCUMENTS))]


@number("1e-0-basic")
@weight(2)
def test_examples_are_pairs_of_long_vectors(student: Student) -> None:
    """Each example is x and y: two int64 vectors of one length, block_size - 1, with y moved on by one."""
    drawn = student.run(corruption.draws, documents=DOCUMENTS, block_size=BLOCK, indices=INDICES)
    expect_pairs(drawn)
    expect(
        drawn["types"] == ["torch.int64, 1 dimension(s)"],
        "tensors of dtype torch.long with one dimension",
        "; ".join(drawn["types"]),
        hint="torch.tensor(list_of_indices, dtype=torch.long)",
    )
    lengths = sorted({*drawn["x_lengths"].tolist(), *drawn["y_lengths"].tolist()})
    expect(
        lengths in ([BLOCK - 1], [BLOCK]),
        f"x and y of length {BLOCK - 1} each time (block_size {BLOCK})",
        f"lengths from {lengths[0]} to {lengths[-1]}",
        hint="fill up with PADs to block_size characters; x is all of them but the last, y all but the first",
    )
    x, y = drawn["x"].reshape(-1, lengths[0]), drawn["y"].reshape(-1, lengths[0])
    wrong = np.flatnonzero((x[:, 1:] != y[:, :-1]).any(axis=1))
    expect(
        len(wrong) == 0,
        "y is x moved on by one: y[i] == x[i + 1]",
        NEXT_LINE.join(f"{name} = {spell(row[wrong[0]], drawn['vocabulary'])}" for name, row in (("x", x), ("y", y)))
        if len(wrong)
        else "",
        hint="x = tokens[:-1], y = tokens[1:]",
    )


@number("1e-1-basic")
@weight(3)
def test_examples_decode_to_their_documents(student: Student) -> None:
    """Each example reads prefix, MASK, suffix, MASK, masked content: together the beginning of its document."""
    drawn = student.run(corruption.draws, documents=DOCUMENTS, block_size=BLOCK, indices=MANY)
    expect_pairs(drawn)
    expect_vocabulary(drawn, DOCUMENTS)
    spans = list(decode_all(drawn, MANY, DOCUMENTS, BLOCK, form=False))
    lost = lost_at_the_end(spans, DOCUMENTS, BLOCK)
    for span in most_telling(spans):
        told = replace(span, hint=LOST.format(lost)) if lost and isinstance(span, NotASpan) else span
        expect_span(told, DOCUMENTS, BLOCK)
