"""What lets the uploaded code answer questions again, from its uploaded params: for students' own machines.

It is asked with the vocabulary and the questions, and never with the text, in which the answers stand.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from harness.probes._lines import LONGEST
from harness.probes._params import read

MASK = "\u2047"


def answers(
    submission: ModuleType, params: str, variant: str, vocabulary: list[str], questions: list[str], seconds: float
) -> dict[str, list[str]]:
    """What the model in the uploaded file `params` answers, greedily, one question at a time.

    Sizes are read from the shapes in the file. The number of heads shows in none of them: where no preset of the
    submission has the other sizes, the usual numbers are tried one after the other.

    Args:
        variant: "vanilla" or "perceiver".
        vocabulary: the characters by index.
        seconds: of computing; what is not answered by then stays unanswered.

    Returns:
        the answers to the first questions, by the number of heads.
    """
    state = read(Path(submission.__file__ or "").parent / params)
    if isinstance(state, str):
        raise ValueError(f"{params}: {state}")  # noqa: TRY004 - the file is wrong, not a type
    width, layers = state["tok_emb.weight"].shape[1], len({_block(name) for name in state} - {None})
    layers += 2 if variant == "perceiver" else 0
    until, found = time.process_time() + seconds, {}
    for heads in _heads(submission, layers, width):
        config = submission.GPTConfig(
            state["tok_emb.weight"].shape[0], state["pos_emb"].shape[1], n_layer=layers, n_head=heads, n_embd=width
        )
        extra = (_latents(state, width),) if variant == "perceiver" else ()
        model = getattr(submission, f"initialize_{variant}_model")(config, *extra)
        model.load_state_dict(state)
        model.eval()
        found[str(heads)] = _answers(model, vocabulary, questions, until)
    return found


@torch.no_grad()
def _answers(model: Any, vocabulary: list[str], questions: list[str], until: float) -> list[str]:
    index = {character: place for place, character in enumerate(vocabulary)}
    mask = index[MASK]
    found: list[str] = []
    for question in questions:
        if time.process_time() > until:
            break
        x = torch.tensor([[index[character] for character in question] + [mask]], dtype=torch.long)
        start = x.shape[1]
        while x.shape[1] < start + LONGEST and not (x.shape[1] > start and int(x[0, -1]) == mask):
            x = torch.cat([x, model(x)[0][:, -1:].argmax(dim=-1)], dim=1)
        text = "".join(vocabulary[int(token)] for token in x[0, start:])
        found.append(text.split(MASK)[0].replace("\n", " "))
    return found


def _block(name: str) -> str | None:
    """The number of the Block that a tensor belongs to."""
    match = re.match(r"blocks\.(\d+)\.", name)
    return match[1] if match else None


def _heads(submission: ModuleType, layers: int, width: int) -> list[int]:
    presets = getattr(getattr(submission, "trainer", None), "PRESETS", {})
    fitting = [each.n_head for each in presets.values() if (each.n_layer, each.n_embd) == (layers, width)]
    return fitting[:1] or [heads for heads in (8, 4, 2) if width % heads == 0]


def _latents(state: dict[str, torch.Tensor], width: int) -> int:
    """The m of the basis (1, m, d) or (m, d) in a perceiver's file."""
    for name, tensor in state.items():
        if name.startswith("down_block.") and name.count(".") == 1 and tensor.shape[-1] == width:
            return tensor.numel() // width
    raise ValueError("the file holds no basis")
