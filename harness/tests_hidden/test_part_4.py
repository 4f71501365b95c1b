"""Hidden graded tests of problem 4: both models against numpy, decoding, training, and what was trained.

All but one are exact: they take nothing from the budget of chance. The one that trains (4c-3-hidden) stays far from its
threshold; `tests/translation` measures how far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, weight

from harness.assignment import Assignment
from harness.grading.feedback import Failure, expect
from harness.grading.student import Student
from harness.probes import files, translated, translation
from harness.problems.translation.checks import expect_threshold, judge
from harness.problems.translation.models import (
    BOS,
    EOS,
    MARKS,
    PAD,
    SEP,
    UNK,
    Weights,
    arbitrary,
    decoder_shapes,
    encoder_shapes,
    untrained,
)
from harness.problems.translation.provenance import expect_own
from harness.problems.translation.sentences import Gold
from harness.problems.translation.vocabularies import encoder_example, joint, source_and_target
from harness.tests_hidden import translators
from harness.tests_hidden.translators import agree

Example = tuple[list[int], list[int]]

WAIT = "it waits for what a basic test asks; if that one passes, the inputs make the difference: other sizes, PAD"

#: So many words before the limit, EOS is early.
EARLY = 4

#: A decoder's perplexity on 16 pairs that it was trained on by RECIPE: right work comes to 1.02 at most (30 seeds).
OVERFITTED = 1.3
RECIPE = {"epochs": 60, "batch_size": 8, "learning_rate": 1e-2}


def _sizes(rng: np.random.Generator) -> dict[str, int]:
    """Of a small model: no two of its sizes agree."""
    heads = int(rng.integers(2, 5))
    return {"width": heads * int(rng.integers(5, 8)), "heads": heads, "layers": 2, "block_size": 21}


def _padded_tokens(rng: np.random.Generator, words: int) -> np.ndarray:
    """Three sentences of 9 tokens and fewer, with PAD on the right; (3, 9)."""
    tokens = rng.integers(5, words, (3, 9))
    for row, length in enumerate((9, 6, 3)):
        tokens[row, length:] = PAD
    return tokens


# --- 4a ---------------------------------------------------------------------------------------------------------------


@number("4a-1-hidden")
@weight(1)
def test_encoder_sublayers_are_the_papers(student: Student, rng: np.random.Generator) -> None:
    """Attention of all heads and the feed-forward network, each with residual connection and norm, are the paper's.

    Exact: equal to numpy's to 1e-6, with random weights and sizes, and PAD as a key that nobody looks at.
    """
    sizes = _sizes(rng)
    weights = arbitrary(encoder_shapes(31, 19, sizes), rng)
    x, tokens = rng.normal(size=(3, 9, sizes["width"])), _padded_tokens(rng, 31)
    real = tokens != PAD
    found = _encoder(student, weights, sizes, "multi_head_attention", x, ~real)
    wanted = translators.encoder_attention(weights, sizes["heads"], x, ~real)
    hint = "scores by sqrt(hs), -infinity where a key is PAD, softmax over keys; heads side by side, mix, x + ..., norm"
    expect(found.shape == wanted.shape, "the shape of x", found.shape, hint=f"multi_head_attention: {hint}")
    expect(agree(found[real], wanted[real]), "the paper's attention", "another", hint=f"multi_head_attention: {hint}")
    found = _encoder(student, weights, sizes, "feed_forward", x)
    expect(
        agree(found, translators.encoder_feed_forward(weights, x)),
        "the paper's feed-forward sublayer",
        "another",
        hint="feed_forward: widen, max(0, ...), narrow; then x + ..., and feed_forward_norm last",
    )


@number("4a-2-hidden")
@weight(0.5)
def test_order_comes_from_positions_alone(student: Student, rng: np.random.Generator) -> None:
    """Without position embeddings, words in another order give the same logits in that order; with them, others.

    Exact, and so are the logits of the whole model beside numpy's.
    """
    sizes = _sizes(rng)
    weights = arbitrary(encoder_shapes(31, 19, sizes), rng)
    bare = {**weights, "position.weight": np.zeros_like(weights["position.weight"])}
    tokens, order = rng.permutation(np.arange(5, 31))[None, :9], np.roll(np.arange(9), int(rng.integers(1, 9)))
    for each, same in ((bare, True), (weights, False)):
        straight, turned = (_encoder(student, each, sizes, "forward", rows) for rows in (tokens, tokens[:, order]))
        shape = (1, 9, 19)
        expect(straight.shape == turned.shape == shape, "logits (B, T, V)", straight.shape, hint="the shape of logits")
        alike = bool(np.allclose(straight[:, order], turned, rtol=1e-7, atol=1e-9))
        hint = "does anything but the position embedding depend on the order, or does that not reach the logits?"
        expect(alike is same, "order in position embeddings alone", "elsewhere", hint=hint)
        ours = translators.encoder_logits(each, sizes["heads"], tokens)
        expect(agree(straight, ours), "numpy's logits", "others", hint="final_layer: the output layer, and no softmax")


@number("4a-3-hidden")
@weight(1)
def test_word_vectors_are_loaded_and_used(student: Student, rng: np.random.Generator) -> None:
    """load_word_vectors gives each word its vector, the mean where the file lacks it, PAD zeros; the model uses them.

    Exact. Files in word2vec's text format and in GloVe's, with words in any order, some of them in no vocabulary.
    """
    sizes = _sizes(rng)
    words = [f"mot{each}" for each in rng.permutation(20)]
    vectors = {word: rng.normal(2.0, 1.0, sizes["width"]).round(4) for word in [*words[:14], "rare", "autre"]}
    lines = [f"{word} {' '.join(map(str, vectors[word]))}" for word in rng.permutation(list(vectors))]
    files = {"a.txt": "\n".join([f"{len(lines)} {sizes['width']}", *lines, ""]), "b.txt": "\n".join([*lines, ""])}
    found = student.run_apart(translation.word_vectors, files=files, words=sorted(words))
    mean = np.mean(list(vectors.values()), axis=0)
    wanted = np.array([vectors.get(word, mean) for word in [*MARKS, *sorted(words)]])
    wanted[PAD] = 0.0
    for matrix in found:
        _expect_rows(matrix, wanted, sorted(words), set(vectors))
    _expect_used(student, wanted, sizes, rng)


def _expect_rows(matrix: np.ndarray, wanted: np.ndarray, words: Sequence[str], known: set[str]) -> None:
    """A Failure unless the rows are those of the vocabulary's words, to single precision."""
    expect(matrix.shape == wanted.shape, "a row for each word, marks and all", matrix.shape, hint="(V, C)")
    right = [np.allclose(*pair, rtol=1e-5, atol=1e-5) for pair in zip(matrix, wanted, strict=True)]
    has = [word in known for word in [*MARKS, *words]]
    expect(right[PAD], "zeros for PAD", "others", hint="load_word_vectors: PAD gets zeros")
    hint = "load_word_vectors: row i belongs to vocabulary.words[i], in whatever order the file has them"
    expect(all(r for r, h in zip(right, has, strict=True) if h), "each word's own vector", "others", hint=hint)
    hint = "load_word_vectors: a word that the file lacks gets the mean of all its vectors, and so do the other marks"
    expect(all(right), "the mean for words that the file lacks", "others", hint=hint)


