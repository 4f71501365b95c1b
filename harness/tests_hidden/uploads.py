"""Uploaded params files, as the graded tests about them see them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.grading.feedback import Failure, expect
from harness.grading.student import Student
from harness.probes import files, uploaded
from harness.problems.birthplaces import reference_model
from harness.problems.birthplaces.questions import MASK, Gold

Shapes = Mapping[str, Sequence[int]]

#: The documents on which a pretrained model is asked for each next character, and how much of each is kept.
DOCUMENTS = 24
SHORTEST, LONGEST = 24, 100

#: The part of the loss of knowing only how frequent each character is that a pretrained model must stay below. What
#: follows upon each character is told by a table, which an embedding and a head can hold without any training: that has
#: a part of 0.75. Measured with the demo data and the laptop's preset: the vanilla model 0.41, the perceiver 0.45. With
#: 780 people and batches of 32 (20 draws of documents, none 0.04 off) vanilla models had 1.38, 0.76, 0.66, 0.38 and
#: 0.11 after 0, 1, 3, 10 and 140 epochs, the perceiver 0.12 after 140.
KNOWS_MORE = 0.7

#: A model of this assignment is no larger.
LARGEST = {"n_embd": 2048, "block_size": 4096, "n_layer": 64}


def state_dicts(student: Student, *names: str) -> list[dict[str, Any]]:
    """What probe `files.state_dicts` says of each file; a Failure when one is missing or no state dict."""
    for name in names:
        student.file(name)
    described = student.read(files.state_dicts, names=list(names))
    for name in names:
        found = described[name]
        if found["problem"]:
            raise Failure(
                expected=f"{name}: a state dict, as torch.save(model.state_dict(), path) writes it",
                seen=f"{name}: {found['problem']}",
                hint="upload the file that train() wrote, unchanged",
                public=True,
            )
        expect(found["finite"] is True, f"{name}: finite numbers", "NaN or infinity", hint="did training diverge?")
    return [described[name] for name in names]


def expect_variant(found: dict[str, Any], name: str, gold: Gold, *, perceiver: bool) -> None:
    """A Failure unless the file holds a model of this variant for this text: its names and shapes, and no others.

    The sizes are what the embeddings say. A perceiver's own blocks may name their layers as they like: they hold a
    basis and cross-attention of the model's width. Causal masks, which are no parameters, may be there or not.
    """
    problem = _problem(found["shapes"], len(gold.vocabulary), perceiver=perceiver)
    if problem:
        raise Failure(
            expected=f"{name}: the state dict of a {'perceiver' if perceiver else 'vanilla model'}",
            seen=f"{name}: {problem}",
            hint="does --variant reach the function that builds the model, and is it trained on this term's wiki.txt?",
            public=True,
        )


def _problem(shapes: Shapes, characters: int, *, perceiver: bool) -> str:
    """Why these are not the shapes of such a model, "" if they are. Names in it are ours."""
    sizes = _sizes(shapes, characters)
    if isinstance(sizes, str):
        return sizes
    wanted = reference_model.shapes(sizes)
    for each, shape in wanted.items():
        if tuple(shapes.get(each, ())) != shape:
            return f"{each} {'has another shape' if each in shapes else 'is missing'}, expected {shape}"
    rest = {each: shape for each, shape in shapes.items() if each not in wanted and not each.endswith(".mask")}
    own = {each: shape for each, shape in rest.items() if each.startswith(("down_block.", "up_block."))}
    if not perceiver and own:
        return "it holds a perceiver's blocks"
    if len(own) < len(rest):
        return f"it holds {len(rest) - len(own)} tensors that no model of this assignment has"
    return _problem_of_blocks(own, sizes) if perceiver else ""


def _sizes(shapes: Shapes, characters: int) -> dict[str, int] | str:
    tokens, positions = shapes.get("tok_emb.weight", ()), shapes.get("pos_emb", ())
    if len(tokens) != 2 or len(positions) != 3:
        return "it lacks tok_emb.weight or pos_emb, the embeddings of characters and positions"
    if tokens[0] != characters:
        return f"it knows {tokens[0]} characters, and this term's wiki.txt has {characters} with MASK and PAD"
    numbers = {int(each.split(".")[1]) for each in shapes if each.startswith("blocks.") and _is_numbered(each)}
    sizes = {"vocab_size": characters, "block_size": positions[1], "n_embd": tokens[1], "n_layer": len(numbers)}
    if any(not (name == "n_layer" or sizes[name] > 1) or sizes[name] > most for name, most in LARGEST.items()):
        return "it is of a size that no model of this assignment has"
    return sizes


def _is_numbered(name: str) -> bool:
    number = name.split(".")[1]
    return number.isascii() and number.isdecimal() and len(number) < 4


def _problem_of_blocks(own: Shapes, sizes: Mapping[str, int]) -> str:
    width = sizes["n_embd"]
    for block in ("down_block", "up_block"):
        inside = {each.removeprefix(f"{block}."): tuple(shape) for each, shape in own.items() if each.startswith(block)}
        squares = {each.split(".")[-2] for each, shape in inside.items() if shape == (width, width) and "." in each}
        if not {"key", "query", "value", "proj"} <= squares:
            return f"{block} holds no cross-attention of {width} channels"
        if any(not set(shape) & {width} for shape in inside.values() if shape != (4 * width,)):
            return f"{block} holds tensors of another width than {width}"
    basis = [shape for each, shape in own.items() if _is_basis(each, shape, sizes)]
    return "" if basis else "down_block holds no basis of shape (1, m, d)"


def _is_basis(name: str, shape: Sequence[int], sizes: Mapping[str, int]) -> bool:
    """A tensor (1, m, d), (m, 1, d) or (m, d) of the down block, with fewer latents than the model has positions."""
    width, latents = sizes["n_embd"], math.prod(shape[:-1])
    flat = tuple(shape) in {(1, latents, width), (latents, 1, width), (latents, width)}
    known = len(shape) == 2 and latents in (width, 4 * width) and name.count(".") > 1
    return name.startswith("down_block.") and flat and not known and 0 < latents < sizes["block_size"]


def expect_both_stages(student: Student, variant: str, gold: Gold, rng: np.random.Generator) -> float:
    """The loss of the pretrained model; a Failure unless both files hold models of the variant, and different ones."""
    perceiver = variant == "perceiver"
    names = (f"{variant}.pretrain.params", f"{variant}.finetune.params")
    found = state_dicts(student, *names)
    for name, each in zip(names, found, strict=True):
        expect_variant(each, name, gold, perceiver=perceiver)
    expect_different(found[0], found[1], " and ".join(names))
    return expect_pretrained(student, names[0], variant, gold, rng)


def expect_pretrained(student: Student, name: str, variant: str, gold: Gold, rng: np.random.Generator) -> float:
    """The loss of the model in the file on corrupted documents of this term; a Failure unless it learned from such.

    Worked out from the file's numbers, by our code alone. What it must stay below is a part of the loss of a model that
    knows how frequent each character is and no more: no training, or that of the last layer norm, arrives there.
    """
    texts = corrupted_texts(gold.documents, rng)
    limit = KNOWS_MORE * frequency_loss(texts, gold.vocabulary)
    found = student.read(
        uploaded.loss, name=name, variant=variant, vocabulary=gold.vocabulary, texts=texts, limit=limit
    )
    seen = found["problem"] or f"a loss of {found['loss']:.2f}"
    if found["problem"] or not found["loss"] <= limit:
        raise Failure(
            expected=f"{name}: a model that knows corrupted text of this term, with a loss of at most {limit:.2f}",
            seen=f"{name}: {seen}",
            hint="is it the file that pretraining wrote when it had come to its end?",
            public=True,
        )
    return float(found["loss"])


def corrupted_texts(documents: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Beginnings of some of the documents, a quarter of each cut out and put behind."""
    texts = []
    for at in rng.choice(len(documents), min(DOCUMENTS, len(documents)), replace=False):
        kept = documents[at][: int(rng.integers(SHORTEST, LONGEST))]
        width = len(kept) // 4
        begin = int(rng.integers(0, len(kept) - width + 1))
        texts.append(f"{kept[:begin]}{MASK}{kept[begin + width :]}{MASK}{kept[begin : begin + width]}{MASK}")
    return texts


def frequency_loss(texts: Sequence[str], vocabulary: Sequence[str]) -> float:
    """The loss on these texts, in nats, of knowing how frequent each character is in them, and nothing else."""
    joined = "".join(text[1:] for text in texts)
    shares = [joined.count(each) / len(joined) for each in vocabulary if each in joined]
    return -sum(share * math.log(share) for share in shares)


def expect_different(first: dict[str, Any], second: dict[str, Any], names: str) -> None:
    """A Failure when two files hold the same numbers."""
    expect(
        first["digest"] != second["digest"],
        f"{names}: different weights",
        "the same",
        hint="finetuning must change and save the model",
    )
