"""One sandbox for all tests of this room (its zygote takes seconds to start), and submissions made of a few lines."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from tests.sandbox.support import PROBES, MakeTree, Run, runner, write_tree


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
    """The strongest sandbox that this machine offers, shared. Whatever the tests do to it, its zygote must live on."""
    with Sandbox(open_folder / "work", probes=PROBES, on_event=events.append) as shared:
        yield shared
        assert not [event for event in events if "restart" in event or "could not" in event]


@pytest.fixture
def make_tree(open_folder: Path) -> MakeTree:
    """Makes a tree from the text of `submission/__init__.py` and of further files by name."""
    return functools.partial(write_tree, open_folder)


@pytest.fixture
def run(sandbox: Sandbox, make_tree: MakeTree) -> Run:
    """Runs `attack(**arguments)` of a submission of these lines in the shared sandbox."""
    return runner(sandbox, make_tree)
