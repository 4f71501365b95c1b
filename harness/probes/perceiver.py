"""What looks into the projection blocks and a whole perceiver: the basis, who sees whom, gradients, and the weights.

Weights and inputs are the graded test's own random numbers: it works out the same things where no student code runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.probes._anatomy import block, filled, gradient, kind, norm, pieces, value
from harness.probes.blocks import _config


def basis(submission: ModuleType, sizes: dict[str, int], rounds: int) -> dict[str, Any]:
    """The parameters that hold exactly m x d numbers, once for each of `rounds` initialisations.

    Returns:
        alone: those of fresh DownProjectBlocks; inside: those of the down blocks of whole perceivers, whose own
        initialisation comes last. `inside` is empty where no perceiver can be built yet.
        moved: whether a block moves such a parameter to a device itself. On a GPU the result is no parameter any more.
    """
    numbers = sizes["bottleneck_dim"] * sizes["n_embd"]

    def found(down: Any) -> list[np.ndarray]:
        return [p.detach().numpy().copy() for p in down.parameters() if p.numel() == numbers]

    make = block(submission, "DownProjectBlock")
    with _moves_of_parameters() as moved:
        alone = [found(make(_config(submission, sizes))) for _ in range(rounds)]
    try:
        inside = [found(_part(submission, submission.GPT(_config(submission, sizes)), "Down")) for _ in range(rounds)]
    except Exception:  # noqa: BLE001 - another part is missing, which other graded tests say
        inside = []
    return {"alone": alone, "inside": inside, "moved": numbers in moved}


@contextmanager
def _moves_of_parameters() -> Iterator[list[int]]:
    """The sizes of parameters that `.to` and `.cuda` are called on meanwhile, and not by a module that moves."""
    sizes: list[int] = []
    kept = {name: getattr(torch.Tensor, name) for name in ("to", "cuda")}

    def noticing(move: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(self: torch.Tensor, *arguments: Any, **options: Any) -> Any:
            sizes.append(self.numel())
            return move(self, *arguments, **options)

        return noticed

    kind_of_parameter: Any = nn.Parameter
    for name, move in kept.items():
        setattr(kind_of_parameter, name, noticing(move))
    try:
        yield sizes
    finally:
        for name in kept:
            delattr(kind_of_parameter, name)


def dependencies(
    submission: ModuleType, sizes: dict[str, int], numbers: np.ndarray, x: np.ndarray, y: np.ndarray, tokens: np.ndarray
) -> dict[str, np.ndarray]:
    """How far each output moves when one input position is replaced, in double precision without dropout.

    Args:
        numbers: fill the parameters, of each module from the first on.
        x: (2 B, T, d), y: (2 B, m, d), tokens: (2 B, T), whose second halves replace positions of the first ones.

    Returns:
        down: (T, m) largest change of latent j when token s of the input is replaced;
        up_latent: (m, T) largest change of output t when latent j is replaced;
        up_input: (T, T) largest change of output t when token s of the input is replaced;
        model: (T, T) largest change of the logits at t when token s of a whole perceiver's input is replaced.
    """
    down = filled(lambda: block(submission, "DownProjectBlock")(_config(submission, sizes)), numbers)
    up = filled(lambda: block(submission, "UpProjectBlock")(_config(submission, sizes)), numbers)
    model = filled(lambda: _perceiver(submission, sizes), numbers)
    inputs, latents, words = (torch.from_numpy(each.copy()).chunk(2) for each in (x, y, tokens))
    with torch.no_grad():
        return {
            "down": _moves(down, *inputs),
            "up_latent": _moves(lambda each: up(each, inputs[0]), *latents),
            "up_input": _moves(lambda each: up(latents[0], each), *inputs),
            "model": _moves(lambda each: model(each)[0], *words),
        }


def anatomy(
    submission: ModuleType, sizes: dict[str, int], numbers: np.ndarray, x: np.ndarray, y: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Both blocks with given weights, taken apart, beside what they compute in double precision without dropout.

    Args:
        x: (B, T, d), with T at most block_size; y: (B, m, d).

    Returns:
        down, up: per block its output, and its layers as `_anatomy.pieces` describes them.
    """
    down = filled(lambda: block(submission, "DownProjectBlock")(_config(submission, sizes)), numbers)
    up = filled(lambda: block(submission, "UpProjectBlock")(_config(submission, sizes)), numbers)
    with torch.no_grad():
        return {
            "down": {"output": down(torch.from_numpy(x.copy())), **pieces(down)},
            "up": {"output": up(torch.from_numpy(y.copy()), torch.from_numpy(x.copy())), **pieces(up)},
        }


