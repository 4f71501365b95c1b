"""What runs beside DownProjectBlock and UpProjectBlock: the shapes that they return."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from harness.probes._anatomy import block, returned


def shapes(submission: ModuleType, sizes: dict[str, int], batch: int) -> dict[str, list[int]]:
    """Shapes that both blocks return for a batch of random input.

    Args:
        sizes: vocab_size, block_size, n_head, n_embd, bottleneck_dim.

    Returns:
        down: for an input (B, T, d); up: for a bottleneck output (B, m, d) and that input.
    """
    x = torch.randn(batch, sizes["block_size"], sizes["n_embd"])
    y = torch.randn(batch, sizes["bottleneck_dim"], sizes["n_embd"])
    down = returned(block(submission, "DownProjectBlock")(_config(submission, sizes))(x), "DownProjectBlock.forward")
    up = returned(block(submission, "UpProjectBlock")(_config(submission, sizes))(y, x), "UpProjectBlock.forward")
    return {"down": list(down.shape), "up": list(up.shape)}


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