def _expect_used(student: Student, matrix: np.ndarray, sizes: dict[str, int], rng: np.random.Generator) -> None:
    """A Failure unless the logits follow from these token embeddings, and training may change them."""
    weights = arbitrary(encoder_shapes(len(matrix), 19, sizes), rng)
    tokens = rng.integers(5, len(matrix), (2, 8))
    seen = student.run_apart(
        translation.used_vectors, weights=weights, sizes=sizes, matrix=matrix.astype(np.float32), tokens=tokens
    )
    weights["token.weight"] = matrix.astype(np.float32)
    hint = "use_word_vectors: copy the matrix into self.token.weight, all of it, as it is"
    expect(
        agree(seen["logits"], translators.encoder_logits(weights, sizes["heads"], tokens)),
        "logits that follow from the vectors",
        "others",
        hint=hint,
    )
    hint = "use_word_vectors: training may go on changing them"
    expect(seen["trainable"] is True, "embeddings that training may change", "fixed ones", hint=hint)


def _encoder(student: Student, weights: Weights, sizes: dict[str, int], part: str, *inputs: np.ndarray) -> np.ndarray:
    found: np.ndarray = student.run_apart(
        translation.encoder, weights=weights, sizes=sizes, part=part, inputs=list(inputs)
    )
    return found


