"""What looks into the projection blocks and a whole perceiver: the basis, who sees whom, gradients, and the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.probes.blocks import _config

_PROJECTIONS = ("key", "query", "value", "proj")
_STEP = 1e-6


def basis(submission: ModuleType, sizes: dict[str, int], rounds: int) -> dict[str, list[list[np.ndarray]]]:
    """The parameters that hold exactly m x d numbers, once for each of `rounds` initialisations.

    Returns:
        alone: those of fresh DownProjectBlocks; inside: those of the down blocks of whole perceivers, whose own
        initialisation comes last. `inside` is empty where no perceiver can be built yet.
    """
    numbers = sizes["bottleneck_dim"] * sizes["n_embd"]

    def found(block: Any) -> list[np.ndarray]:
        return [p.detach().numpy().copy() for p in block.parameters() if p.numel() == numbers]

    make = submission.model.DownProjectBlock
    alone = [found(make(_config(submission, sizes))) for _ in range(rounds)]
    try:
        inside = [found(_down_block(submission, sizes)) for _ in range(rounds)]
    except Exception:  # noqa: BLE001 - another part is missing, which other claims say
        inside = []
    return {"alone": alone, "inside": inside}


def dependencies(submission: ModuleType, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """How far each output moves when one input position is replaced, in double precision without dropout.

    Returns:
        down: (T, m) largest change of latent j when token s of the input is replaced;
        up_latent: (m, T) largest change of output t when latent j is replaced;
        up_input: (T, T) largest change of output t when token s of the input is replaced;
        model: (T, T) largest change of the scores at t when token s of a whole perceiver's input is replaced.
    """
    down = _filled(lambda: submission.model.DownProjectBlock(_config(submission, sizes)))
    up = _filled(lambda: submission.model.UpProjectBlock(_config(submission, sizes)))
    model = _filled(lambda: _perceiver(submission, sizes))
    x = torch.randn(2, sizes["block_size"], sizes["n_embd"], dtype=torch.float64)
    y = torch.randn(2, sizes["bottleneck_dim"], sizes["n_embd"], dtype=torch.float64)
    tokens = torch.randint(1, sizes["vocab_size"], (2, sizes["block_size"]))
    with torch.no_grad():
        return {
            "down": _moves(down, x, torch.randn_like),
            "up_latent": _moves(lambda each: up(each, x), y, torch.randn_like),
            "up_input": _moves(lambda each: up(y, each), x, torch.randn_like),
            "model": _moves(lambda each: model(each)[0], tokens, lambda old: old % (sizes["vocab_size"] - 1) + 1),
        }


def gradients(submission: ModuleType, sizes: dict[str, int]) -> dict[str, list[float]]:
    """One backward pass through a whole perceiver on random tokens, and the optimiser that the model asks for.

    Returns:
        per parameter name: [number of dimensions, largest absolute gradient, number of non-finite gradients, number of
        places in the optimiser's groups]; a parameter without a gradient has -1 as its largest.
    """
    model = _perceiver(submission, sizes)
    tokens = torch.randint(2, sizes["vocab_size"], (4, sizes["block_size"] + 1))
    loss = model(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous())[1].mean()
    loss.backward()
    config = submission.TrainerConfig(max_epochs=1, batch_size=4, learning_rate=1e-3)
    groups = model.configure_optimizers(config).param_groups
    places = [id(parameter) for group in groups for parameter in group["params"]]
    return {name: [*_gradient(each), places.count(id(each))] for name, each in model.named_parameters()}


def derivatives(submission: ModuleType, sizes: dict[str, int]) -> dict[str, list[float]]:
    """How fast the output of each block changes in a random direction, worked out twice.

    Returns:
        for the parameters and for each input of each block: [slope by small steps, slope by backward], each that of a
        random weighting of the output, in double precision without dropout.
    """
    x = torch.randn(2, sizes["block_size"], sizes["n_embd"], dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, sizes["bottleneck_dim"], sizes["n_embd"], dtype=torch.float64, requires_grad=True)
    down = _filled(lambda: submission.model.DownProjectBlock(_config(submission, sizes)))
    up = _filled(lambda: submission.model.UpProjectBlock(_config(submission, sizes)))
    return {
        "DownProjectBlock, parameters": _slopes(lambda: down(x), list(down.parameters())),
        "DownProjectBlock, x_input": _slopes(lambda: down(x), [x]),
        "UpProjectBlock, parameters": _slopes(lambda: up(y, x), list(up.parameters())),
        "UpProjectBlock, y": _slopes(lambda: up(y, x), [y]),
        "UpProjectBlock, x_input": _slopes(lambda: up(y, x), [x]),
    }


def anatomy(submission: ModuleType, sizes: dict[str, int], batch: int, length: int) -> dict[str, dict[str, Any]]:
    """Both blocks with random weights, taken apart, beside what they compute in double precision without dropout.

    Args:
        length: of the input, at most block_size.

    Returns:
        down, up: per block x (B, T, d), y (B, m, d; up only), output, and its pieces:
        attentions: weight and bias of key, query, value and proj of each attention layer;
        norms: [weight, bias, epsilon] of each layer norm over channels;
        linears: [weight, bias] of every other linear layer; basis: the block's own parameters, in order.
    """
    x = torch.randn(batch, length, sizes["n_embd"], dtype=torch.float64)
    y = torch.randn(batch, sizes["bottleneck_dim"], sizes["n_embd"], dtype=torch.float64)
    down = _filled(lambda: submission.model.DownProjectBlock(_config(submission, sizes)))
    up = _filled(lambda: submission.model.UpProjectBlock(_config(submission, sizes)))
    with torch.no_grad():
        return {
            "down": {"x": x, "output": down(x.clone()), **_pieces(down)},
            "up": {"x": x, "y": y, "output": up(y.clone(), x.clone()), **_pieces(up)},
        }


def _perceiver(submission: ModuleType, sizes: dict[str, int]) -> Any:
    config = submission.GPTConfig(
        sizes["vocab_size"], sizes["block_size"], n_layer=3, n_head=sizes["n_head"], n_embd=sizes["n_embd"]
    )
    return submission.initialize_perceiver_model(config, sizes["bottleneck_dim"])


def _down_block(submission: ModuleType, sizes: dict[str, int]) -> Any:
    kind = submission.model.DownProjectBlock
    return next(each for each in submission.GPT(_config(submission, sizes)).modules() if isinstance(each, kind))


def _filled(make: Callable[[], Any]) -> Any:
    """A module in double precision, evaluating, with random weights large enough that every path shows."""
    torch.set_default_dtype(torch.float64)  # what is no parameter by mistake is double as well
    module = make().double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0.0, 1.0 / math.sqrt(parameter.shape[-1]))
            else:
                parameter.normal_(0.5, 0.3)
    return module


def _moves(block: Callable[[Any], Any], x: torch.Tensor, another: Callable[[Any], Any]) -> np.ndarray:
    """(positions of x, positions of the output) largest absolute change."""
    before = block(x)
    rows = []
    for position in range(x.shape[1]):
        other = x.clone()
        other[:, position] = another(other[:, position])
        rows.append((block(other) - before).abs().amax(dim=(0, 2)))
    return torch.stack(rows).numpy()


def _gradient(parameter: torch.nn.Parameter) -> list[float]:
    if parameter.grad is None:
        return [parameter.dim(), -1.0, 0]
    finite = torch.isfinite(parameter.grad)
    return [parameter.dim(), float(parameter.grad[finite].abs().max()) if finite.any() else 0.0, int((~finite).sum())]


def _slopes(output: Callable[[], torch.Tensor], moved: list[torch.Tensor]) -> list[float]:
    """[slope by central differences, slope by backward] of a random weighting of the output, in a random direction."""
    weighting = torch.randn_like(output())
    directions = [torch.randn_like(each) for each in moved]
    value = (output() * weighting).sum()
    found = torch.autograd.grad(value, moved, allow_unused=True) if value.requires_grad else [None] * len(moved)
    backward = sum(float((g * d).sum()) for g, d in zip(found, directions, strict=True) if g is not None)
    sides = []
    with torch.no_grad():
        for step in (_STEP, -2 * _STEP, _STEP):  # there, to the other side, and back
            for each, direction in zip(moved, directions, strict=True):
                each.add_(direction, alpha=step)
            sides.append(float((output() * weighting).sum()))
    return [(sides[0] - sides[1]) / (2 * _STEP), backward]


def _pieces(block: nn.Module) -> dict[str, Any]:
    attentions = [each for each in block.modules() if _is_attention(each)]
    inside = {id(part) for attention in attentions for part in attention.modules()}
    return {
        "attentions": [{name: _linear(getattr(each, name)) for name in _PROJECTIONS} for each in attentions],
        "norms": [[*_affine(each), each.eps] for each in _of_kind(block, nn.LayerNorm, inside) if _is_plain(each)],
        "linears": [_linear(each) for each in _of_kind(block, nn.Linear, inside)],
        "basis": [p for _, p in block.named_parameters() if p.dim() >= 2 and not _owned(block, p)],
    }


def _is_attention(module: nn.Module) -> bool:
    return all(isinstance(getattr(module, name, None), nn.Linear) for name in _PROJECTIONS)


def _is_plain(norm: Any) -> bool:
    return len(norm.normalized_shape) == 1


def _of_kind(block: nn.Module, kind: type, without: set[int]) -> Iterator[Any]:
    return (each for each in block.modules() if isinstance(each, kind) and id(each) not in without)


def _owned(block: nn.Module, parameter: nn.Parameter) -> bool:
    """Whether a linear layer holds the parameter: then it is a weight and no basis."""
    return any(parameter is each.weight for each in block.modules() if isinstance(each, nn.Linear))


def _linear(layer: Any) -> list[Any]:
    return [layer.weight, layer.bias if layer.bias is not None else torch.zeros(layer.weight.shape[0])]


def _affine(norm: Any) -> list[Any]:
    plain = [torch.ones(norm.normalized_shape), torch.zeros(norm.normalized_shape)]
    return [given if given is not None else other for given, other in zip((norm.weight, norm.bias), plain, strict=True)]
