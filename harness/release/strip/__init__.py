"""Reference text -> template text: each solution block replaced by its stub, every other byte kept.

Promises: pure. What is accepted parses before and after, and stripping it again changes nothing. What is refused is
refused with every problem found, as `file:line: message`. Solution blocks stand in Python and LaTeX; any other file
that holds something like a marker is refused. Does not prove that the reference works; the self-check runs it.

`blocks` is the grammar of markers, `languages` what Python and LaTeX ask of a block, `parts` what a term without some
parts does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from harness.errors import refuse_any
from harness.release.strip.blocks import (
    STYLES,
    Block,
    Finding,
    Style,
    looks_like_canary,
    near_miss,
    scan,
    style_of,
)
from harness.release.strip.languages import Language, Unparsed, read
from harness.release.strip.parts import Parts, cut, said_off, switched_off

#: Released as they are: their bytes are no text. Everything else must be UTF-8 with LF line ends.
BINARY = frozenset({".png", ".jpg", ".gif", ".pdf", ".ico"})


@dataclass(frozen=True)
class Stripped:
    """One file of the template, with the blocks that were cut out of it."""

    data: bytes
    blocks: tuple[Block, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class StrippedTree:
    """All files of the template by path, and every block of the reference."""

    files: Mapping[str, bytes]
    blocks: tuple[Block, ...]


def strip_tree(files: Mapping[str, bytes], *, shown_as: str = "", parts: Parts | None = None) -> StrippedTree:
    """Strip every file of the reference.

    Args:
        files: the released files' bytes by path.
        shown_as: what messages put in front of each path, such as `reference_solution/`.
        parts: which are on; None: all that there are.

    Raises:
        ReleaseRefusedError: with all findings of all files.
    """
    results = {path: strip(f"{shown_as}{path}", data, parts=parts) for path, data in sorted(files.items())}
    blocks = tuple(block for result in results.values() for block in result.blocks)
    findings = [problem for result in results.values() for problem in result.findings]
    refuse_any("the reference cannot be stripped:", sorted([*findings, *_repeated(blocks)]))
    return StrippedTree({path: result.data for path, result in results.items()}, blocks)


def strip(name: str, data: bytes, *, is_template: bool = False, parts: Parts | None = None) -> Stripped:
    """Strip one file.

    Args:
        name: the file's path; its suffix tells the language, messages name it.
        data: its bytes.
        is_template: the blocks were replaced by their stubs already: they have no canary and stay as they are.
        parts: which are on; None: all that there are.
    """
    suffix = PurePosixPath(name).suffix
    if suffix in BINARY:
        return Stripped(data)
    text = decode(name, data)
    if isinstance(text, Finding):
        return Stripped(b"", findings=(text,))
    if suffix == ".ipynb":
        return _strip_notebook(name, text, parts)
    style = style_of(name)
    if style is None:
        kept, findings = cut(name, text.split("\n"), parts)
        return Stripped("\n".join(kept).encode(), findings=(*_no_markers(name, text), *findings))
    return _strip_text(name, text, style, is_template=is_template, parts=parts)


def decode(name: str, data: bytes) -> str | Finding:
    """UTF-8 without a byte order mark and with LF line ends, or the first problem with that."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        return Finding(name, line, f"not UTF-8: byte 0x{data[problem.start]:02x}; save the file as UTF-8")
    if text.startswith("\ufeff"):
        return Finding(name, 1, "starts with a byte order mark; save the file as UTF-8 without it")
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        return Finding(name, line, "carriage return; save the file with LF line ends")
    if "\0" in text:
        return Finding(name, text.count("\n", 0, text.index("\0")) + 1, "NUL byte in a text file")
    return text


def _strip_text(name: str, text: str, style: Style, *, is_template: bool, parts: Parts | None) -> Stripped:
    """Strip a text whose markers are of `style`."""
    source = read(name, text)
    if isinstance(source, Unparsed):
        return Stripped(b"", findings=(Finding(name, source.line, source.message),))
    lines = text.split("\n")
    found = scan(name, lines, style, source.comment_lines())
    if is_template:
        return Stripped(text.encode(), findings=found.findings)
    # A marker that is wrong makes blocks of what was never meant to be one: what else is wrong shows once it is mended.
    findings = found.findings or tuple(_refused(found.blocks, source, style))
    if findings:
        return Stripped(b"", found.blocks, findings)
    _, wrong = cut(name, lines, parts)
    kept, broken = cut(name, [*_replaced(lines, found.blocks, source, style, parts)], parts)
    if wrong or broken:
        return Stripped(b"", found.blocks, tuple(wrong or broken))
    result = "\n".join(kept)
    after = read(name, result)
    if isinstance(after, Unparsed):
        return Stripped(b"", found.blocks, (_broken(name, after, found.blocks, result),))
    return Stripped(result.encode(), found.blocks)


