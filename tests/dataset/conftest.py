"""Datasets that several tests look at, made once."""

import functools

import pytest

from harness.assignment import load
from harness.keys import DEMO_KEY
from harness.problems.birthplaces.dataset import Dataset, generate


@functools.cache
def dataset_of(preset: str, key: bytes) -> Dataset:
    """Datasets are immutable: one of a kind serves every test."""
    return generate(load().problem("birthplaces").presets[preset], key)


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
