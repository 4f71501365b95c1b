"""Code that names a GPU outright runs where there is none."""

from __future__ import annotations

import subprocess
import sys

from harness.assignment import ROOT

_PROGRAM = """
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


def test_what_is_moved_to_a_gpu_stays_where_there_is_none() -> None:
    done = subprocess.run(  # a process of its own, since torch is changed for good
        [sys.executable, "-c", _PROGRAM],
        cwd=ROOT,
        env={"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
