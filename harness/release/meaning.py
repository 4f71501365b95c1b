"""A source file without what no machine reads: two files of one meaning give the same bytes here.

Promises: pure. Comments, docstrings, blank lines and white space behind a line are gone from Python (within a text of
several lines, too), lines of comment and blank ones from shell scripts; every other file stays as it is, and so does
Python that does not parse. Equal meaning under another spelling is not recognised. What is left does not depend on the
version of Python that runs this.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import PurePosixPath

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def meaning(name: str, data: bytes) -> bytes:
    """What of the file `name` with this content a machine reads."""
    suffix = PurePosixPath(name).suffix
    if suffix == ".py":
        return _python(data)
    if suffix == ".sh":
        return b"\n".join(line for line in data.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
    return data


def _python(data: bytes) -> bytes:
    try:
        text = data.decode("utf-8")
        tree = ast.parse(text)
        comments = [*_comments(text)]
    except (ValueError, SyntaxError, tokenize.TokenError):
        return data
    lines: list[str] = text.splitlines()
    for row, column in comments:
        lines[row - 1] = lines[row - 1][:column]
    for first, last in _docstrings(tree):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip()).encode()


def _comments(text: str) -> Iterator[tuple[int, int]]:
    """Where comments begin: line, from 1, and column."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """The first and last lines of docstrings that have these lines for themselves and are not all of a body."""
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            string, *rest = node.body
            assert string.end_lineno is not None
            alone = isinstance(node, ast.Module) or string.lineno > node.lineno
            if rest and alone and rest[0].lineno > string.end_lineno:
                yield string.lineno, string.end_lineno
