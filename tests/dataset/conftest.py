"""Worlds that several tests look at, made once."""

import functools

import pytest

from harness.assignment import load
from harness.problems.birthplaces.dataset import DEMO_KEY, World, generate


@functools.cache
def world_of(preset: str, key: bytes) -> World:
    """Worlds are immutable: one of a kind serves every test."""
    return generate(load().preset(preset).world, key)


@pytest.fixture(params=["laptop", "full"])
def preset(request: pytest.FixtureRequest) -> str:
    """Each preset by name."""
    return str(request.param)


@pytest.fixture
def world(preset: str) -> World:
    """The demo world of each preset."""
    return world_of(preset, DEMO_KEY)


@pytest.fixture
def laptops() -> tuple[World, World]:
    """Laptop worlds of the demo key and of another one."""
    return world_of("laptop", DEMO_KEY), world_of("laptop", b"quite another key")
