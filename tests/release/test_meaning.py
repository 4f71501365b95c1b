"""What of the reference's code decides how training goes: not its comments."""

from __future__ import annotations

import ast

import pytest

from harness.assignment import ROOT
from harness.release.meaning import meaning

SOURCES = sorted((ROOT / "reference_solution" / "src").rglob("*.py"))
CODE = '''\
"""A module."""

x = "# no comment"  # a comment


def f(a):
    """What it does.

    In two paragraphs.
    """
    # [part 1c] Do this.
    return a + 1  # + 2
'''


def of(text: str) -> bytes:
    return meaning("a.py", text.encode())


def test_comments_docstrings_and_blank_lines_are_gone():
    assert of(CODE) == b'x = "# no comment"\ndef f(a):\n    return a + 1'


@pytest.mark.parametrize(("old", "new"), [
    ("[part 1c]", "[part c]"), ("A module", "Another one"), ("\n\n\n", "\n\n"), ("  # + 2", ""), ("In two", "In more"),
])  # fmt: skip
def test_what_no_machine_reads_changes_nothing(old, new):
    assert of(CODE.replace(old, new)) == of(CODE)


@pytest.mark.parametrize(("old", "new"), [
    ("a + 1", "a + 2"), ("# no comment", "# a comment"), ("f(a)", "f(b)"), ("    return", "    a = 1\n    return"),
])  # fmt: skip
def test_what_a_machine_reads_does(old, new):
    assert of(CODE.replace(old, new, 1)) != of(CODE)


@pytest.mark.parametrize(
    "text", ["def f():\n    '''Alone.'''\n", "class A: '''Here.'''\n", "'''a'''; x = 1\n", "def f(:\n"]
)
def test_what_is_left_still_parses_where_the_whole_does(text):
    left = of(text).decode()
    if text != "def f(:\n":
        ast.parse(left)
    assert "f" in left or "A" in left or "x" in left


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_reference_means_the_same_without(path):
    left = meaning(path.name, path.read_bytes())
    assert _bare(ast.parse(left)) == _bare(ast.parse(path.read_bytes()))


def _bare(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def test_scripts_lose_lines_of_comment_alone():
    assert meaning("run.sh", b"#!/bin/sh\n# a\n\necho '# b'  # c\n") == b"echo '# b'  # c"
    assert meaning("a.txt", b"# a\n") == b"# a\n"
