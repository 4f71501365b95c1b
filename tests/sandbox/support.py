"""What this room's tests share beside fixtures."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.sandbox import Limits, Reply, Sandbox, interpreter, landlock

PROBES = str(Path(__file__).parent / "probes")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can give workers user IDs of their own"
)

SMALL = Limits(wall_seconds=20, cpu_seconds=10, memory_bytes=1 << 28)

needs_landlock = pytest.mark.skipif(
    sys.platform != "linux" or landlock.abi() < 6, reason="this kernel has no Landlock of ABI 6 or later"
)

MakeTree = Callable[..., Path]
Run = Callable[..., Reply]


def write_tree(parent: Path, text: str = "", **others: str) -> Path:
    """A tree from the text of `submission/__init__.py` and of further files by name."""
    tree = Path(tempfile.mkdtemp(prefix="tree-", dir=parent))
    tree.chmod(0o755)
    package = tree / "submission"
    package.mkdir()
    package.chmod(0o755)
    for name, content in {"__init__": text, **others}.items():
        file = package / f"{name}.py"
        file.write_text(textwrap.dedent(content), encoding="utf-8")
        file.chmod(0o444)
    return tree


def runner(sandbox: Sandbox, make_tree: MakeTree) -> Run:
    """Runs `attack(**arguments)` of a submission of these lines in `sandbox`."""

    def run(text: str, function: str = "attack", limits: Limits = SMALL, seed: int = 1, **arguments: Any) -> Reply:
        tree = make_tree(text)
        return sandbox.run(tree, "calls.call", {"function": function, **arguments}, seed=seed, limits=limits)

    return run


def processes_of(user: int) -> list[int]:
    """Processes that run as `user`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (entry / "status").read_text()
            if f"\nUid:\t{user}\t" in status:
                found.append(int(entry.name))
    return found


#: An ordinary user whom nothing here belongs to.
USER = 61_233


def python_for(identity: dict[str, Any]) -> str:
    """This version of Python, with our packages, for a process of `identity`; skips where there is none."""
    minor = sys.version_info.minor
    check = f"import numpy, torch, sys; sys.exit(sys.version_info[1] != {minor})"
    for candidate in (sys.executable, f"/usr/bin/python3.{minor}", f"/usr/local/bin/python3.{minor}"):
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [candidate, "-c", check], env=environment(), capture_output=True, check=False, **identity
            )
            if done.returncode == 0:
                return candidate
    return pytest.skip(f"no Python 3.{minor} that an ordinary user can start here")


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join((str(ROOT), *interpreter._package_folders()))}
