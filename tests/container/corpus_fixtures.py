"""What tests/hostile needs where it runs beside the released grader, in the place of tests/conftest.py: see corpus.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.grading.supervisor import lock_down


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of pyproject.toml, which is not here."""
    config.addinivalue_line("markers", "slow: takes minutes")


@pytest.fixture(scope="session")
def data() -> Path:
    """The term's data, with the grader closed to everybody, as each grade closes it."""
    lock_down([ROOT, Path("/autograder/results")])
    return ROOT / "data"


@pytest.fixture(scope="session")
def honest_upload() -> Path:
    """The reference's upload."""
    return Path(__file__).resolve().parents[2] / "build" / "reference_upload"
