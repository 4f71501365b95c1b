"""Sizes, masks and parameter groups of the reference's model."""

import copy
from typing import Any

import pytest
import torch

HANDOUT = {"vocab_size": 256, "block_size": 128, "n_layer": 4, "n_head": 8, "n_embd": 256}


def count(model: Any) -> Any:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_vanilla_model_of_the_handout_has_its_known_size(build: Any) -> None:
    model = build(**HANDOUT)
    assert count(model) == 3_323_392
    assert len(model.state_dict()) == 73


def test_the_perceiver_of_the_handout_has_its_known_size(build: Any) -> None:
    model = build(**HANDOUT, bottleneck_dim=32)
    assert count(model) == 3_331_584
    assert len(model.state_dict()) == 74


def test_the_basis_is_xavier_uniform(build: Any) -> None:
    basis = build(**HANDOUT, bottleneck_dim=32).down_block.C
    bound = (6 / (32 * 256 + 256)) ** 0.5
    assert basis.shape == (1, 32, 256)
    assert basis.requires_grad
    assert bound * 0.99 < basis.abs().max() <= bound
    assert abs(basis.std() / (bound / 3**0.5) - 1) < 0.03


def seen(function: Any, x: Any) -> Any:
    """0/1 matrix: does output position t move when input position s does? x is (1, T, C)."""
    base = function(x)
    rows = []
    for position in range(x.size(1)):
        moved = x.clone()
        moved[:, position] += torch.randn(x.size(-1))
        rows.append((function(moved) - base).abs().amax(dim=-1)[0] > 1e-7)
    return torch.stack(rows, dim=1).int().tolist()


def attention(submission: Any, kind: str) -> Any:
    config = submission.GPTConfig(20, 6, n_head=2, n_embd=8)
    return getattr(submission, kind)(config).eval()


def test_self_attention_sees_itself_and_what_came_before(submission: Any) -> None:
    layer = attention(submission, "CausalSelfAttention")
    assert seen(layer, torch.randn(1, 3, 8)) == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_a_latent_sees_the_tokens_up_to_its_own_number(submission: Any) -> None:
    layer = attention(submission, "CausalCrossAttention")
    queries = torch.randn(1, 3, 8)
    assert seen(lambda tokens: layer(tokens, queries), torch.randn(1, 5, 8)) == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
    ]


def test_a_token_sees_the_latents_up_to_its_own_number(submission: Any) -> None:
    layer = attention(submission, "CausalCrossAttention")
    queries = torch.randn(1, 5, 8)
    assert seen(lambda latents: layer(latents, queries), torch.randn(1, 3, 8)) == [
        [1, 0, 0],
        [1, 1, 0],
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
    ]


def test_one_query_serves_the_whole_batch(submission: Any) -> None:
    layer = attention(submission, "CausalCrossAttention")
    tokens, query = torch.randn(4, 5, 8), torch.randn(1, 3, 8)
    torch.testing.assert_close(layer(tokens, query), layer(tokens, query.expand(4, -1, -1)))


def test_the_perceiver_never_looks_ahead_and_sees_no_token_beyond_the_bottleneck_but_its_own(build: Any) -> None:
    model = build(block_size=6, bottleneck_dim=3)
    pattern = []
    idx = torch.tensor([[2, 3, 4, 5, 6, 7]])
    base = model(idx)[0]
    for position in range(6):
        moved = idx.clone()
        moved[0, position] = 9
        pattern.append(((model(moved)[0] - base).abs().amax(dim=-1)[0] > 1e-9).int())
    assert torch.stack(pattern, dim=1).tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 1, 0, 0, 1],
    ]


@pytest.mark.parametrize("bottleneck_dim", [None, 5])
def test_every_parameter_learns(build: Any, bottleneck_dim: Any) -> None:
    model = build() if bottleneck_dim is None else build(bottleneck_dim=bottleneck_dim)
    x = torch.randint(2, 20, (4, 24))
    model(x, x)[1].backward()
    still = [
        name
        for name, parameter in model.named_parameters()
        # A key's bias adds the same to all scores of a query, which the softmax takes away again.
        if not name.endswith("key.bias") and not (parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0)
    ]
    assert still == []


def test_the_loss_ignores_pads(build: Any) -> None:
    model = build()
    x = torch.randint(2, 20, (2, 10))
    y = x.clone()
    y[:, 4:] = 0
    torch.testing.assert_close(model(x, y)[1], model(x[:, :4], y[:, :4])[1])


class Odd(torch.nn.Module):
    """What a student might add: a layer in a layer, a parameter with a misleading name, a tied layer."""

    def __init__(self, tied: Any) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3, 3))
        self.more = torch.nn.ModuleDict({"bias": torch.nn.Linear(4, 4), "conv": torch.nn.Conv1d(2, 2, 3)})
        self.tied = tied


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_every_parameter_is_in_exactly_one_group_whatever_its_name(build: Any, submission: Any, optimizer: Any) -> None:
    model = build(bottleneck_dim=5)
    model.odd = Odd(model.blocks[0].mlp[0])
    model.odd.frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    groups = model.configure_optimizers(submission.TrainerConfig(optimizer=optimizer)).param_groups

    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)

    linear = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Linear)}
    assert id(model.odd.more["bias"].weight) in linear
    for group in groups:
        for parameter in group["params"]:
            assert (group["weight_decay"] > 0) == (id(parameter) in linear), parameter.shape


def test_an_output_layer_tied_to_the_embedding_is_still_held_once(build: Any, submission: Any) -> None:
    model = build()
    model.head.weight = model.tok_emb.weight
    groups = model.configure_optimizers(submission.TrainerConfig(optimizer="muon")).param_groups
    assert sum(p is model.head.weight for group in groups for p in group["params"]) == 1


@pytest.mark.parametrize(
    "changes", [{"bottleneck_dim": 24}, {"bottleneck_dim": 0}, {"bottleneck_dim": 5, "n_layer": 1}]
)
def test_an_impossible_perceiver_is_refused_with_the_reason(build: Any, changes: Any) -> None:
    with pytest.raises(ValueError, match=r"bottleneck_dim must lie between|a first and a last layer"):
        build(**changes)


def test_a_sequence_longer_than_the_block_is_refused(build: Any) -> None:
    with pytest.raises(ValueError, match="at most 24 tokens at a time, but got 25"):
        build()(torch.zeros(1, 25, dtype=torch.long))


def test_a_config_is_not_shared_between_the_inner_blocks_and_the_outer(build: Any) -> None:
    model = build(bottleneck_dim=5)
    assert model.blocks[0].attn.mask.shape == (1, 1, 5, 5)
    assert model.down_block.attn.mask.shape == (1, 1, 24, 24)
    assert copy.deepcopy(model.config).block_size == 24
