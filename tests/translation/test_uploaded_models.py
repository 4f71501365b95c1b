"""What uploaded params write and know, by the probe's code, is what the reference and numpy say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.assignment import ROOT
from harness.problems.translation.models import BOS, PAD, SEP, Weights, arbitrary, decoder_shapes, encoder_shapes
from harness.tests_hidden import translators
from tests.modules import load_module
from tests.translation.support import FILE

SIZES = {"width": 16, "heads": 2, "layers": 2, "block_size": 24}
WORDS = 19


PROBES = load_module("translated_probes_for_tests", ROOT / "harness" / "probes" / "translated.py")
REFERENCE = load_module("translation_for_tests", ROOT / "reference_solution" / "src" / "submission" / FILE)


def save(weights: Weights, path: Path) -> None:
    torch.save({name: torch.from_numpy(value) for name, value in weights.items()}, path)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def weights(rng: np.random.Generator, tmp_path: Path) -> Weights:
    made = arbitrary(decoder_shapes(WORDS, SIZES), rng)
    made["head.output.weight"][PAD] = 0.0
    save(made, tmp_path / "a.params")
    return made


@pytest.fixture
def prompts(rng: np.random.Generator) -> list[list[int]]:
    return [[BOS, *rng.integers(5, WORDS, length).tolist(), SEP] for length in (2, 5, 3, 6, 4, 1, 2, 6)]


def written(weights: Weights, prompts: list[list[int]], sizes: dict[str, int] = SIZES) -> list[list[int]]:
    model = REFERENCE.DecoderTransformer(WORDS, REFERENCE.Sizes(**sizes))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return [list(row) for row in REFERENCE.greedy_decode(model, prompts, 8)]


def test_a_model_writes_its_own_lines_and_no_others(weights: Weights, prompts: list[list[int]], tmp_path: Path) -> None:
    lines = written(weights, prompts)
    found = PROBES.lines(tmp_path, "a.params", WORDS, prompts, lines, 8)
    assert found["problem"] == ""
    assert found["given"] == [True] * len(prompts)
    others = [[5 + (row[0] if row else 5) % 10, *row[1:]] for row in lines]
    assert not all(PROBES.lines(tmp_path, "a.params", WORDS, prompts, others, 8)["given"])
    assert PROBES.lines(tmp_path, "a.params", WORDS, prompts, [[-1]] * len(prompts), 8)["given"] == [False] * len(
        prompts
    )


@pytest.mark.parametrize("heads", [1, 3, 4, 5, 12, 20, 60])
def test_a_model_of_any_number_of_heads_is_read_as_it_is(rng: np.random.Generator, tmp_path: Path, heads: int) -> None:
    sizes = {**SIZES, "width": 60, "heads": heads}
    weights = arbitrary(decoder_shapes(WORDS, sizes), rng)
    for name in weights:  # each word hangs on all before it
        factor = 0.1 if name.endswith("bias") else 1.5 if "attention." in name or "position" in name else 1.0
        weights[name] = factor * weights[name] + np.float32("norm.weight" in name)
    weights["head.output.weight"][PAD] = 0.0
    save(weights, tmp_path / "a.params")
    asked = [[BOS, *rng.integers(5, WORDS, int(rng.integers(1, 8))).tolist(), SEP] for _ in range(40)]
    lines = written(weights, asked, sizes)
    found = PROBES.lines(tmp_path, "a.params", WORDS, asked, lines, 8)
    assert found["heads"] == heads
    assert sum(found["given"]) >= 0.95 * len(asked)
    pairs = [
        ([*prompt, *line], [PAD] * (len(prompt) - 1) + [*line, 3][: len(line) + 1])
        for prompt, line in zip(asked, lines, strict=True)
    ]
    found = PROBES.perplexity(tmp_path, "a.params", "decoder", [WORDS], pairs, 1.0)
    assert found["heads"] == heads


@pytest.mark.parametrize("kind", ["decoder", "encoder"])
def test_a_model_with_too_few_positions_is_told_in_a_sentence(
    rng: np.random.Generator, tmp_path: Path, kind: str
) -> None:
    sizes = {**SIZES, "block_size": 5}
    shapes = decoder_shapes(WORDS, sizes) if kind == "decoder" else encoder_shapes(WORDS, WORDS, sizes)
    save(arbitrary(shapes, rng), tmp_path / "a.params")
    words = [WORDS] if kind == "decoder" else [WORDS, WORDS]
    found = PROBES.perplexity(tmp_path, "a.params", kind, words, [([5] * 4, [6] * 4), ([5] * 7, [6] * 7)], 9.0)
    assert found["problem"] == "it has 5 positions, and sentences of this term take up to 7"
    found = PROBES.perplexity(tmp_path, "a.params", kind, words, [([5] * 5, [6] * 5)], 9.0)
    assert found["problem"] == ""


def test_a_tensor_of_another_name_is_no_matter(weights: Weights, prompts: list[list[int]], tmp_path: Path) -> None:
    lines = written(weights, prompts)
    save({"another.query.bias": np.ones((), dtype=np.float32), **weights}, tmp_path / "b.params")
    assert PROBES.lines(tmp_path, "b.params", WORDS, prompts, lines, 8)["given"] == [True] * len(prompts)


def test_another_models_lines_are_not_its_own(prompts: list[list[int]], tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    ours, theirs = (arbitrary(decoder_shapes(WORDS, SIZES), rng) for _ in range(2))
    save(ours, tmp_path / "ours.params")
    found = PROBES.lines(tmp_path, "ours.params", WORDS, prompts, written(theirs, prompts), 8)
    assert sum(found["given"]) < 0.95 * len(prompts)


@pytest.mark.parametrize("kind", ["decoder", "encoder"])
def test_perplexity_is_numpys(rng: np.random.Generator, tmp_path: Path, kind: str) -> None:
    shapes = decoder_shapes(WORDS, SIZES) if kind == "decoder" else encoder_shapes(WORDS, 13, SIZES)
    answer = translators.decoder_logits if kind == "decoder" else translators.encoder_logits
    weights = {name: value / 4 for name, value in arbitrary(shapes, rng).items()}
    save(weights, tmp_path / "a.params")
    examples = [(rng.integers(5, 13, n).tolist(), rng.integers(5, 13, n).tolist()) for n in (3, 7, 5)]
    logs = [
        translators.negative_logs(answer(weights, SIZES["heads"], np.array([x])), np.array([y])).ravel()
        for x, y in examples
    ]
    ours = math.exp(float(np.concatenate(logs).mean()))
    words = [WORDS] if kind == "decoder" else [WORDS, 13]
    found = PROBES.perplexity(tmp_path, "a.params", kind, words, examples, 1.001 * ours)
    assert found["problem"] == ""
    assert found["perplexity"] <= 1.001 * ours


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: {"weight": np.ones((2, 2), dtype=np.float32)}, "it lacks embedding.token.weight"),
        (lambda state: {**state, "head.norm.bias": np.ones(3, dtype=np.float32)}, "head.norm.bias has another shape"),
        (lambda state: {name: value for name, value in state.items() if "blocks" not in name}, "holds no blocks"),
        (lambda state: {**state, "embedding.token.weight": np.ones((4, 16), dtype=np.float32)}, "it knows 4 words"),
    ],
)
def test_what_is_no_decoder_is_told_in_a_sentence(weights, tmp_path, change, said) -> None:
    save(change(weights), tmp_path / "b.params")
    found = PROBES.lines(tmp_path, "b.params", WORDS, [[BOS, SEP]], [[5]], 8)
    assert said in found["problem"]
    assert found["given"] == []


def test_a_file_that_is_no_archive_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.params").write_text("no params", encoding="utf-8")
    assert "torch.save" in PROBES.lines(tmp_path, "c.params", WORDS, [[BOS, SEP]], [[5]], 8)["problem"]
