"""What of a template belongs to parts of the assignment: places that a term without these parts does not have.

    opening = anything "### ONLY_IN 1g ###" anything EOL      (several parts: `1c, 1d`; a digit alone: a whole problem)
    closing = anything "### END_ONLY_IN ###" anything EOL     (both lines go, whether what is between them stays or not)
    [part 1g] in the comment above a solution block           (which is then that part's; `[part 1c, 1f]`: of both)

What is between the two lines stays where one of the parts is on. A solution block whose parts are off goes with the
comment above it; in Python a line takes its place that says so, since a function needs a body.

Promises: pure; knows lines, not languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.release.strip.blocks import Block, Finding

_OPENING = re.compile(r"### ONLY_IN (?P<parts>\d[a-z]?(?:, \d[a-z]?)*) ###")
_CLOSING = re.compile(r"### END_ONLY_IN ###")
_NEAR_MISS = re.compile(r"ONLY[ _-]IN\b.*###|###.*\bONLY[ _-]IN\b", re.IGNORECASE)
_TAG = re.compile(r"\[part (?P<parts>\d[a-z](?:, \d[a-z])*)\b")

#: Part -> whether it is on.
Parts = Mapping[str, bool]


def cut(name: str, lines: Sequence[str], parts: Parts | None) -> tuple[list[str], list[Finding]]:
    """The lines that stay, and what is wrong with the markers. Without `parts` everything stays but the markers."""
    kept: list[str] = []
    findings: list[Finding] = []
    begun, stays = 0, True
    for number, line in enumerate(lines, start=1):
        opening, closing = _OPENING.search(line), _CLOSING.search(line)
        if opening is not None:
            ids = opening["parts"].split(", ")
            findings += _wrong(name, number, ids, begun, parts)
            begun, stays = number, parts is None or any(_is_on(each, parts) for each in ids)
        elif closing is not None:
            findings += [] if begun else [Finding(name, number, "END_ONLY_IN without ONLY_IN")]
            begun, stays = 0, True
        elif _NEAR_MISS.search(line):
            told = "looks like ONLY_IN but is not: write ### ONLY_IN 1g ### and ### END_ONLY_IN ###"
            findings.append(Finding(name, number, told))
        elif stays:
            kept.append(line)
    if begun:
        findings.append(Finding(name, begun, "ONLY_IN without END_ONLY_IN"))
    return kept, findings


def _wrong(name: str, number: int, ids: Sequence[str], begun: int, parts: Parts | None) -> Iterator[Finding]:
    if begun:
        yield Finding(name, number, f"ONLY_IN inside the one that starts at line {begun}")
    for each in ids if parts is not None else ():
        if not any(part.startswith(each) for part in parts or ()):
            yield Finding(name, number, f"ONLY_IN {each}: assignment.toml has no such part")


def _is_on(id_: str, parts: Parts) -> bool:
    """Whether a part is on, or any part of a problem."""
    return any(on for part, on in parts.items() if part.startswith(id_))


def switched_off(lines: Sequence[str], block: Block, comment: str, parts: Parts | None) -> tuple[int, str] | None:
    """The first line (from 1) of the comment that names a part which is off, and that part; None of other blocks.

    A block of several parts stays while one of them is on.

    `comment` is what a line of the comment above a block begins with, but for white space.
    """
    for number in range(block.start - 1, 0, -1):
        line = lines[number - 1].strip()
        if not line.startswith(comment.strip()):
            return None
        tag = _TAG.search(line)
        if tag is not None:
            named = tag["parts"].split(", ")
            off = parts is not None and all(parts.get(part) is False for part in named)
            return (number, named[0]) if off else None
    return None


def said_off(block: Block, part: str) -> str:
    """The line of Python that stands where a block of a part was."""
    return f'{block.indent}raise NotImplementedError("part {part} is not in this term\'s assignment")'
