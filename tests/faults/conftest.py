"""Fixtures for grades that are broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.grading.supervisor import scratch_folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through, which pytest's own are not: workers run as other users."""
    with scratch_folder() as folder:
        yield folder