def _refused(blocks: Iterable[Block], source: Language, style: Style) -> Iterable[Finding]:
    """What the language and the canary rule say against each block."""
    for block in blocks:
        complaint = source.check(block)
        if complaint is not None:
            yield Finding(block.file, block.start, complaint)
        if block.canary is None:
            yield Finding(block.file, block.start, f"block without a canary; add a line '{style.canary_example}'")


def _replaced(
    lines: Sequence[str], blocks: Iterable[Block], source: Language, style: Style, parts: Parts | None
) -> Iterable[str]:
    """The template's lines: everything up to and with each START, the stub, everything from END on.

    Of a block of a part that is off nothing stays, nor of the comment above it.
    """
    done = 0
    for block in blocks:
        off = switched_off(lines, block, style.comment, parts)
        if off is None:
            yield from lines[done : block.start]
            yield from block.stub or (source.default_stub(block),)
            done = block.end - 1
        else:
            yield from lines[done : off[0] - 1]
            yield from [said_off(block, off[1])] if style is STYLES[".py"] else []
            done = block.end
    yield from lines[done:]


def _broken(name: str, problem: Unparsed, blocks: Sequence[Block], result: str) -> Finding:
    """The stub that keeps the template from parsing: the last one that starts above the problem."""
    edges = [number for number, line in enumerate(result.split("\n"), start=1) if "### START_CODE_HERE ###" in line]
    above = [block for edge, block in zip(edges, blocks, strict=False) if edge <= problem.line]
    place = above[-1] if above else blocks[0]
    message = f"this block's stub breaks the template: {problem.message} (line {problem.line} there)"
    return Finding(name, place.start, message)


def _no_markers(name: str, text: str) -> Iterable[Finding]:
    """Files of other types may hold nothing that looks like a marker or a canary."""
    for number, line in enumerate(text.split("\n"), start=1):
        if near_miss(line) or looks_like_canary(line):
            kinds = " and ".join(STYLES)
            yield Finding(name, number, f"only {kinds} files hold solution blocks, not this one: '{line.strip()}'")


# Notebooks are released as they are, but for cells of parts that are off and for what running them left behind.


def _strip_notebook(name: str, text: str, parts: Parts | None) -> Stripped:
    """The notebook without outputs, counts and attachments, written as Jupyter does: keys in order, indented by one.

    Of a cell stays what `parts` says, between markers in the cell itself; a cell of which nothing stays goes.
    """
    try:
        raw = json.loads(text)
    except ValueError as problem:
        return Stripped(b"", findings=(Finding(name, 1, f"not valid JSON: {problem}"),))
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        complaint = "not a notebook: it has no list of cells; save it as nbformat 4"
        return Stripped(b"", findings=(Finding(name, 1, complaint),))
    left, wrong = _cells_left(name, cells, parts)
    kept = json.dumps({**raw, "cells": left}, indent=1, ensure_ascii=False) + "\n"
    findings = (*wrong, *_no_markers(name, kept))
    return Stripped(b"" if findings else kept.encode(), findings=findings)


def _cells_left(
    name: str, cells: Sequence[Mapping[str, Any]], parts: Parts | None
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The cells that stay, without what running them left, and what is wrong with their markers."""
    left, findings = [], []
    for number, cell in enumerate(cells, start=1):
        lines = "".join(cell.get("source", "")).split("\n")
        kept, wrong = cut(f"{name}, cell {number}", lines, parts)
        findings += wrong
        if kept == lines:
            left.append(_unrun(cell))
        elif any(line.strip() for line in kept):
            left.append(_unrun({**cell, "source": "\n".join(kept).splitlines(keepends=True)}))
    return left, findings


def _unrun(cell: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key != "attachments"}
    return {**kept, "outputs": [], "execution_count": None} if cell.get("cell_type") == "code" else kept


def _repeated(blocks: Iterable[Block]) -> Iterable[Finding]:
    """A canary tells its block only when no other has it."""
    seen: dict[str, Block] = {}
    for block in blocks:
        if block.canary in seen:
            other = seen[block.canary]
            yield Finding(block.file, block.start, f"canary {block.canary} stands in block {other.where}, too")
        elif block.canary is not None:
            seen[block.canary] = block