@number("4a-4-hidden")
@weight(0.5)
def test_the_encoder_was_trained(
    student: Student, translations: Gold, assignment: Assignment, for_staff: dict[str, Any]
) -> None:
    """translation.encoder.params holds an encoder that learned from the pairs: its perplexity on dev tells.

    Worked out from the file's numbers by our code alone.
    """
    source, target = source_and_target(translations)
    examples = [encoder_example(pair, source, target) for pair in translations.dev]
    _expect_knowing(student, "encoder", [len(source), len(target)], examples, _most(assignment)["encoder"], for_staff)


def _most(assignment: Assignment) -> Mapping[str, float]:
    """The most perplexity of each kind of model."""
    most: Mapping[str, float] = assignment.problem("translation").settings["perplexity"]
    return most


def _expect_knowing(
    student: Student, model: str, words: list[int], examples: list[Example], limit: float, for_staff: dict[str, Any]
) -> None:
    """A Failure unless the model in its params file is of the right kind, and knows these examples."""
    name = f"translation.{model}.params"
    student.file(name)
    kind = "encoder" if model == "encoder" else "decoder"
    found = student.read(translated.perplexity, name=name, kind=kind, words=words, examples=examples, limit=limit)
    for_staff[model] = {"perplexity": round(found["perplexity"], 3), "heads": found["heads"]}
    seen = found["problem"] or f"a perplexity of {found['perplexity']:.2f}"
    if found["problem"] or not found["perplexity"] <= limit:
        raise Failure(
            expected=f"{name}: a trained {kind}, with a perplexity of at most {limit:g}",
            seen=f"{name}: {seen}",
            hint="is it the file that the command wrote when it had come to its end?",
            public=True,
        )


@number("4a-5-hidden")
@weight(0.5)
def test_the_encoders_loss_and_perplexity_count_targets(student: Student, rng: np.random.Generator) -> None:
    """The loss is a mean over targets that are not PAD, and perplexity one over all of them, whatever the batches.

    Exact: to 1e-5. Part 4c asks for the same once more; a course may have only one of the two.
    """
    _expect_loss(student, rng)
    _expect_perplexity(student, rng)


# --- 4b ---------------------------------------------------------------------------------------------------------------


@number("4b-2-hidden")
@weight(2)
def test_causal_attention_is_numpys(student: Student, rng: np.random.Generator) -> None:
    """causal_mask and CausalAttention are right for any sizes, with PAD anywhere, and with keys from before.

    Exact: masks bit by bit, attention to 1e-6.
    """
    real = rng.random((4, 7)) < 0.7
    cases = [(real, 7), (real, 1), (real, 3), (np.ones((1, 5), dtype=bool), 5), (np.zeros((1, 4), dtype=bool), 4)]
    hint = "causal_mask: True for the query's own place, and for real keys before it; with T < S the last T queries"
    for (each, last), mask in zip(cases, student.run_apart(translation.masks, cases=cases), strict=True):
        shape = (len(each), 1, last, each.shape[1])
        expect(mask.shape == shape, f"a mask of shape {shape}", mask.shape, hint=f"{hint}. Its shape is (B, 1, T, S)")
        expect(np.array_equal(mask != 0, translators.mask(each, last)), "the mask", "another", hint=hint)
    sizes = _sizes(rng)
    weights = arbitrary(decoder_shapes(29, sizes), rng)
    x, allowed = rng.normal(size=(4, 7, sizes["width"])), translators.mask(real, 7)
    found = _decoder(student, weights, sizes, "attention", x, allowed)
    expect(
        agree(found, translators.decoder_attention(weights, sizes["heads"], x, allowed)),
        "numpy's attention",
        "another",
        hint="CausalAttention: scores by sqrt(hs), -infinity where not allowed, softmax over the keys; then mix",
    )
    _expect_pieces(student, weights, sizes, rng)


