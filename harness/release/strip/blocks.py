"""Solution blocks of one text: the grammar of markers, where blocks start and end, their canaries and stub lines.

    marker = indent opener "### START_CODE_HERE ###" EOL    (END likewise; nothing else on the line)
    canary = indent comment "canary: " 16-hex-digits EOL    (one in each block of the reference)
    stub   = indent stub-prefix code EOL                    (head of a block: what the template shows)

Promises: pure; all findings of a text are returned together. Knows lines, not languages: whether a Python block holds
whole statements is for `languages`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

Edge = Literal["START", "END"]

#: Whoever writes one of these meant a marker. Anything like it that is no exact marker would ship a solution.
NEAR_MISS = re.compile(r"(?:START|BEGIN|END)[ _-]*CODE[ _-]*HERE", re.IGNORECASE)

_LOOKS_LIKE_CANARY = re.compile(r"^\s*(?:#+|%+|<!--)\s*canary\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Style:
    """How one family of file types writes markers, canaries and stub lines."""

    opener: str  # stands before a marker's text
    comment: str  # stands before "canary: "
    stub: str  # stands before a stub line's code

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        text = r"### (?P<edge>START|END)_CODE_HERE ###"
        return re.compile(rf"(?P<indent>[ \t]*){re.escape(self.opener)}{text}")

    @cached_property
    def _canary(self) -> re.Pattern[str]:
        return re.compile(rf"[ \t]*{re.escape(self.comment)}canary: (?P<token>[0-9a-f]{{16}})")

    @cached_property
    def _stub(self) -> re.Pattern[str]:
        return re.compile(rf"(?P<indent>[ \t]*){re.escape(self.stub)}(?P<code>.*)")

    def edge(self, line: str) -> Edge | None:
        """START or END where `line` (without its line end) is an exact marker."""
        match = self._marker.fullmatch(line)
        return None if match is None else ("START" if match["edge"] == "START" else "END")

    def indent(self, marker: str) -> str:
        """The white space before an exact marker."""
        match = self._marker.fullmatch(marker)
        return match["indent"] if match else ""

    def canary(self, line: str) -> str | None:
        """The 16 hex digits where `line` is an exact canary."""
        match = self._canary.fullmatch(line)
        return match["token"] if match else None

    def is_stub(self, line: str) -> bool:
        """Whether `line` is a stub line, or means to be one and forgot the space."""
        return line.lstrip().startswith(self.stub.rstrip())

    def stub_code(self, line: str) -> str | None:
        """The line that a stub line becomes in the template; None where it is malformed."""
        match = self._stub.fullmatch(line)
        return match["indent"] + match["code"] if match and match["code"].strip() else None

    def example(self, edge: Edge) -> str:
        """An exact marker, for messages."""
        return f"{self.opener}### {edge}_CODE_HERE ###"

    @property
    def canary_example(self) -> str:
        """What a canary line looks like, for messages."""
        return f"{self.comment}canary: <16 hex digits>"


HASH = Style(opener="", comment="# ", stub="#| ")
PERCENT = Style(opener="% ", comment="% ", stub="%| ")

#: The file types that hold solution blocks. In every other file, whatever looks like a marker is an error.
STYLES: Mapping[str, Style] = {".py": HASH, ".tex": PERCENT}


def style_of(name: str) -> Style | None:
    """The style of a file by its suffix; None for types that may hold no blocks."""
    return STYLES.get(PurePosixPath(name).suffix)


def near_miss(line: str) -> bool:
    """Whether `line` holds anything that means to be a marker (an exact marker does, too)."""
    return NEAR_MISS.search(line) is not None


def looks_like_canary(line: str) -> bool:
    """Whether `line` is a comment that means to be a canary."""
    return _LOOKS_LIKE_CANARY.match(line) is not None


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a source file that stripping refuses; `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Block:
    """One solution block of one file. `start` and `end` are the lines of its markers, counted from 1."""

    file: str
    start: int
    end: int
    indent: str
    body: tuple[str, ...]  # the lines between the markers
    canary: str | None
    stub: tuple[str, ...]  # what `#| ` lines bring, as lines of the template; empty where the default stub will do

    @property
    def where(self) -> str:
        """`model.py:60-71`, for messages."""
        return f"{self.file}:{self.start}-{self.end}"


@dataclass(frozen=True)
class Scan:
    """What stands in one text."""

    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...]


def scan(name: str, lines: Sequence[str], style: Style, comments: Collection[int] | None = None) -> Scan:
    """Find the blocks of a text.

    Args:
        name: what messages call the file.
        lines: the text's lines without line ends; the last is empty where the text ends with a line end.
        style: how this file type writes markers.
        comments: numbers of the lines that hold a comment and nothing else, where the language can tell; a marker,
            canary or stub line elsewhere lies in a string.
    """
    return _Scanner(name, lines, style, comments).run()


class _Scanner:
    """One pass over the lines; `start` is the open block's line, 0 outside blocks."""

    def __init__(self, name: str, lines: Sequence[str], style: Style, comments: Collection[int] | None) -> None:
        self.name, self.lines, self.style, self.comments = name, lines, style, comments
        self.blocks: list[Block] = []
        self.findings: list[Finding] = []
        self.start = 0

    def run(self) -> Scan:
        for number, line in enumerate(self.lines, start=1):
            self._line(number, line)
        if self.start:
            self._problem(self.start, "START without END")
        return Scan(tuple(self.blocks), tuple(sorted(self.findings)))

    def _problem(self, line: int, message: str) -> None:
        self.findings.append(Finding(self.name, line, message))

    def _line(self, number: int, line: str) -> None:
        edge = self.style.edge(line)
        if edge is None and near_miss(line):
            self._problem(number, self._near_miss(line))
        elif edge is not None and not self._is_comment(number):
            self._problem(number, "marker inside a string")
        elif edge is not None and number == len(self.lines):
            self._problem(number, "marker without a line end")
        elif edge == "START":
            self._open(number)
        elif edge == "END":
            self._close(number)
        elif not self.start and self._is_comment(number):
            self._public(number, line)

    def _near_miss(self, line: str) -> str:
        if self.style.edge(line.rstrip()) is not None:
            return "white space after a marker"
        return f"looks like a marker but is not one: '{line.strip()}'"

    def _is_comment(self, number: int) -> bool:
        return self.comments is None or number in self.comments

    def _open(self, number: int) -> None:
        if self.start:
            self._problem(number, f"START inside the block that starts at line {self.start}")
        else:
            self.start = number

    def _close(self, number: int) -> None:
        if not self.start:
            self._problem(number, "END without START")
            return
        opened, closed = (self.style.indent(self.lines[at - 1]) for at in (self.start, number))
        if opened != closed:
            self._problem(number, f"END at column {len(closed)}, its START (line {self.start}) at column {len(opened)}")
        self.blocks.append(self._block(self.start, number))
        self.start = 0

    def _public(self, number: int, line: str) -> None:
        if self.style.is_stub(line):
            self._problem(number, f"'{self.style.stub}' line outside a block")
        elif looks_like_canary(line):
            self._problem(number, "canary outside a block: a marker is missing or misspelt")

    def _block(self, start: int, end: int) -> Block:
        body = tuple(self.lines[start : end - 1])
        indent = self.style.indent(self.lines[start - 1])
        return Block(self.name, start, end, indent, body, self._canary(start, body), self._stub(start, body))

    def _canary(self, start: int, body: Sequence[str]) -> str | None:
        found: str | None = None
        for number, line in enumerate(body, start=start + 1):
            if not looks_like_canary(line) or not self._is_comment(number):
                continue
            token = self.style.canary(line)
            if token is None:
                self._problem(number, f"malformed canary; write '{self.style.canary_example}'")
            elif found is not None:
                self._problem(number, "second canary in one block")
            found = found or token
        return found

    def _stub(self, start: int, body: Sequence[str]) -> tuple[str, ...]:
        stub: list[str] = []
        at_head = True
        for number, line in enumerate(body, start=start + 1):
            if self.style.is_stub(line) and self._is_comment(number):
                stub += self._stub_line(number, line, at_head=at_head)
            elif line.strip() and self.style.canary(line) is None:
                at_head = False
        return tuple(stub)

    def _stub_line(self, number: int, line: str, *, at_head: bool) -> list[str]:
        code = self.style.stub_code(line)
        if code is None:
            self._problem(number, f"malformed stub line; write '{self.style.stub}' and the code that students get")
        elif not at_head:
            self._problem(number, f"'{self.style.stub}' line below code: stub lines come first in a block")
        return [] if code is None else [code]
