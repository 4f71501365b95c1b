"""The grader's own GPT in numpy is the reference's in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.grading.feedback import Failure
from harness.problems.birthplaces import reference_model
from harness.tests_hidden.perceivers import draw_numbers, expect_drawn
from tests.conftest import reference_package

SIZES = {"vocab_size": 23, "block_size": 14, "n_layer": 2, "n_head": 3, "n_embd": 12}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def torch_model(weights: dict[str, np.ndarray]) -> Any:
    import torch

    with reference_package() as submission:
        rest = {name: SIZES[name] for name in ("n_layer", "n_head", "n_embd")}
        model = submission.GPT(submission.GPTConfig(SIZES["vocab_size"], SIZES["block_size"], **rest)).eval()
    state = {name: torch.from_numpy(each) for name, each in weights.items()}
    model.load_state_dict(state, strict=False)
    assert {name for name, _ in model.named_parameters()} == set(state)
    return model


def test_names_and_shapes_are_those_of_the_reference_in_its_order() -> None:
    weights = reference_model.untrained(SIZES, np.random.default_rng(0))
    found = {name: tuple(each.shape) for name, each in torch_model(weights).named_parameters()}
    assert list(found.items()) == list(reference_model.shapes(SIZES).items())


@pytest.mark.parametrize("length", [1, 5, 14])
def test_scores_and_loss_are_those_of_the_reference(length: int, rng: np.random.Generator) -> None:
    import torch

    weights = reference_model.arbitrary(SIZES, rng)
    x, y = (rng.integers(0, 23, (4, length)) for _ in range(2))
    y[0, 0] = 3
    with torch.no_grad():
        logits, loss = torch_model(weights)(torch.from_numpy(x), torch.from_numpy(y))
    wanted = reference_model.logits(weights, x, 3)
    assert np.abs(logits.numpy() - wanted).max() < 1e-4
    assert reference_model.agree(logits.numpy(), wanted)
    assert reference_model.loss(weights, x, y, 3) == pytest.approx(float(loss), rel=1e-5)


def test_every_tensor_shows_in_the_scores(rng: np.random.Generator) -> None:
    weights = reference_model.arbitrary(SIZES, rng)
    tokens = np.arange(14)[None]
    wanted = reference_model.logits(weights, tokens, 3)
    for name, value in weights.items():
        if name.endswith("key.bias"):
            continue  # adds the same to all logits of a query
        other = {**weights, name: -value}
        assert not reference_model.agree(reference_model.logits(other, tokens, 3).astype(np.float32), wanted), name


@pytest.mark.parametrize("wrong", ["nan", "shape", "type", "noise", "zeros", "none"])
def test_other_scores_do_not_agree(wrong: str, rng: np.random.Generator) -> None:
    wanted = reference_model.logits(reference_model.arbitrary(SIZES, rng), np.arange(14)[None], 3)
    seen: dict[str, Any] = {
        "nan": np.where(wanted == wanted.max(), np.nan, wanted),
        "shape": wanted[:, :-1],
        "type": wanted.astype(np.int64),
        "noise": wanted + 0.1 * rng.standard_normal(wanted.shape),
        "zeros": np.zeros_like(wanted),
        "none": None,
    }
    assert not reference_model.agree(seen[wrong], wanted)


def test_weights_of_another_model_do_not_fit(rng: np.random.Generator) -> None:
    weights = reference_model.untrained(SIZES, rng)
    assert reference_model.fits(weights, SIZES)
    assert not reference_model.fits({**weights, "pos_emb": weights["pos_emb"][:, 1:]}, SIZES)
    assert not reference_model.fits({**weights, "ln_f.bias": np.full(12, np.inf)}, SIZES)
    assert not reference_model.fits({name: each for name, each in weights.items() if name != "pos_emb"}, SIZES)
    assert not reference_model.fits(None, SIZES)


def test_only_stretches_of_the_given_numbers_count_as_given(rng: np.random.Generator) -> None:
    numbers = draw_numbers(rng)
    expect_drawn({"a": [numbers[5:17].reshape(3, 4), np.ones(3)], "b": None}, numbers)
    for other in (numbers[5:17].reshape(3, 4) * 2, np.zeros((2, 2)), numbers[[5, 7, 6, 8]].reshape(2, 2)):
        with pytest.raises(Failure):
            expect_drawn({"a": [other]}, numbers)
