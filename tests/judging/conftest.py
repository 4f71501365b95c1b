"""One court for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging.court import Court, Files


@pytest.fixture(scope="session")
def court(tmp_path_factory: pytest.TempPathFactory, honest_upload: Path, data: Path) -> Iterator[Court]:
    folder = tmp_path_factory.mktemp("court")
    with Court(folder, Files(honest_upload, data)) as court:
        yield court
