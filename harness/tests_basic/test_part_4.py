"""Basic graded tests of problem 4: embeddings, causality, examples and perplexity. Nothing is trained."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import translation
from harness.problems.translation.checks import expect_threshold, judge
from harness.problems.translation.models import arbitrary, decoder_shapes, encoder_shapes
from harness.problems.translation.sentences import Gold

SIZES = {"width": 12, "heads": 3, "layers": 2, "block_size": 11}
WORDS = 23


@number("4a-0-basic")
@weight(0.5)
def test_encoder_adds_positions_to_words(student: Student, rng: np.random.Generator) -> None:
    """EncoderTranslator.embed adds to each token's embedding that of its position, which counts from 0."""
    weights = arbitrary(encoder_shapes(WORDS, 17, SIZES), rng)
    tokens = rng.integers(5, WORDS, (3, 7))
    found = student.run_apart(translation.encoder, weights=weights, sizes=SIZES, part="embed", inputs=[tokens])
    wanted = weights["token.weight"][tokens] + weights["position.weight"][:7]
    _expect_close("embed", found, wanted, hint="self.token(tokens) and self.position(positions), added")


@number("4b-0-basic")
@weight(1)
def test_decoder_adds_positions_to_words(student: Student, rng: np.random.Generator) -> None:
    """Embedding adds to each token's embedding that of the place which it is given; Head gives a logit per word."""
    weights = arbitrary(decoder_shapes(WORDS, SIZES), rng)
    tokens, places = rng.integers(5, WORDS, (3, 7)), rng.integers(0, SIZES["block_size"], (3, 7))
    found = _decoder(student, weights, "embedding", tokens, places)
    wanted = weights["embedding.token.weight"][tokens] + weights["embedding.position.weight"][places]
    _expect_close("Embedding", found, wanted, hint="look the given positions up; they need not count from 0")
    logits = _decoder(student, weights, "head", rng.normal(size=(3, 7, SIZES["width"])))
    shape = (3, 7, WORDS)
    expect(logits.shape == shape, f"Head: shape {shape}", logits.shape, hint="the norm first, then the output layer")


@number("4b-1-basic")
@weight(1)
def test_no_word_sees_a_later_one(student: Student, rng: np.random.Generator) -> None:
    """Where a word changes, logits change there and behind, and none before."""
    weights = arbitrary(decoder_shapes(WORDS, SIZES), rng)
    tokens, changed = rng.integers(5, WORDS - 1, (2, 9)), 4
    others = tokens.copy()
    others[:, changed] += 1
    before, after = (_decoder(student, weights, "forward", each) for each in (tokens, others))
    shape = (2, 9, WORDS)
    expect(before.shape == after.shape == shape, f"logits of shape {shape}", before.shape, hint="(B, T, V)")
    moved = [place for place in range(9) if not np.allclose(before[:, place], after[:, place], rtol=1e-9, atol=1e-9)]
    expect(
        moved == list(range(changed, 9)),
        f"other logits at places {list(range(changed, 9))}",
        f"at {moved}",
        hint="a query may look at itself and at the keys before it: causal_mask and how CausalAttention uses it",
        case=f"another word at place {changed} of 9",
    )


@number("4c-0-basic")
@weight(1)
def test_examples_and_perplexity(student: Student) -> None:
    """pair_example lays a pair out as its docstring shows; perplexity is exp(total loss / number of targets)."""
    found = student.run_apart(translation.examples, pairs=[([10, 11], [20, 21])])[0]
    wanted = [[1, 10, 11, 2, 20, 21], [0, 0, 0, 20, 21, 3]]
    case = "French 10 11, English 20 21; PAD 0, BOS 1, SEP 2, EOS 3"
    expect(found == wanted, f"x, y = {wanted}", found, hint="y is x moved one to the left, PAD until SEP", case=case)
    uniform = np.zeros((WORDS, WORDS))
    seen = student.run_apart(translation.perplexities, table=uniform, examples=[([5, 6], [7, 8])], batch_sizes=[1])[0]
    expect(
        math.isclose(seen, WORDS, rel_tol=1e-5),
        f"perplexity {WORDS} of a model to which all {WORDS} words are equally likely",
        seen,
        hint="exp of the mean negative log likelihood, in nats",
    )


@number("4c-1-basic")
@weight(1)
def test_dev_translations(
    student: Student, translations: Gold, assignment: Assignment, for_staff: dict[str, Any]
) -> None:
    """Both dev files reach their BLEU: {scratch.dev} from scratch, {finetune.dev} from the pretrained start."""
    for start in ("scratch", "finetune"):
        name, seen = f"translation.{start}.dev.predictions", for_staff.setdefault(start, {})
        found = judge(student, name, translations, seen)
        hint = f"did the training of {start} run to its end, and was translation_dev.tsv translated after it?"
        expect_threshold(found, assignment.thresholds[start].dev, name, hint)
        if find_spec("harness.problems.translation.provenance") is not None:  # students have no such module
            from harness.problems.translation.provenance import expect_own

            expect_own(student, name, translations, assignment, seen)


def _decoder(student: Student, weights: dict[str, np.ndarray], part: str, *inputs: np.ndarray) -> np.ndarray:
    found: np.ndarray = student.run_apart(
        translation.decoder, weights=weights, sizes=SIZES, part=part, inputs=list(inputs)
    )
    return found


def _expect_close(name: str, found: Any, wanted: np.ndarray, hint: str) -> None:
    """A Failure unless two arrays are equal but for rounding."""
    expect(found.shape == wanted.shape, f"{name}: shape {wanted.shape}", found.shape, hint=hint)
    distance = float(np.abs(found - wanted).max())
    expect(distance <= 1e-6, f"{name}: the sum of two embeddings", f"numbers up to {distance:.2g} away", hint=hint)
