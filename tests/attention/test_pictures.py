"""The pictures: drawn from the code that grades, alike everywhere, and no hindrance where matplotlib is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.assignment import ROOT
from harness.problems.attention.attention import Array
from harness.problems.attention.checks import FILE
from harness.problems.attention.pictures import PARTS, Panel, Picture, pictures, svg
from tests.attention.support import REFERENCE

SOURCE = ROOT / "reference_solution" / "src"


def asking(**replaced: Callable[..., Any]) -> Callable[[str, dict[str, Any]], Array]:
    space: dict[str, Any] = {}
    exec(compile(REFERENCE, FILE, "exec"), space)
    space.update(replaced)
    return lambda function, case: np.asarray(space[function](**case), dtype=np.float64)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    return {picture.part: picture for picture in pictures(asking())}


def test_there_is_one_for_each_question(drawn: dict[str, Picture]):
    assert tuple(drawn) == PARTS
    assert [len(picture.panels) for picture in drawn.values()] == [1, 1, 2, 2]


def test_right_queries_show_what_the_questions_are_about(drawn: dict[str, Picture]):
    copied, averaged = drawn["3a"].panels[0], drawn["3b"].panels[0]
    assert copied.heights[list(copied.marked)] == pytest.approx([1], abs=1e-3)
    assert averaged.heights[list(averaged.marked)] == pytest.approx([0.5, 0.5], abs=1e-3)
    (calm, one), (also_calm, two) = drawn["3c"].panels, drawn["3d"].panels
    middle = len(one.heights) // 2
    assert calm.heights[middle] == also_calm.heights[middle] == 1
    assert one.heights[0] + one.heights[-1] > 0.8
    assert two.heights[middle] > 0.9
    assert all(panel.heights.sum() == pytest.approx(1) for panel in (calm, one, also_calm, two))


def test_wrong_queries_look_wrong():
    ask = asking(two_queries=lambda means, a, b: [40 * (means[a] + means[b])] * 2)
    (picture,) = pictures(ask, ["3d"])
    assert picture.panels[1].heights[len(picture.panels[1].heights) // 2] < 0.1
    assert re.search(r"stretched: mean 0\.\d\d, variance 0\.2\d\d", picture.says)


def test_equal_queries_give_equal_bytes_with_ids_of_their_own(drawn: dict[str, Picture]):
    texts = [svg(picture) for picture in drawn.values()]
    assert texts == [svg(picture) for picture in pictures(asking())]
    ids = [name for text in texts for name in re.findall(r'\bid="([^"]+)"', text)]
    assert len(ids) == len(set(ids))
    for text in texts:
        used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
        assert used <= set(ids)
        assert used


def test_a_picture_stands_alone_and_says_what_it_shows(drawn: dict[str, Picture]):
    for picture in drawn.values():
        text = svg(picture)
        root = ET.fromstring(text)
        assert root.get("role") == "img"
        assert text.count("<desc") == 1
        assert picture.says in text
        assert not re.search(r"<style|<metadata|<!DOCTYPE|<\?xml|\bsrc=|file:", text)


def test_bars_that_are_no_shares_are_drawn_all_the_same():
    assert "<svg" in svg(Picture("3a", (Panel("odd", np.array([np.nan, 2.0, -1.0]), (1,)),), "odd"))


# The command.


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """src/ as students have it, solved."""
    folder = tmp_path / "src"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__", "pictures", "mingpt-demo"))
    (folder / "harness").symlink_to(ROOT / "harness")
    shutil.copyfile(ROOT / "assignment.toml", folder / "assignment.toml")
    return folder


def run(source: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    command = ["./run.sh", "attention_pictures", *arguments]
    if os.name != "posix":
        command = [sys.executable, "attention_pictures.py", *arguments]
    set_by_us = {"PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        command, cwd=source, env={**os.environ, **set_by_us}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_draws_and_tells(source: Path):
    code, said = run(source)
    assert code == 0, said
    assert sorted(path.name for path in (source / "pictures").iterdir()) == [f"{part}.svg" for part in PARTS]
    assert "3c: How the weight of v_a is distributed" in said


def test_without_matplotlib_it_tells_how_to_get_it(source: Path):
    (source / "matplotlib.py").write_text("raise ModuleNotFoundError(name='matplotlib')\n", encoding="utf-8")
    code, said = run(source, "3b")
    assert code == 0, said
    assert "pip install matplotlib" in said
    assert "get 0.5000 and 0.5000" in said
    assert not (source / "pictures").exists()


def test_unwritten_and_odd_functions_are_told_by_part(source: Path):
    path = source / "submission" / FILE
    template = ROOT / "student_template" / "src" / "submission" / FILE
    odd = "\n\ndef averaging_query(keys, a, b):\n    return keys\n"
    path.write_text(template.read_text(encoding="utf-8") + odd, encoding="utf-8")
    code, said = run(source, "3a", "3b")
    assert code == 1
    assert "3a: no picture: it is not written yet" in said
    assert "3b: no picture: " in said
    assert "Traceback" not in said


def test_an_unknown_part_is_refused(source: Path):
    code, said = run(source, "3z")
    assert (code, "choose some of 3a, 3b, 3c, 3d" in said) == (2, True)
