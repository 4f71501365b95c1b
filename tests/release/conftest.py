"""A small repository with a reference, for tests of template, leaks and packaging."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.release.lists import Lists
from tests.release.shapes import FILES, HIDDEN


@pytest.fixture
def lists() -> Lists:
    return Lists(
        template=tuple(FILES),
        staff_only=("*__pycache__/*", "src/data/*.tsv"),
        student=("harness/*.py",),
        staff=(),
        off=(),
        autograder=("setup.sh", "harness/*.py", "harness/tests_hidden/*.py"),
        names=(),
        passages=(),
        parts={},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout in miniature: reference, harness, manifest."""
    root = tmp_path / "repository"
    for path, text in FILES.items():
        write(root / "reference_solution" / path, text)
    write(root / "harness" / "cli.py", "print('grading')\n")
    write(root / "harness" / "tests_hidden" / "test_area.py", HIDDEN)
    write(root / "setup.sh", "#!/bin/sh\n")
    write(root / "pyproject.toml", '[project]\nversion = "1.2.3"\n')
    shutil.copyfile(ROOT / "assignment.toml", root / "assignment.toml")
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