def _expect_pieces(student: Student, weights: Weights, sizes: dict[str, int], rng: np.random.Generator) -> None:
    """A Failure unless tokens read part by part, with a cache, have the logits that they have together."""
    tokens = rng.integers(5, 29, (2, 8))
    tokens[0, :2] = PAD
    parts = [tokens[:, :4], tokens[:, 4:5], tokens[:, 5:7], tokens[:, 7:]]
    found = student.run_apart(translation.pieces, weights=weights, sizes=sizes, parts=parts)
    hint = "with a cache: extend the memory with the new keys and values, attend to all; positions go on counting"
    fits = all(each.ndim == 3 and each.shape[:2] == part.shape for each, part in zip(found, parts, strict=True))
    expect(fits, "logits for the new tokens alone", "another shape", hint=hint)
    together = _decoder(student, weights, sizes, "forward", tokens)
    expect(together.shape == (2, 8, 29), "logits (B, T, V)", together.shape, hint=WAIT)
    real = tokens != PAD
    expect(agree(np.concatenate(found, axis=1)[real], together[real]), "the same logits", "others", hint=hint)


@number("4b-3-hidden")
@weight(1)
def test_decoder_is_numpys(student: Student, rng: np.random.Generator) -> None:
    """Blocks, head and the whole decoder compute what the handout says, and drop what they should in training alone.

    Exact: to 1e-6, for random weights and sizes.
    """
    sizes = _sizes(rng)
    weights = arbitrary(decoder_shapes(29, sizes), rng)
    x = rng.normal(size=(3, 6, sizes["width"]))
    allowed = translators.mask(np.ones((3, 6), dtype=bool), 6)
    ours = translators.block(translators.doubled(weights), 0, sizes["heads"], x, allowed)
    hint = "Block: x + attention of the norm of x, then x + feed_forward of the norm of x"
    expect(agree(_decoder(student, weights, sizes, "block", x, allowed), ours), "numpy's block", "another", hint=hint)
    tokens = rng.integers(5, 29, (3, 11))
    ours = translators.decoder_logits(weights, sizes["heads"], tokens)
    expect(
        agree(_decoder(student, weights, sizes, "forward", tokens), ours),
        "numpy's logits",
        "others",
        hint="DecoderTransformer: embedding with positions from 0, every block in turn, Head with its norm",
    )
    seen = student.run_apart(translation.dropping, weights=weights, sizes=sizes, x=x, allowed=allowed, tokens=tokens)
    hint = "use self.drop, which is off when a model evaluates"
    expect(agree(seen["answer"], ours), "logits without dropout when the model evaluates", "others", hint=hint)
    hint = "Block: self.drop around each sublayer, and not around x"
    expect(agree(seen["block"], x), "x itself, where dropout leaves nothing of the sublayers", "more", hint=hint)
    ours = translators.head(weights, np.zeros((3, 11, sizes["width"])))
    hint = "DecoderTransformer: self.drop around the embedding"
    expect(agree(seen["logits"], ours), "the head's logits of nothing", "others", hint=hint)


