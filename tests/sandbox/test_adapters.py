"""Code that names a GPU outright runs where there is none; nothing of PyTorch is lost that a worker does not load at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.assignment import ROOT

_MOVES = """
import torch
from harness.sandbox.adapters import stay_on_cpu
stay_on_cpu()
x = torch.nn.Parameter(torch.ones(2))
moved = [x.to("cuda"), x.to(torch.device("cuda:0")), x.to(device="cuda"), x.cuda(), x.to("cuda", torch.float64)]
model = torch.nn.Linear(2, 2)
models = [model.to("cuda"), model.cuda(), torch.nn.DataParallel(model).to(torch.cuda.current_device())]
assert {str(each.device) for each in moved} == {"cpu"}
assert moved[-1].dtype is torch.float64
assert all(each(x[None]).shape == (1, 2) for each in models)
assert x.to(torch.float64).dtype is torch.float64
"""

_PRELOADED = """
import sys
from harness.sandbox.preload import preload
preload("harness.probes", for_forks=True)
import torch
model = torch.nn.Linear(2, 2)
def is_stand_in():
    return type(sys.modules["torch._dynamo"]).__name__ == "_Dynamo"
"""

_STEPS = """
for name in ("AdamW", "SGD", "Muon"):
    optimizer = getattr(torch.optim, name)([model.weight], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    before = model.weight.clone()
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        schedule.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert not torch.equal(model.weight, before)
assert is_stand_in()
"""

_MORE = """
from torch.utils.checkpoint import checkpoint
assert checkpoint(model, torch.ones(1, 2), use_reentrant=False).shape == (1, 2)
assert not is_stand_in()
"""

_SUBMODULE = """
import torch._dynamo.config
assert torch._dynamo.config.cache_size_limit > 0
assert not is_stand_in()
"""


@pytest.mark.parametrize(
    "program",
    [_MOVES, _PRELOADED + _STEPS, _PRELOADED + _MORE, _PRELOADED + _SUBMODULE],
    ids=["moves_to_a_gpu", "steps_of_optimisers", "what_needs_the_compiler", "a_module_of_the_compiler"],
)
def test_it_runs(program: str) -> None:
    done = subprocess.run(  # a process of its own, since torch is changed for good
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env={"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
