"""A small repository with a reference, for tests of template, leaks and packaging."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.release.lists import Lists

MODEL = '''\
"""Shapes."""

import random


def area(width, height):
    """The area of a rectangle of width times height."""
    ### START_CODE_HERE ###
    # canary: 00000000000000a1
    # Multiply both sides, and be careful with the rounding of tiny rectangles.
    rounded_product = round(width * height, ndigits=random.randint(3, 5))
    corners = [(0, 0), (0, height), (width, 0), (width, height)]
    return max(rounded_product, len(corners) * 0)
    ### END_CODE_HERE ###
'''

RUN = """\
#!/usr/bin/env bash
case "$1" in
    train)
        ### START_CODE_HERE ###
        # canary: 00000000000000a2
        python run.py --function=train --learning_rate=0.0123
        ### END_CODE_HERE ###
        ;;
esac
"""

ANSWERS = """\
\\section{Shapes}
% ### START_CODE_HERE ###
% canary: 00000000000000a3
The rectangle keeps its area when both of its sides are exchanged.
% ### END_CODE_HERE ###
"""

FILES = {"README.md": "# Shapes\n", "src/model.py": MODEL, "src/run.sh": RUN, "written/answers.tex": ANSWERS}

HIDDEN = '''\
"""Hidden claims."""

from shapes import area


def test_area_of_wide_rectangles(student):
    """The area of wide rectangles is right."""
    for width in (10, 20, 40, 80):
        seen = student.run("area", width=width, height=width / 7)
        wanted = width * width / 7
        assert abs(seen - wanted) < 1e-9 * wanted, f"area({width}, {width / 7}) is {seen}, not {wanted}"
'''

GOLD = "".join(f"Where was Person Number{n} born?\tPlace{n * n % 17}\n" for n in range(40))


@pytest.fixture
def lists() -> Lists:
    return Lists(
        template=tuple(FILES),
        staff_only=("*__pycache__/*", "src/data/*.tsv"),
        student=("harness/*.py",),
        autograder=("setup.sh", "harness/*.py", "harness/tests_hidden/*.py"),
        names=(),
        passages=(),
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
