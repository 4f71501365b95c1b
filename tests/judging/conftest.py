"""One court for all tests of this room."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging.court import Court, Files


@pytest.fixture(scope="session")
def court(honest_upload: Path, data: Path) -> Iterator[Court]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to the users that workers run as
        Path(folder).chmod(0o711)
        with Court(Path(folder), Files(honest_upload, data)) as court:
            yield court
