"""Datasets that several tests look at, made once."""

import functools

import pytest

from harness.manifest import load
from harness.problems.birthplaces.dataset import Dataset, generate
from harness.release.keys import DEMO_KEY, master_secret


@functools.cache
def dataset_of(preset: str, key: bytes) -> Dataset:
    """Datasets are immutable: one of a kind serves every test."""
    return generate(load().problem("birthplaces").presets[preset], master_secret(key))


@pytest.fixture(params=["laptop", "full"])
def preset(request: pytest.FixtureRequest) -> str:
    """Each preset by name."""
    return str(request.param)


@pytest.fixture
def dataset(preset: str) -> Dataset:
    """The demo dataset of each preset."""
    return dataset_of(preset, DEMO_KEY)


@pytest.fixture
def laptops() -> tuple[Dataset, Dataset]:
    """Laptop datasets of the demo key and of another one."""
    return dataset_of("laptop", DEMO_KEY), dataset_of("laptop", b"quite another key")