@number("4b-4-hidden")
@weight(1)
def test_padding_changes_nothing(student: Student, rng: np.random.Generator) -> None:
    """PAD before or behind a sentence, and other sentences beside it, leave the logits at its words as they are.

    Exact: to 1e-6.
    """
    sizes = _sizes(rng)
    weights = arbitrary(decoder_shapes(29, sizes), rng)
    sentence = rng.integers(5, 29, 6)
    alone = _decoder(student, weights, sizes, "forward", sentence[None])
    tokens, places = np.full((4, 12), PAD), (0, 3, 6)
    tokens[3] = rng.integers(5, 29, 12)
    for row, begin in enumerate(places):
        tokens[row, begin : begin + 6] = sentence
    together = _decoder(student, weights, sizes, "forward", tokens)
    expect(together.shape == (4, 12, 29), "logits (B, T, V)", together.shape, hint=WAIT)
    for row, begin in enumerate(places):
        side = "right" if begin == 0 else "left"
        hint = f"PAD on the {side} matters: mask it as a key, and count positions of words alone"
        expect(agree(together[row : row + 1, begin : begin + 6], alone), "the same logits", "others", hint=hint)
    expect(np.ptp(alone) > 0, "logits that differ", "equal ones", hint=WAIT)


@number("4b-5-hidden")
@weight(1)
def test_every_parameter_gets_its_gradient(
    student: Student, rng: np.random.Generator, unseen: np.random.Generator
) -> None:
    """Each parameter of the decoder gets a gradient, and it is that of what the model computes.

    Exact: compared with numpy's differences along directions that are drawn when the gradients are in, to 1e-4.
    """
    sizes = _sizes(rng)
    weights = arbitrary(decoder_shapes(29, sizes), rng)
    tokens, factors = rng.integers(5, 29, (3, 7)), rng.normal(size=(3, 7, 29))
    found = student.run_apart(translation.gradients, weights=weights, sizes=sizes, tokens=tokens, factors=factors)

    def value(changed: Weights) -> float:
        return float((translators.decoder_logits(changed, sizes["heads"], tokens) * factors).sum())

    hint = "is every layer used, and nothing computed without gradient, detached, or changed in place?"
    for name, each in weights.items():
        gradient = found.get(name)
        fits = gradient is not None and gradient.shape == each.shape and bool(np.isfinite(gradient).all())
        expect(fits and np.any(found[name] != 0), "a gradient for each parameter", "none", hint=hint)
        direction = unseen.normal(size=each.shape)
        slope, told = _slope(weights, name, direction, value), float((found[name] * direction).sum())
        fits = math.isclose(told, slope, rel_tol=1e-4, abs_tol=1e-4)
        expect(fits, "the gradient of the logits", "another", hint=hint)


@number("4b-6-hidden")
@weight(2)
def test_greedy_decoding_is_the_argmax_of_full_passes(student: Student, rng: np.random.Generator) -> None:
    """greedy_decode writes what full passes over each prompt alone would, reads each token once, and stops in time.

    Exact: the full passes are the same model's, in double precision.
    """
    sizes, limit = _sizes(rng), 10
    weights, prompts = _lively(sizes, rng, limit)
    seen = student.run_apart(translation.decoded, weights=weights, sizes=sizes, prompts=prompts, limit=limit)
    expect(len(seen["rows"]) == len(prompts), "new tokens for each prompt", "another number", hint="a row per prompt")
    for prompt, row in zip(prompts, seen["rows"], strict=True):
        _expect_greedy(student, weights, sizes, prompt, row, limit)
    most = len(prompts) * (max(map(len, prompts)) + limit)
    expect(
        seen["read"] <= most,
        f"at most {most} tokens read",
        seen["read"],
        hint="greedy_decode reads tokens again: hand the model the new tokens alone, and one and the same cache",
    )
    early = [(prompt, row) for prompt, row in zip(prompts, seen["rows"], strict=True) if len(row) <= limit - EARLY]
    prompts = [prompt for prompt, _ in early]
    seen = student.run_apart(translation.decoded, weights=weights, sizes=sizes, prompts=prompts, limit=limit)
    expect(seen["rows"] == [row for _, row in early], "the same tokens", "others", hint="no sentence changes another")
    most = sum(max(len(pair[side]) for pair in early) for side in (0, 1)) + 1
    expect(
        seen["read"] <= len(early) * most,
        f"at most {len(early) * most} tokens read",
        seen["read"],
        hint="greedy_decode goes on when all sentences have met EOS",
    )


