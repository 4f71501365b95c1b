"""Parts of the perceiver's probes: modules with given weights, and modules taken apart into their layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

_PROJECTIONS = ("key", "query", "value", "proj")

#: What is returned of a parameter; None stands for what a layer does not have.
Look = Callable[[torch.Tensor | None], Any]


def filled(make: Callable[[], Any], numbers: np.ndarray) -> Any:
    """A module in double precision, evaluating, whose parameters hold `numbers`, one after the other."""
    torch.set_default_dtype(torch.float64)  # what is no parameter by mistake is double as well
    module = make().double().eval()
    at = 0
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(numbers[at : at + parameter.numel()].copy()).view(parameter.shape))
            at += parameter.numel()
    return module


def kind(submission: Any, name: str) -> type | None:
    """A class of the submission by its name: of model.py, or of whatever module defines it; None where none does."""
    places = [getattr(submission, "model", None), submission, *vars(submission).values()]
    return next((found for each in places if isinstance(found := getattr(each, name, None), type)), None)


def block(submission: Any, name: str) -> Any:
    """A projection block's class by its name."""
    found = kind(submission, name)
    if found is None:
        raise AttributeError(f"no module of the package defines {name}, as model.py was given out with it")
    return found


def count(submission: Any, model: nn.Module, name: str) -> int:
    """How many modules of this class the model has; a template that does not know the class has none."""
    wanted = kind(submission, name)
    return 0 if wanted is None else sum(isinstance(each, wanted) for each in model.modules())


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function may be called with this keyword."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def value(parameter: torch.Tensor | None) -> Any:
    """The parameter as it is."""
    return None if parameter is None else parameter.detach()


def gradient(parameter: torch.Tensor | None) -> Any:
    """Its gradient, zeros where none came; None for what is no parameter."""
    if not isinstance(parameter, nn.Parameter):
        return None
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def pieces(block: nn.Module, look: Look = value) -> dict[str, Any]:
    """The layers of a block.

    Returns:
        attentions: weight and bias of key, query, value and proj of each attention layer;
        norms: [weight, bias, epsilon] of each layer norm over channels;
        linears: [weight, bias] of every other linear layer;
        basis: the block's own parameters of two dimensions or more, in order;
        others: the same of its tensors that are no parameters, buffers included.
    """
    attentions, linears = split(block)
    inside = {id(part) for attention in attentions for part in attention.modules()}
    norms = _of_kind(block, nn.LayerNorm, inside)
    own = [each for each in block.parameters() if each.dim() >= 2 and not _owned(block, each)]
    found = (*block.buffers(recurse=False), *vars(block).values())
    others = [each for each in found if isinstance(each, torch.Tensor) and each.dim() >= 2]
    return {
        "attentions": [{name: _linear(getattr(each, name), look) for name in _PROJECTIONS} for each in attentions],
        "norms": [norm(each, look) for each in norms if len(each.normalized_shape) == 1],
        "linears": [_linear(each, look) for each in linears],
        "basis": [look(each) for each in own],
        "others": [look(each) for each in others],
    }


def split(block: nn.Module) -> tuple[list[Any], list[nn.Linear]]:
    """The attention layers of a block, and its linear layers outside of them."""
    attentions = [each for each in block.modules() if _is_attention(each)]
    inside = {id(part) for attention in attentions for part in attention.modules()}
    return attentions, list(_of_kind(block, nn.Linear, inside))


def norm(layer: Any, look: Look) -> list[Any]:
    """[weight, bias, epsilon] of a layer norm; ones and zeros stand for weights that it does not have."""
    plain = (torch.ones(layer.normalized_shape), torch.zeros(layer.normalized_shape))
    return [look(each if own is None else own) for own, each in zip((layer.weight, layer.bias), plain, strict=True)] + [
        layer.eps
    ]


def _linear(layer: Any, look: Look) -> list[Any]:
    return [look(layer.weight), look(torch.zeros(layer.weight.shape[0]) if layer.bias is None else layer.bias)]


def _is_attention(module: nn.Module) -> bool:
    return all(isinstance(getattr(module, name, None), nn.Linear) for name in _PROJECTIONS)


def _of_kind(block: nn.Module, kind: type, without: set[int]) -> Iterator[Any]:
    return (each for each in block.modules() if isinstance(each, kind) and id(each) not in without)


def _owned(block: nn.Module, parameter: nn.Parameter) -> bool:
    """Whether a linear layer holds the parameter: then it is a weight and no basis."""
    return any(parameter is each.weight for each in block.modules() if isinstance(each, nn.Linear))
