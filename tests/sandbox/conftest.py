"""One sandbox for all tests of this room (its zygote takes seconds to start), and submissions made of a few lines."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import Limits, Reply, Sandbox

PROBES = str(Path(__file__).parent / "probes")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can give workers user IDs of their own"
)

SMALL = Limits(wall_seconds=20, cpu_seconds=10, memory_bytes=1 << 28)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that other users can pass, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="holdout-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def events() -> list[str]:
    """What the shared sandbox told of."""
    return []


@pytest.fixture(scope="session")
def sandbox(open_folder: Path, events: list[str]) -> Iterator[Sandbox]:
    """The strongest sandbox that this machine offers, shared."""
    with Sandbox(open_folder / "work", probes=PROBES, on_event=events.append) as shared:
        yield shared


@pytest.fixture
def make_tree(open_folder: Path) -> Callable[..., Path]:
    """Makes a tree from the text of `submission/__init__.py` and of further files by name."""
    counter = itertools.count()

    def make(text: str = "", **others: str) -> Path:
        tree = Path(tempfile.mkdtemp(prefix=f"tree-{next(counter)}-", dir=open_folder))
        tree.chmod(0o755)
        package = tree / "submission"
        package.mkdir()
        package.chmod(0o755)
        for name, content in {"__init__": text, **others}.items():
            file = package / f"{name}.py"
            file.write_text(textwrap.dedent(content), encoding="utf-8")
            file.chmod(0o444)
        return tree

    return make


Run = Callable[..., Reply]


@pytest.fixture
def run(sandbox: Sandbox, make_tree: Callable[..., Path]) -> Run:
    """Runs `attack(**arguments)` of a submission of these lines in the shared sandbox."""
    return runner(sandbox, make_tree)


def runner(sandbox: Sandbox, make_tree: Callable[..., Path]) -> Run:
    """As the fixture, for a sandbox of the test's own."""

    def run(text: str, function: str = "attack", limits: Limits = SMALL, seed: int = 1, **arguments: Any) -> Reply:
        return sandbox.run(
            make_tree(text), "calls.call", {"function": function, **arguments}, seed=seed, limits=limits
        )

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