def _lively(sizes: dict[str, int], rng: np.random.Generator, limit: int) -> tuple[Weights, list[list[int]]]:
    """Weights with which each word hangs on all before it, and prompts after which some meet EOS, and some do not."""
    while True:
        weights = arbitrary(decoder_shapes(17, sizes), rng)
        for name in weights:
            factor = 0.1 if name.endswith("bias") else 2.0 if "attention." in name or "position" in name else 1.0
            weights[name] = factor * weights[name] + np.float32("norm.weight" in name)
        weights["head.output.weight"][PAD] = 0.0  # what to do about a model that writes PAD is nowhere said
        prompts = [[BOS, *rng.integers(5, 17, length).tolist(), SEP] for length in (2, 7, 4, 5, 3, 6, 1, 6)]
        rows = [_greedy(weights, sizes["heads"], prompt, limit) for prompt in prompts]
        ended = [row for row in rows if len(row) < limit]
        soon = any(len(row) <= limit - EARLY for row in ended)
        if soon and 2 <= len(ended) <= 6 and any(ended) and len({word for row in rows for word in row}) >= 6:
            return weights, prompts


def _greedy(weights: Weights, heads: int, prompt: list[int], limit: int) -> list[int]:
    """What full passes write after the prompt."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + limit:
        word = int(translators.decoder_logits(weights, heads, np.array([tokens]))[0, -1].argmax())
        if word == EOS:
            break
        tokens.append(word)
    return tokens[len(prompt) :]


def _expect_greedy(
    student: Student, weights: Weights, sizes: dict[str, int], prompt: list[int], row: list[int], limit: int
) -> None:
    """A Failure unless each token of the row, and EOS behind it, has the largest logit of a full pass."""
    words = len(weights["head.output.weight"])
    expect(all(0 <= token < words for token in row), "indices of words", "others", hint="the argmax of the logits")
    expect(EOS not in row, "no EOS among the new tokens", "EOS", hint="leave out EOS and what comes after it")
    expect(len(row) <= limit, "no more tokens than the limit", len(row), hint="stop after `limit` new tokens")
    logits = _decoder(student, weights, sizes, "forward", np.array([prompt + row]))
    expect(logits.shape == (1, len(prompt + row), words), "logits (B, T, V)", logits.shape, hint=WAIT)
    likeliest = logits[0, len(prompt) - 1 :].argmax(axis=-1).tolist()
    hint = "greedy_decode: the largest logit at the last place, again and again; PAD on the left of shorter prompts"
    expect(likeliest[:limit] == [*row, EOS][:limit], "the tokens of full passes", "others", hint=hint)


def _slope(weights: Weights, name: str, direction: np.ndarray, value: Callable[[Weights], float]) -> float:
    """The derivative of value(weights) along a direction of one parameter, by central differences."""
    step = 1e-5
    ends = [value({**translators.doubled(weights), name: weights[name] + sign * step * direction}) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


def _decoder(student: Student, weights: Weights, sizes: dict[str, int], part: str, *inputs: np.ndarray) -> np.ndarray:
    found: np.ndarray = student.run_apart(
        translation.decoder, weights=weights, sizes=sizes, part=part, inputs=list(inputs)
    )
    return found


# --- 4c ---------------------------------------------------------------------------------------------------------------


@number("4c-2-hidden")
@weight(1)
def test_loss_and_perplexity_count_targets(student: Student, rng: np.random.Generator) -> None:
    """The loss is a mean over targets that are not PAD, and perplexity one over all of them, whatever the batches.

    Exact: to 1e-5. pair_example holds for sentences of any length.
    """
    pairs = [(rng.integers(5, 40, a).tolist(), rng.integers(5, 40, b).tolist()) for a, b in ((1, 5), (6, 2), (3, 3))]
    hint = "pair_example: BOS, French, SEP, English; y is what follows, PAD wherever French or SEP does, EOS last"
    made = student.run_apart(translation.examples, pairs=pairs)
    expect(made == [list(_example(*pair)) for pair in pairs], "x and y as the docstring shows", "others", hint=hint)
    _expect_loss(student, rng)
    _expect_perplexity(student, rng)


def _expect_loss(student: Student, rng: np.random.Generator) -> None:
    """A Failure unless the loss passes over PAD, and over nothing else."""
    logits, targets = rng.normal(0, 3, (3, 8, 13)), rng.integers(1, 13, (3, 8))
    targets[0, 2:] = targets[2, 5:] = PAD
    found = student.run_apart(translation.losses, cases=[(logits, targets)])[0]
    hint = "next_word_loss: the mean over targets that are not PAD, each of the same weight"
    ours = translators.loss(logits, targets)
    expect(math.isclose(found, ours, rel_tol=1e-5), "the mean over real targets", found, hint=hint)


def _expect_perplexity(student: Student, rng: np.random.Generator) -> None:
    """A Failure unless perplexity is the same for all batch sizes, and right."""
    table = rng.normal(0, 2, (13, 13))
    lengths = [1, 9, 2, 2, 7, 1, 1]
    examples: list[Example] = [
        (rng.integers(5, 13, n).tolist(), [*rng.integers(UNK, 13, n - 1).tolist(), EOS]) for n in lengths
    ]
    examples[1] = (examples[1][0], [PAD] * 6 + examples[1][1][6:])
    logs = [translators.negative_logs(table[np.array(x)], np.array(y))[np.array(y) != PAD] for x, y in examples]
    ours = float(np.exp(np.concatenate(logs).mean()))
    for found in student.run_apart(translation.perplexities, table=table, examples=examples, batch_sizes=[1, 2, 3, 64]):
        expect(
            math.isclose(found, ours, rel_tol=1e-4),
            "exp(total negative log likelihood / number of targets)",
            found,
            hint="perplexity: add up over all batches, divide once by the number of targets that are not PAD, then exp",
        )


@number("4c-3-hidden")
@weight(1)
def test_training_overfits_sixteen_pairs(student: Student, rng: np.random.Generator) -> None:
    """A small decoder that is trained on 16 pairs knows them by heart, and train has written it to the file.

    Judged by the numbers in the file, with numpy. Right work has a perplexity of at most 1.02 (30 seeds), 1.3 will do.
    """
    sizes = {"width": 24, "heads": 3, "layers": 1, "block_size": 21}
    weights = untrained(decoder_shapes(29, sizes), rng)
    lengths = rng.integers(2, 6, 16)
    examples = [_example(rng.integers(5, 29, 4).tolist(), rng.integers(5, 29, length).tolist()) for length in lengths]
    seen = student.run_apart(translation.trained, weights=weights, sizes=sizes, examples=examples, recipe=RECIPE)
    hint = "train: save model.state_dict(), all of it, under its names, at `path`"
    expect(seen["saved"] is not None, "a file of parameters", "none", hint=hint)
    saved = {name: seen["saved"].get(name) for name in weights}
    fits = all(each is not None and each.shape == weights[name].shape for name, each in saved.items())
    expect(fits, "the model's state dict", "another one", hint=hint)
    found = float(np.exp(np.mean(np.concatenate([_logs(saved, sizes["heads"], each) for each in examples]))))
    expect(
        found <= OVERFITTED,
        f"perplexity of at most {OVERFITTED}",
        f"{found:.2f}",
        hint="train: optimise with next_word_loss, all epochs of the recipe, then save the trained model",
    )


@number("4c-4-hidden")
@weight(0.5)
def test_a_checkpoint_is_where_training_goes_on(student: Student, rng: np.random.Generator) -> None:
    """from_checkpoint makes a model of the file's numbers, all of them.

    Exact: tensor by tensor, and its logits are those of a model that was given these numbers.
    """
    sizes = _sizes(rng)
    weights, tokens = arbitrary(decoder_shapes(29, sizes), rng), rng.integers(5, 29, (2, 7))
    seen = student.run_apart(translation.loaded, weights=weights, sizes=sizes, tokens=tokens)
    wrong = [name for name, value in weights.items() if not np.array_equal(seen["state"].get(name), value)]
    hint = "from_checkpoint: load_state_dict, with everything that the file holds"
    expect(not wrong, "every tensor of the file", f"{len(wrong)} others", hint=hint)
    same = _decoder(student, weights, sizes, "forward", tokens)
    expect(agree(seen["logits"], same), "the logits of these numbers", "others", hint=hint)


@number("4c-5-hidden")
@weight(0.5)
def test_decoders_were_trained(
    student: Student, translations: Gold, assignment: Assignment, for_staff: dict[str, Any]
) -> None:
    """The three params files of 4c hold decoders that know what they were trained on, and no two the same.

    By perplexity, from the files' numbers: that of pairs of dev, and for the pretrained one that of sentences behind
    themselves.
    """
    words, most = joint(translations), _most(assignment)
    sentences = [words.encode(pair.english) for pair in translations.dev]
    pairs = [_example(words.encode(pair.french), words.encode(pair.english)) for pair in translations.dev]
    copies = [_example(sentence, sentence) for sentence in sentences]
    for model, examples, limit in (
        ("scratch", pairs, most["decoder"]),
        ("pretrain", copies, most["pretrained"]),
        ("finetune", pairs, most["decoder"]),
    ):
        _expect_knowing(student, model, [len(words)], examples, limit, for_staff)
    names = [f"translation.{model}.params" for model in ("scratch", "pretrain", "finetune")]
    seen = student.read(files.state_dicts, names=names)
    digests = [seen[name]["digest"] for name in names]
    twice = [name for name, digest in zip(names, digests, strict=True) if digests.count(digest) > 1]
    if twice:
        hint = "each of the three commands trains, and writes a file of its own"
        raise Failure("three different models", f"{' and '.join(twice)} are the same", hint=hint, public=True)


@number("4c-6-hidden")
@weight(1)
def test_translations_from_scratch(
    student: Student, translations: Gold, assignment: Assignment, for_staff: dict[str, Any], after_due_date: bool
) -> None:
    """translation.scratch.test.predictions reaches a BLEU of {scratch.test}, and is what the model writes."""
    _expect_translations(student, "scratch", translations, assignment, for_staff, after_due_date)


@number("4c-7-hidden")
@weight(1)
def test_translations_from_a_pretrained_start(
    student: Student, translations: Gold, assignment: Assignment, for_staff: dict[str, Any], after_due_date: bool
) -> None:
    """translation.finetune.test.predictions reaches a BLEU of {finetune.test}, and is what the model writes."""
    _expect_translations(student, "finetune", translations, assignment, for_staff, after_due_date)


def _expect_translations(
    student: Student, start: str, gold: Gold, assignment: Assignment, for_staff: dict[str, Any], after_due_date: bool
) -> None:
    name = f"translation.{start}.test.predictions"
    found = judge(student, name, gold, for_staff)
    hint = "translate translation_test_inputs.tsv, in its order, with the model that was trained to the end"
    expect_threshold(found, assignment.thresholds[start].test, name, hint, exact=after_due_date)
    expect_own(student, name, gold, assignment, for_staff)


def _example(french: list[int], english: list[int]) -> Example:
    prompt, answer = [BOS, *french, SEP], [*english, EOS]
    return [*prompt, *english], [*[PAD] * (len(prompt) - 1), *answer]


def _logs(weights: Weights, heads: int, example: Example) -> np.ndarray:
    """Negative log likelihoods of an example's targets."""
    x, y = (np.array([side]) for side in example)
    found: np.ndarray = translators.negative_logs(translators.decoder_logits(weights, heads, x), y)[y != PAD]
    return found
