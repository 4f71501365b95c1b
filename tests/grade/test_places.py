"""The innermost line of a student's own is named, and no line of code that was given out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.grading.places import where
from harness.intake.blocks import END, START
from harness.sandbox import Frame, RemoteError

TEXT = f"def a():\n    {START}\n    b()\n    {END}\n    return c\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "helper.py").write_text(TEXT, encoding="utf-8")
    for name in ("trainer.py", "own.py"):
        (tmp_path / "submission" / name).write_text("def b():\n    1 / 0\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        ([("helper.py", 3, "a"), ("trainer.py", 2, "b")], "at submission/helper.py:3 in a"),
        ([("helper.py", 3, "a"), ("own.py", 2, "b")], "at submission/own.py:2 in b"),
        ([("helper.py", 5, "a")], "in a of submission/helper.py, outside of your places"),
        ([("trainer.py", 2, "b")], "in submission/trainer.py, on behalf of your code"),
        ([], ""),
    ],
)
def test_place_is_the_students_own(tree: Path, passed: list[tuple[str, int, str]], said: str) -> None:
    frames = tuple(Frame(f"submission/{file}", line, function, "") for file, line, function in passed)
    assert where(RemoteError("ValueError", "", frames), tree, {"trainer.py"}) == said


def test_links_out_of_the_tree_are_not_read(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.py"
    outside.write_text(TEXT, encoding="utf-8")
    (tree / "submission" / "linked.py").symlink_to(outside)
    frame = Frame("submission/linked.py", 5, "a", "")
    assert where(RemoteError("ValueError", "", (frame,)), tree) == "at submission/linked.py:5 in a"
