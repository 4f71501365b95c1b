"""The marker grammar, line by line, for every file type that may hold solution blocks.

    marker = indent opener "### START_CODE_HERE ###" closer EOL       (END likewise; nothing else on the line)
    canary = indent comment "canary: " 16-hex-digits closer EOL       (one in each block of the reference)
    stub   = indent stub-prefix code closer EOL                       (head of a block: what the template shows)

Promises: pure functions of one line. Which lines belong to which block is for `blocks`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    closer: str = ""  # ends each of the three

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        text = r"### (?P<edge>START|END)_CODE_HERE ###"
        return re.compile(rf"(?P<indent>[ \t]*){re.escape(self.opener)}{text}{re.escape(self.closer)}")

    @cached_property
    def _canary(self) -> re.Pattern[str]:
        return re.compile(rf"[ \t]*{re.escape(self.comment)}canary: (?P<token>[0-9a-f]{{16}}){re.escape(self.closer)}")

    @cached_property
    def _stub(self) -> re.Pattern[str]:
        return re.compile(rf"(?P<indent>[ \t]*){re.escape(self.stub)}(?P<code>.*){re.escape(self.closer)}")

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
        return f"{self.opener}### {edge}_CODE_HERE ###{self.closer}"

    @property
    def canary_example(self) -> str:
        """What a canary line looks like, for messages."""
        return f"{self.comment}canary: <16 hex digits>{self.closer}"


HASH = Style(opener="", comment="# ", stub="#| ")
PERCENT = Style(opener="% ", comment="% ", stub="%| ")
MARKUP = Style(opener="<!-- ", comment="<!-- ", stub="<!--| ", closer=" -->")

STYLES: Mapping[str, Style] = {
    ".py": HASH,
    ".sh": HASH,
    ".yml": HASH,
    ".toml": HASH,
    ".txt": HASH,
    ".tex": PERCENT,
    ".md": MARKUP,
    ".html": MARKUP,
}


def style_of(name: str) -> Style | None:
    """The style of a file by its suffix; None for types that may hold no blocks (a notebook is read by cell)."""
    return STYLES.get(PurePosixPath(name).suffix)


def near_miss(line: str) -> bool:
    """Whether `line` holds anything that means to be a marker (an exact marker does, too)."""
    return NEAR_MISS.search(line) is not None


def looks_like_canary(line: str) -> bool:
    """Whether `line` is a comment that means to be a canary."""
    return _LOOKS_LIKE_CANARY.match(line) is not None
