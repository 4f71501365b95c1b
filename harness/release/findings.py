"""What a release complains about: every finding at once, each with its file and line.

Promises: `str(finding)` is one line, fit to be clicked in an editor. Nothing here prints or exits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import HoldoutError


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a source file that stripping refuses; `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ReleaseRefusedError(HoldoutError):
    """A release that must not leave the house; `findings` are all the reasons found, in order, each one line."""

    exit_code = 1

    def __init__(self, title: str, findings: Iterable[object]) -> None:
        self.findings = tuple(str(finding) for finding in findings)
        super().__init__("\n".join((title, *self.findings)))


def refuse_any(title: str, findings: Iterable[object]) -> None:
    """Raise ReleaseRefusedError when there is at least one finding."""
    listed = list(findings)
    if listed:
        raise ReleaseRefusedError(title, listed)
