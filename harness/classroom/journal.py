"""The journal of a regraded class, as far as a report asks for it."""

from __future__ import annotations

from pathlib import Path

from harness.classroom.records import Record
from harness.errors import UsageError


def records(folder: Path) -> tuple[Record, ...]:
    """What is known of each upload of the class in `folder`.

    Raises:
        UsageError: no class was regraded into it.
    """
    raise UsageError(f"{folder}: holds no regraded class; `python -m harness regrade EXPORT --out {folder}` makes one")
