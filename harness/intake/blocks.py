"""The places of a code file in which students write: the lines between two markers."""

from __future__ import annotations

from collections.abc import Sequence

START, END = (f"### {edge}_CODE_HERE ###" for edge in ("START", "END"))


def blocks(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The numbers, from 1, of each place's first and last line, which are the markers."""
    found, begun = [], 0
    for number, line in enumerate(lines, 1):
        if START in line:
            begun = number
        elif END in line and begun:
            found.append((begun, number))
            begun = 0
    return found
