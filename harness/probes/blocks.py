"""What runs beside DownProjectBlock and UpProjectBlock: what they are made of, and the shapes that they return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import torch
from torch import nn

from harness.probes._anatomy import block, split
from harness.probes._returned import returned

#: What attention gives in `frame`, in every channel, whatever goes in.
_CONSTANT = 0.5


def basis(submission: ModuleType, sizes: dict[str, int]) -> list[dict[str, Any]]:
    """The tensors of a DownProjectBlock that hold m x d numbers.

    Args:
        sizes: vocab_size, block_size, n_head, n_embd, bottleneck_dim; so in all probes here.

    Returns:
        per tensor its `shape`, whether it is a `parameter` that is trained, and whether it is all `zero`.
    """
    down = block(submission, "DownProjectBlock")(_config(submission, sizes))
    numbers = sizes["bottleneck_dim"] * sizes["n_embd"]
    plain = [each for each in vars(down).values() if isinstance(each, torch.Tensor)]
    found = {id(each): each for each in (*down.parameters(), *down.buffers(), *plain) if each.numel() == numbers}
    return [
        {
            "shape": list(each.shape),
            "parameter": isinstance(each, nn.Parameter) and each.requires_grad,
            "zero": not bool(each.detach().any()),
        }
        for each in found.values()
    ]


def asked(submission: ModuleType, sizes: dict[str, int], batch: int) -> dict[str, list[list[int]]]:
    """What both blocks hand to the cross-attention of attention.py, as far as they come.

    Returns:
        down, up: per call of it the length of the keys and values, and that of the query.
    """
    x, y = _inputs(sizes, batch)
    down = block(submission, "DownProjectBlock")(_config(submission, sizes))
    up = block(submission, "UpProjectBlock")(_config(submission, sizes))
    return {"down": _lengths(down, x), "up": _lengths(up, y, x)}


def shapes(submission: ModuleType, sizes: dict[str, int], batch: int) -> dict[str, list[int]]:
    """Shapes that both blocks return for a batch of random input.

    Returns:
        down: for an input (B, T, d); up: for a bottleneck output (B, m, d) and that input.
    """
    x, y = _inputs(sizes, batch)
    return {
        "down": list(_forward(submission, "DownProjectBlock", sizes, x).shape),
        "up": list(_forward(submission, "UpProjectBlock", sizes, y, x).shape),
    }


def frame(submission: ModuleType, sizes: dict[str, int], batch: int) -> dict[str, dict[str, float]]:
    """Whether residual connections and MLP of both blocks are there: what comes out when layers give nothing.

    Returns:
        down, up: the largest number that comes out where attention gives the same everywhere and the MLP nothing
        (`around_mlp`), where both give nothing (`around_attention`), and the largest change by the MLP (`mlp`). None of
        them is zero in a whole block. Empty where a block has no attention layer with query, key, value and proj.
    """
    x, y = _inputs(sizes, batch)
    down = block(submission, "DownProjectBlock")(_config(submission, sizes)).eval()
    up = block(submission, "UpProjectBlock")(_config(submission, sizes)).eval()
    with torch.no_grad():
        return {"down": _frame_of(down, x), "up": _frame_of(up, y, x)}


def _frame_of(module: nn.Module, *inputs: torch.Tensor) -> dict[str, float]:
    attentions, linears = split(module)
    if not attentions or any(each.proj.bias is None for each in attentions):
        return {}
    with _giving(attentions, linears, _CONSTANT, mlp=True):
        whole = module(*inputs)
    with _giving(attentions, linears, _CONSTANT, mlp=False):
        around_mlp = module(*inputs)
    with _giving(attentions, linears, 0.0, mlp=False):
        around_attention = module(*inputs)
    return {
        "around_mlp": float(around_mlp.abs().max()),
        "around_attention": float(around_attention.abs().max()),
        "mlp": float((whole - around_mlp).abs().max()),
    }


@contextmanager
def _giving(attentions: list[Any], linears: list[nn.Linear], constant: float, *, mlp: bool) -> Iterator[None]:
    """While attention gives a constant, and the MLP what it gives, or nothing."""
    silenced = [] if mlp else linears
    kept = [(p, p.clone()) for each in (*(a.proj for a in attentions), *silenced) for p in each.parameters()]
    for parameter, _ in kept:
        parameter.zero_()
    for each in attentions:
        each.proj.bias.fill_(constant)
    yield
    for parameter, before in kept:
        parameter.copy_(before)


def _lengths(module: nn.Module, *inputs: torch.Tensor) -> list[list[int]]:
    seen: list[list[int]] = []

    def note(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        handed = [*given, *(named[name] for name in ("x_kv", "x_q") if name in named)]
        seen.append([int(each.shape[-2]) for each in handed[:2] if isinstance(each, torch.Tensor) and each.dim() >= 2])

    for attention in split(module)[0]:
        attention.register_forward_pre_hook(note, with_kwargs=True)
    with suppress(Exception), torch.no_grad():  # what it raises is told where shapes are asked for
        module(*inputs)
    return [each for each in seen if len(each) == 2]


def _forward(submission: ModuleType, name: str, sizes: dict[str, int], *inputs: torch.Tensor) -> torch.Tensor:
    module = block(submission, name)(_config(submission, sizes))
    output: torch.Tensor = returned(module(*inputs), f"{name}.forward", type(module).forward)
    return output


def _inputs(sizes: dict[str, int], batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x (B, T, d) and y (B, m, d)."""
    x = torch.randn(batch, sizes["block_size"], sizes["n_embd"])
    return x, torch.randn(batch, sizes["bottleneck_dim"], sizes["n_embd"])


def _config(submission: ModuleType, sizes: dict[str, int]) -> Any:
    """A fresh configuration each time: blocks may change theirs."""
    return submission.GPTConfig(
        sizes["vocab_size"],
        sizes["block_size"],
        n_layer=3,
        n_head=sizes["n_head"],
        n_embd=sizes["n_embd"],
        perceiver=True,
        bottleneck_dim=sizes["bottleneck_dim"],
    )
