"""The reference as a package, and things small enough to test it with."""

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "reference_solution" / "src"


@pytest.fixture
def source() -> Path:
    """The folder that holds run.py."""
    return SOURCE


@pytest.fixture(scope="session")
def submission() -> ModuleType:
    """The reference's package, under a name that no other test's `submission` can take."""
    name = "reference_submission"
    if name not in sys.modules:
        folder = SOURCE / "submission"
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test draws the same."""
    import torch

    random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # more only stand in each other's way on tensors this small


@pytest.fixture
def build(submission: ModuleType) -> Callable[..., Any]:
    """build(**changes) makes a small vanilla model in evaluation mode, or a perceiver where bottleneck_dim is given."""

    def make(**changes: Any) -> Any:
        sizes = {"vocab_size": 20, "block_size": 24, "n_layer": 3, "n_head": 2, "n_embd": 16} | changes
        m = sizes.pop("bottleneck_dim", None)
        config = submission.GPTConfig(sizes.pop("vocab_size"), sizes.pop("block_size"), **sizes)
        model = (
            submission.initialize_vanilla_model(config)
            if m is None
            else submission.initialize_perceiver_model(config, m)
        )
        return model.eval()

    return make


PEOPLE = [("Ada Arden", "Oslo"), ("Bo Bell", "Lima"), ("Cy Cole", "Oslo"), ("Di Drew Dunn", "Rome"), ("Ed Eve", "Lima")]


@pytest.fixture
def corpus() -> str:
    """Five short biographies."""
    return "\n".join(f"{name} was born in {place}, of all places. Where? Here" for name, place in PEOPLE)


@pytest.fixture
def names() -> str:
    """The same people as questions and places."""
    return "\n".join(f"Where was {name} born?\t{place}" for name, place in PEOPLE) + "\n"
