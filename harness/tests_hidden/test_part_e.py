"""Hidden graded tests of part 1e: span corruption as a distribution, on unseen documents.

A statistical graded test takes its false-positive rate from `budget`, and states it and its power; `tests/judging`
measures both. What the specification leaves open stays open: no graded test asks for a uniform distribution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Sequence

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import Failure, expect
from harness.grading.student import Student
from harness.probes import corruption, passes
from harness.problems.birthplaces.checks import expect_span, expect_vocabulary
from harness.problems.birthplaces.spans import SHORTEST, NotASpan, Span, decode_all, longest, read_all
from harness.tests_hidden.budget import bernstein, draws_to_meet, hoeffding, share
from harness.tests_hidden.inputs import text

BLOCK = 96

#: Right work rounds to whole characters and keeps its draws in range: true means from 0.21 to 0.29 count as a quarter.
ROUNDING = 0.04


#: Share of draws that may not be examples at all where a graded test is about how they are drawn: 1e-1 and 1e-4 ask
#: for every one of them.
UNREADABLE = 0.05

#: Characters of a truncated text from which on rounding to whole characters hardly matters.
ROOMY = 24

#: A larger block than the handout's for short documents, so that an eighth of it is roomy.
LARGE = 256


#: What a first look may spend: with a chance of 1 the bounds of `budget` allow next to nothing.
NOTHING = 1.0


def _look_twice(
    student: Student,
    documents: list[str],
    block_size: int,
    draws: tuple[int, int],
    chance: float,
    judge: Callable[[list[Span], float], None],
) -> None:
    """Let `judge` look at a few draws first, with next to no allowance for chance; at many others where that fails.

    What passes with the few is clear, so most work is judged by them. Only the second look fails anybody, so the
    false-positive rate is that of the many. Nor does the first one cost power: with a quarter of the draws, and there
    are no fewer, a mean strays twice as far, which is by the allowance that it does without. Each look is at one
    dataset. Draws that cannot be had at all are no look, and are not tried again.

    Args:
        draws: how many for the first look, and for the second; shared out evenly over the documents.
        chance: what the second look may spend.
        judge: raises Failure; gets the draws that can be read, and the chance that it may spend.
    """
    few, many = draws
    first = _draw(student, documents, block_size, few)
    try:
        judge(_readable(first, UNREADABLE), NOTHING)
    except Failure:
        judge(_readable(_draw(student, documents, block_size, many), UNREADABLE), chance)


def _draw(student: Student, documents: list[str], block_size: int, draws: int) -> list[Span | NotASpan]:
    """The pieces of `draws` draws, shared out evenly over the documents."""
    indices = [place % len(documents) for place in range(draws)]
    drawn = student.run(corruption.draws, documents=documents, block_size=block_size, indices=indices)
    return list(read_all(drawn, indices, documents))


def _readable(read: Sequence[Span | NotASpan], most: float) -> list[Span]:
    """The draws that can be read; a Failure at the first that cannot where more than a share of `most` cannot."""
    bad = [each for each in read if isinstance(each, NotASpan)]
    if len(bad) > most * len(read):
        raise Failure(
            expected="examples of the documents",
            seen="something else",
            hint=f"this graded test waits until examples have the form that 1e-1-basic asks for: {bad[0].hint}",
        )
    return [each for each in read if isinstance(each, Span)]


@number("1e-2-hidden")
@weight(4)
def test_masked_content_is_a_quarter_on_average(student: Student, rng: np.random.Generator) -> None:
    """Over many draws, the masked content is one quarter of the truncated text on average, now shorter, now longer.

    So it is with documents that are shorter than the block. False-positive rate 3e-7: 1e-7 for the mean of long
    documents and 1e-7 for that of short ones (empirical Bernstein) while the true means lie in 0.21..0.29, 5e-8 for the
    two sides (Hoeffding) while each has a true share of at least 0.1, and 5e-8 for the share of short documents of
    which nothing is masked (Hoeffding) while it is 0.2 at most. Power above 99.9% against means of 1/8 and 1/3, however
    rounded, and against a width or a place that is drawn from the length that was asked for.
    """
    chance = share("1e-2-hidden", 6)
    documents = [text(rng, int(rng.integers(128, 3 * 128))) for _ in range(40)]
    _look_twice(student, documents, 128, (2000, 8000), chance, _expect_a_quarter_now_less_now_more)
    documents = [text(rng, LARGE // part) for part in (8, 6, 5, 4, 3, 2)]
    short = {index for index, document in enumerate(documents) if len(document) <= LARGE // 4}

    def judge(spans: list[Span], chance: float) -> None:
        _expect_a_quarter_of_short_documents(spans, short, chance)

    _look_twice(student, documents, LARGE, (600, 2400), chance, judge)


def _expect_a_quarter_now_less_now_more(spans: Sequence[Span], chance: float) -> None:
    """A Failure unless a quarter of the truncated text is masked on average, with draws on both sides."""
    masked, kept = _widths(spans)
    _expect_a_quarter(masked, kept, 2 * chance, "the truncated text")
    least = 0.1 - hoeffding(len(spans), chance / 2)
    sides = (float((4 * masked < kept).mean()), float((4 * masked > kept).mean()))
    expect(
        min(sides) >= least,
        f"draws on both sides of a quarter, each in a share of {least:.3f}",
        f"shares {sides[0]:.3f} below, {sides[1]:.3f} above",
        hint="the masked length must vary from draw to draw: now below a quarter of the truncated text, now above",
    )


def _expect_a_quarter_of_short_documents(spans: Sequence[Span], short: Container[int], chance: float) -> None:
    """A Failure unless the quarter is one of what a document has: lengths from an eighth of the block to half of it.

    Args:
        short: the documents of a quarter of the block or less, of which often nothing is masked where it is not.
    """
    spans = [each for each in spans if len(each.truncated) >= ROOMY]
    what = "what is kept of a document that is shorter than the block"
    _expect_a_quarter(*_widths(spans), 2 * chance, what)
    shorter = [each for each in spans if each.index in short]
    most = 0.2 + hoeffding(len(shorter), chance)
    empty = float(np.mean([not each.masked for each in shorter])) if shorter else 0.0
    expect(
        empty <= most,
        f"nothing masked of short documents in a share of {most:.3f} at most",
        f"{empty:.3f}",
        hint="of documents that are shorter than the block, often nothing is masked: draw the width and the place from "
        "the length of what is kept, not from the length that was asked for",
    )


def _widths(spans: Sequence[Span]) -> tuple[np.ndarray, np.ndarray]:
    """Characters that are masked, and that are kept, of each span."""
    return np.array([len(span.masked) for span in spans]), np.array([len(span.truncated) for span in spans])


def _expect_a_quarter(masked: np.ndarray, kept: np.ndarray, chance: float, what: str) -> None:
    """A Failure unless a quarter of the kept characters is masked on average."""
    expect(len(kept) > 0, f"draws of {ROOMY} characters and more", "none", hint="keep more of longer documents")
    mean = float((masked / kept).mean())
    expect(
        _near_a_quarter(masked, kept, chance),
        f"a mean of 0.25 within {ROUNDING + bernstein(masked / kept, chance):.3f} of {what}",
        f"{mean:.3f}",
        hint=f"on average, a quarter of {what} is masked: yours is {'shorter' if mean < 0.25 else 'longer'}",
    )


def _near_a_quarter(masked: np.ndarray, kept: np.ndarray, chance: float) -> bool:
    """Whether the mean share of the masked content, or else its share of all kept characters, is about a quarter."""
    shares = masked / kept
    excess = (masked - kept / 4) / kept.max()  # of mean 0 where a quarter of all kept characters is masked
    by_draw = abs(float(shares.mean()) - 0.25) <= ROUNDING + bernstein(shares, chance)
    allowed = ROUNDING * float(kept.mean() / kept.max()) + bernstein(excess, chance)
    return by_draw or abs(float(excess.mean())) <= allowed


@number("1e-3-hidden")
@weight(3)
def test_documents_are_truncated_at_random(student: Student, rng: np.random.Generator) -> None:
    """Documents are truncated to random lengths that run from 4 characters to seven eighths of the block.

    Three quarters are accepted as longest length, too. False-positive rate 1e-7 while the five shortest lengths, the
    five longest (of three quarters) and each half of those in between come with a probability of at least 1/150: a
    uniform draw has six times that. A shortest length above 8 or a longest below 5/8 of the block always fails.
    """
    draws = draws_to_meet(1 / 150, share("1e-3-hidden", 3))
    documents = [text(rng, 2 * BLOCK) for _ in range(20)]
    _look_twice(student, documents, BLOCK, (draws // 4, draws), NOTHING, _expect_many_lengths)


def _expect_many_lengths(spans: Sequence[Span], _: float) -> None:
    """A Failure unless truncated lengths come from all of what is allowed; more draws can only help."""
    lengths = {len(span.truncated) for span in spans}
    least = BLOCK * 3 // 4
    hint = f"draw the length anew each time, from {SHORTEST} up to int(block_size * 7 / 8)"
    expect(min(lengths) <= SHORTEST + 4, f"lengths down to {SHORTEST}", f"{min(lengths)} at least", hint=hint)
    expect(max(lengths) >= least - 4, f"lengths up to {longest(BLOCK)}", f"{max(lengths)} at most", hint=hint)
    expect(len(lengths) >= (least - SHORTEST) / 2, "many different lengths", f"{len(lengths)}", hint=hint)


@number("1e-4-hidden")
@weight(3)
def test_unseen_documents_decode(student: Student, rng: np.random.Generator) -> None:
    """Short, long and non-English documents, at several block sizes, come out in the form that was asked for.

    Each of 6,300 draws is looked at: a fault of one in a thousand shows. Exact but for one comparison at each of three
    block sizes: a false-positive rate of 1e-7 while lengths beyond half the block have a probability of at least 1/4 (a
    uniform draw: 1/3).
    """
    for block_size in (int(rng.integers(32, 64)), 128, int(rng.integers(150, 260))):
        lengths = [5, 8, 13, block_size // 2, block_size - 1, block_size, 3 * block_size]
        documents = [text(rng, length, rare=True) for length in lengths]
        draws = len(lengths) * max(draws_to_meet(1 / 4, share("1e-4-hidden", 3)), 300)
        spans = _decoded(student, documents, block_size, draws)
        reached = max(len(span.truncated) for span in spans if span.index == len(lengths) - 1)
        expect(
            reached > block_size // 2,
            "long documents kept beyond half a block now and then",
            f"{reached} at most",
            hint="draw the length up to int(self.block_size * 7 / 8), whatever the block size is",
        )


def _decoded(student: Student, documents: list[str], block_size: int, draws: int) -> list[Span]:
    """`draws` decoded draws, shared out evenly over the documents; a Failure at the first that is no span."""
    indices = [place % len(documents) for place in range(draws)]
    drawn = student.run(corruption.draws, documents=documents, block_size=block_size, indices=indices)
    expect_vocabulary(drawn, documents)
    return [expect_span(each, documents, block_size) for each in decode_all(drawn, indices, documents, block_size)]


@number("1e-5-hidden")
@weight(3)
def test_draws_vary(student: Student, rng: np.random.Generator) -> None:
    """Drawing one document again gives another example: length, place and width of the masked content all vary.

    Compared in pairs of draws: of any two, in the truncated length; of two of one length, in the width; of two of one
    length and one width, in the place; width and place of a short document as well. False-positive rate 3e-7, a
    seventh of it each (Hoeffding), while half of all pairs differ, a fifth of the draws has text on both sides, and two
    fifths at most of those of a short document mask its end. What one of the three decides by itself is always caught.
    """
    chance = share("1e-5-hidden", 7)
    _look_twice(student, [text(rng, 2 * BLOCK)], BLOCK, (1000, 2000), chance, _expect_all_vary)
    _look_twice(student, [text(rng, LARGE // 8)], LARGE, (1000, 2000), chance, _expect_short_documents_vary)


def _expect_all_vary(spans: Sequence[Span], chance: float) -> None:
    """A Failure unless length, width and place vary."""
    roomy = _roomy(spans)
    _expect_variety("the length of the truncation", roomy, lambda _: 0, lambda span: len(span.truncated), chance)
    for what, kind, one in _DRAWN_FROM_THE_LENGTH:
        _expect_variety(what, roomy, kind, one, chance)
    least = 0.2 - hoeffding(len(spans), chance)
    middle = float(np.mean([bool(span.prefix) and bool(span.suffix) for span in spans]))
    expect(
        middle >= least,
        f"text on both sides of the masked content in a share of {least:.3f}",
        f"{middle:.3f}",
        hint="draw where the masked content begins at random each time",
    )


#: What is drawn anew for draws of one kind: its name, the kind, and its value.
_DRAWN_FROM_THE_LENGTH: Sequence[tuple[str, Callable[[Span], Hashable], Callable[[Span], int]]] = (
    ("the width of the masked content", lambda span: len(span.truncated), lambda span: len(span.masked)),
    ("where it begins", lambda span: (len(span.truncated), len(span.masked)), lambda span: len(span.prefix)),
)


def _roomy(spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if len(span.truncated) >= ROOMY and len(span.prefix + span.suffix) >= 4]


def _expect_short_documents_vary(spans: Sequence[Span], chance: float) -> None:
    """A Failure unless width and place vary within what a document of an eighth of the block has."""
    spans = [each for each in spans if len(each.truncated) >= ROOMY]
    for what, kind, one in _DRAWN_FROM_THE_LENGTH:
        _expect_variety(f"{what} of a short document", _roomy(spans), kind, one, chance)
    most = 0.4 + hoeffding(len(spans), chance)
    ends = float(np.mean([not span.suffix for span in spans])) if spans else 0.0
    expect(
        ends <= most,
        f"the end of a short document masked in a share of {most:.3f} at most",
        f"{ends:.3f}",
        hint="of documents that are shorter than the block, mostly the end is masked: draw where the masked content "
        "begins from the length of what is kept, not from the length that was asked for",
    )


def _expect_variety(
    what: str, spans: Iterable[Span], kind: Callable[[Span], Hashable], one: Callable[[Span], int], chance: float
) -> None:
    """A Failure when pairs of spans of the same kind are mostly alike: right work differs in half of them or more."""
    kinds: defaultdict[Hashable, list[int]] = defaultdict(list)
    for span in spans:
        kinds[kind(span)].append(one(span))
    pairs = [pair for values in kinds.values() for pair in zip(values[::2], values[1::2], strict=False)]
    different = sum(first != second for first, second in pairs)
    expect(
        different > 0 and different >= (0.5 - hoeffding(len(pairs), chance)) * len(pairs),
        f"{what} differs in most pairs of draws",
        f"in {different} of {len(pairs)}",
        hint=f"draw {what} at random each time",
    )


@number("1e-6-hidden")
@weight(1)
def test_drawing_changes_nothing_else(student: Student, rng: np.random.Generator) -> None:
    """Drawing an example neither seeds a global random stream nor changes the documents."""
    documents = [text(rng, BLOCK) for _ in range(5)]
    indices = [0, 1, 2, 3, 4] * 4
    drawn = student.run(corruption.draws, documents=documents, block_size=BLOCK, indices=indices)
    first = int(rng.integers(1, 2**30))
    rows = student.run(
        passes.after_draws, documents=documents, block_size=BLOCK, seeds=[first + step for step in range(6)]
    )
    for place, stream in enumerate(("random", "numpy", "torch")):
        expect(
            len({row[place] for row in rows}) == len(rows),
            f"{stream} unseeded by a draw",
            "seeded",
            hint=f"set no seed in the dataset: after a draw, {stream} gave the same numbers whatever its seed was",
        )
    expect(
        drawn["unchanged"] is True,
        "the same documents afterwards",
        "others",
        hint="self.data is no longer the same after some draws: work on a copy",
    )
    _readable(list(read_all(drawn, indices, documents)), 0.5)  # tests of drawing wait for something drawn


@number("1e-7-hidden")
@weight(1)
def test_dataset_ends(student: Student, rng: np.random.Generator) -> None:
    """A DataLoader goes through the dataset once, in batches of equal lengths, and ends; so does a plain loop."""
    documents = [text(rng, int(rng.integers(10, 2 * BLOCK))) for _ in range(37)]
    seen = student.run(passes.batches, documents=documents, block_size=BLOCK, batch_size=8)
    expect(
        seen["length"] == 37 and seen["examples"] == [8, 8, 8, 8, 5],
        "37 examples in batches of 8, the last of 5",
        f"{seen['length']} in batches of {seen['examples']}",
        hint="len() is the number of documents, and every index below it gives an example",
    )
    expect(
        len(seen["lengths"]) == 1,
        "x and y of one length, whatever the document",
        f"lengths {seen['lengths']}",
        hint="pad every example to the block size, counting the characters that it really has",
    )
    expect(
        seen["looped"] >= 37,
        "37 examples in a plain loop",
        f"{seen['looped']}",
        hint="a plain loop over the dataset ends before the last document: does every document give an example, "
        "whatever its length, without an exception?",
    )
    expect(
        seen["looped"] == 37,
        "37 examples in a plain loop",
        f"{seen['looped']} or more",
        hint="an index beyond the last document must raise an IndexError, as self.data[idx] does: do not wrap it",
    )
    _readable(list(read_all(seen, range(37), documents)), 0.5)
