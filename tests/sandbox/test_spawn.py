"""Without fork and user IDs: a fresh process per run, the same replies, containment of accidents."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.sandbox import Isolation, Sandbox, SandboxError, Status
from tests.sandbox.support import PROBES, SMALL, runner, write_tree

#: Each run imports torch anew: several seconds. So every test here makes a run do as much as it can.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spawning(tmp_path_factory):
    with Sandbox(tmp_path_factory.mktemp("spawn"), probes=PROBES, backend="spawn") as sandbox:
        yield sandbox


@pytest.fixture
def run(spawning, tmp_path):
    return runner(spawning, lambda text: write_tree(tmp_path, text))


def test_a_value_comes_back_with_output_and_a_clean_environment(run, spawning, monkeypatch):
    monkeypatch.setenv("UPLOAD_TOKEN", "secret")
    reply = run(
        """
        import os, sys, torch
        from torch.utils.data import DataLoader
        def attack(x):
            print("out"); print("err", file=sys.stderr); os.write(1, b"raw")
            weight = torch.nn.Linear(2, 2).weight
            return {"x": x * 2, "weight": weight, "environment": list(os.environ), "stdin": sys.stdin.read(),
                    "batches": len(list(DataLoader(range(4), num_workers=2))), "cwd": os.getcwd()}
        """,
        x=np.arange(3),
    )
    assert reply.status is Status.RETURNED, reply
    assert reply.value["x"].tolist() == [0, 2, 4]
    assert reply.value["weight"].shape == (2, 2)
    assert "UPLOAD_TOKEN" not in reply.value["environment"]
    assert (reply.value["stdin"], reply.value["batches"]) == ("", 4)
    assert all(word in reply.output for word in ("out", "err", "raw"))
    assert not Path(reply.value["cwd"]).exists()


def test_an_exception_comes_back(run):
    reply = run("def attack(): raise ValueError('x')")
    assert (reply.status, reply.error.type, reply.error.frames[-1].line) == (Status.RAISED, "ValueError", 1)


def test_the_deadline_and_the_output_cap_hold(run):
    text = "def attack():\n    while True: print('x' * 10000)"
    reply = run(text, limits=replace(SMALL, wall_seconds=1))
    assert reply.status is Status.TIMED_OUT
    assert len(reply.output) == SMALL.output_bytes
    assert reply.output_dropped > 0


def test_a_death_says_how(run):
    assert "exit code 3" in run("import os\ndef attack(): os._exit(3)").detail


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_cpu_time_is_limited_beyond_what_starting_takes(run):
    reply = run("def attack():\n    while True: pass", limits=replace(SMALL, cpu_seconds=1))
    assert reply.status is Status.OUT_OF_CPU


def test_garbage_in_place_of_a_reply_is_a_bad_reply(run):
    reply = run(
        "import os\ndef attack():\n    for n in range(3, 20):\n        try: os.write(n, b'x' * 99)\n        except OSError: pass"
    )
    assert reply.status is Status.BAD_REPLY


def test_it_promises_containment_only_and_does_not_grade(spawning, tmp_path):
    report = spawning.report()
    assert report.place == "containment only"
    assert not report.ok_for_grading
    with pytest.raises(SandboxError, match="too little isolation"):
        Sandbox(tmp_path, probes=PROBES, backend="spawn", isolation=Isolation.REQUIRED).start()


def test_a_probe_that_is_none_is_a_fault_of_ours(spawning, tmp_path):
    with pytest.raises(SandboxError, match="probe module"):
        spawning.run(write_tree(tmp_path), "missing.call", {}, seed=1, limits=SMALL)


def test_the_graders_side_imports_nothing_that_windows_lacks():
    """Importing the package must not need fork, resource limits or file locks, and never torch."""
    code = """
import sys
for name in ("resource", "fcntl", "grp", "pwd", "termios", "torch"):
    sys.modules[name] = None
import harness.sandbox, harness.sandbox.spawning, harness.sandbox.once, harness.sandbox.worker
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
