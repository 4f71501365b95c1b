"""Notebooks cell by cell, with the standard library's json alone.

Promises: what a notebook's cells say survives to the byte; outputs, execution counts and attachments do not. Written as
Jupyter writes it: one space of indent, keys in their order, a line end at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from harness.release.strip.markers import near_miss
from harness.release.strip.python_rules import Fault, parse

#: IPython's own syntax: not Python, so it is put aside while a cell is parsed.
_MAGIC = re.compile(r"^(?P<indent>\s*)(?P<magic>[%!?].*)$")
_ASIDE = "pass  # IPython: "


class Cell:
    """One cell; `number` counts from 1, `source` may be replaced."""

    def __init__(self, number: int, raw: dict[str, Any]) -> None:
        self.number = number
        self.raw = raw
        self.kind = str(raw.get("cell_type"))
        source = raw.get("source", "")
        self.source = "".join(source) if isinstance(source, list) else str(source)

    @property
    def language(self) -> str:
        """A file name whose suffix tells the cell's language; `%%bash` and its like make a cell plain text."""
        if self.kind != "code":
            return "cell.md"
        return "cell.txt" if self.source.startswith("%%") else "cell.py"

    @property
    def plain(self) -> str:
        """The source as Python: each line of IPython's own syntax put aside in a comment."""
        if self.language != "cell.py" or not isinstance(parse(self.source), Fault):
            return self.source
        return "\n".join(_put_aside(line) for line in self.source.split("\n"))

    @staticmethod
    def magic_back(data: bytes) -> bytes:
        """The inverse of `plain`, for stripped text, without its last line end."""
        return data.decode().replace(_ASIDE, "").removesuffix("\n").encode()

    def to_json(self) -> dict[str, Any]:
        """The cell as a release holds it."""
        kept = {key: value for key, value in self.raw.items() if key != "attachments"}
        kept["source"] = self.source.splitlines(keepends=True)
        if self.kind == "code":
            kept |= {"outputs": [], "execution_count": None}
        return kept


class Notebook:
    """All of a notebook."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.cells = [Cell(number, cell) for number, cell in enumerate(raw["cells"], start=1)]

    def elsewhere(self) -> Iterator[str]:
        """Strings outside the cells' sources that look like markers."""
        rest = {key: value for key, value in self.raw.items() if key != "cells"}
        others = [{key: value for key, value in cell.to_json().items() if key != "source"} for cell in self.cells]
        for said in _strings([rest, others]):
            if near_miss(said):
                yield said.strip()


def read(text: str) -> Notebook | str:
    """The notebook, or why it is none."""
    try:
        raw = json.loads(text)
    except ValueError as problem:
        return f"not valid JSON: {problem}"
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return "not a notebook: it has no list of cells; save it as nbformat 4"
    return Notebook(raw)


def write(notebook: Notebook) -> bytes:
    """The notebook as a file's bytes."""
    raw = {**notebook.raw, "cells": [cell.to_json() for cell in notebook.cells]}
    return (json.dumps(raw, indent=1, ensure_ascii=False) + "\n").encode()


def _put_aside(line: str) -> str:
    match = _MAGIC.match(line)
    return f"{match['indent']}{_ASIDE}{match['magic']}" if match else line


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