def whole(
    submission: ModuleType, sizes: dict[str, int], numbers: np.ndarray, tokens: np.ndarray, weighting: np.ndarray
) -> dict[str, Any]:
    """A whole perceiver with given weights, taken apart, beside what it computes and the gradients of all of it.

    Args:
        tokens: (B, T); weighting: (B, T, vocab_size), the logits' weights in the sum whose gradients are asked for.

    Returns:
        logits: (B, T, vocab_size); down, up: what the projection blocks gave on the way;
        weights, gradients: embedding, positions, down, blocks, up, last (layer norm) and head, by one structure;
        parameters: per name [dimensions, largest absolute gradient, non-finite gradients, places in the optimiser], -1
        as the largest where there is none, and as the places where the GPT of another template makes no optimiser.
        Where the model has no projection blocks, logits is None and all there is.
    """
    model = filled(lambda: _perceiver(submission, sizes), numbers)
    blocks = [_part(submission, model, which) for which in ("Down", "Up")]
    if None in blocks:
        return {"logits": None}
    passed: dict[Any, torch.Tensor] = {}
    for each in blocks:
        each.register_forward_hook(lambda module, _, output: passed.update({module: output.detach()}))
    logits = model(torch.from_numpy(tokens.copy()))[0]
    (logits * torch.from_numpy(weighting.copy())).sum().backward()
    optimised = _optimised(submission, model)
    return {
        "logits": logits.detach(),
        "down": passed.get(blocks[0]),
        "up": passed.get(blocks[1]),
        "weights": _taken_apart(model, blocks, value),
        "gradients": _taken_apart(model, blocks, gradient),
        "parameters": {
            name: [*_extent(each), -1 if optimised is None else optimised.count(id(each))]
            for name, each in model.named_parameters()
        },
    }


def _optimised(submission: ModuleType, model: Any) -> list[int] | None:
    """The identities of what the model's optimiser holds; None where it is the Trainer that groups the parameters."""
    if not hasattr(model, "configure_optimizers"):
        return None
    config = submission.TrainerConfig(max_epochs=1, batch_size=4, learning_rate=1e-3)
    return [id(each) for group in model.configure_optimizers(config).param_groups for each in group["params"]]


def _taken_apart(model: Any, blocks: list[Any], look: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "embedding": look(model.tok_emb.weight),
        "positions": look(model.pos_emb),
        "down": pieces(blocks[0], look),
        "blocks": [pieces(each, look) for each in model.blocks],
        "up": pieces(blocks[1], look),
        "last": norm(model.ln_f, look),
        "head": look(model.head.weight),
    }


def _perceiver(submission: ModuleType, sizes: dict[str, int]) -> Any:
    config = submission.GPTConfig(
        sizes["vocab_size"], sizes["block_size"], n_layer=3, n_head=sizes["n_head"], n_embd=sizes["n_embd"]
    )
    return submission.initialize_perceiver_model(config, sizes["bottleneck_dim"])


def _part(submission: ModuleType, model: Any, which: str) -> Any:
    """The model's DownProjectBlock or UpProjectBlock, None where it has none."""
    wanted = kind(submission, f"{which}ProjectBlock")
    return next((each for each in model.modules() if wanted is not None and isinstance(each, wanted)), None)


def _moves(function: Callable[[Any], Any], x: torch.Tensor, another: torch.Tensor) -> np.ndarray:
    """(positions of x, positions of the output) largest absolute change."""
    before = function(x)
    rows = []
    for position in range(x.shape[1]):
        other = x.clone()
        other[:, position] = another[:, position]
        rows.append((function(other) - before).abs().amax(dim=(0, 2)))
    return torch.stack(rows).numpy()


def _extent(parameter: torch.nn.Parameter) -> list[float]:
    if parameter.grad is None:
        return [parameter.dim(), -1.0, 0]
    finite = torch.isfinite(parameter.grad)
    return [parameter.dim(), float(parameter.grad[finite].abs().max()) if finite.any() else 0.0, int((~finite).sum())]
