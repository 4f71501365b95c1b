"""What runs beside DownProjectBlock, UpProjectBlock and the perceiver that is built from them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch


def shapes(submission: ModuleType, sizes: dict[str, int], batch: int) -> dict[str, list[int]]:
    """Shapes that both blocks return for a batch of random input.

    Args:
        sizes: vocab_size, block_size, n_head, n_embd, bottleneck_dim.

    Returns:
        down: for an input (B, T, d); up: for a bottleneck output (B, m, d) and that input.
    """
    config = _config(submission, sizes)
    x = torch.randn(batch, sizes["block_size"], sizes["n_embd"])
    y = torch.randn(batch, sizes["bottleneck_dim"], sizes["n_embd"])
    down = submission.model.DownProjectBlock(config)(x)
    up = submission.model.UpProjectBlock(_config(submission, sizes))(y, x)
    return {"down": list(down.shape), "up": list(up.shape)}


def basis(submission: ModuleType, sizes: dict[str, int], rounds: int) -> list[list[np.ndarray]]:
    """For each of `rounds` fresh DownProjectBlocks: its parameters that hold exactly m x d numbers, in m and d."""
    m, d = sizes["bottleneck_dim"], sizes["n_embd"]
    found = []
    for _ in range(rounds):
        block = submission.model.DownProjectBlock(_config(submission, sizes))
        own = [p for p in block.parameters() if tuple(p.shape) in ((m, d), (1, m, d), (m, 1, d))]
        found.append([p.detach().numpy() for p in own])
    return found


def dependencies(submission: ModuleType, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """How far each output moves when one input position is replaced, in double precision without dropout.

    Returns:
        down: (T, m) largest change of latent j when token s of the input is replaced;
        up_latent: (m, T) largest change of output t when latent j is replaced;
        up_input: (T, T) largest change of output t when token s of the input is replaced.
    """
    torch.set_default_dtype(torch.float64)
    config = _config(submission, sizes)
    down = submission.model.DownProjectBlock(config).double().eval()
    up = submission.model.UpProjectBlock(_config(submission, sizes)).double().eval()
    x = torch.randn(2, sizes["block_size"], sizes["n_embd"])
    y = torch.randn(2, sizes["bottleneck_dim"], sizes["n_embd"])
    with torch.no_grad():
        return {
            "down": _moves(down, x),
            "up_latent": _moves(lambda each: up(each, x), y),
            "up_input": _moves(lambda each: up(y, each), x),
        }


def gradients(submission: ModuleType, sizes: dict[str, int]) -> dict[str, list[float]]:
    """One backward pass through a whole perceiver on random tokens.

    Returns:
        per parameter name: [number of dimensions, largest absolute gradient, number of non-finite gradients];
        a parameter without a gradient has -1 as its largest.
    """
    config = submission.GPTConfig(
        sizes["vocab_size"], sizes["block_size"], n_layer=3, n_head=sizes["n_head"], n_embd=sizes["n_embd"]
    )
    model = submission.initialize_perceiver_model(config, sizes["bottleneck_dim"])
    tokens = torch.randint(2, sizes["vocab_size"], (4, sizes["block_size"] + 1))
    loss = model(tokens[:, :-1], tokens[:, 1:])[1].mean()
    loss.backward()
    return {name: _gradient(parameter) for name, parameter in model.named_parameters()}


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


def _moves(block: Any, x: torch.Tensor) -> np.ndarray:
    """(positions of x, positions of the output) largest absolute change."""
    before = block(x)
    rows = []
    for position in range(x.shape[1]):
        other = x.clone()
        other[:, position] = torch.randn_like(other[:, position])
        rows.append((block(other) - before).abs().amax(dim=(0, 2)))
    return torch.stack(rows).numpy()


def _gradient(parameter: torch.nn.Parameter) -> list[float]:
    if parameter.grad is None:
        return [parameter.dim(), -1.0, 0]
    finite = torch.isfinite(parameter.grad)
    return [parameter.dim(), float(parameter.grad[finite].abs().max()) if finite.any() else 0.0, int((~finite).sum())]
