"""How the code in an upload differs from this term's template in what it defines: a remark, and never a verdict.

Older and neighbouring templates have other functions, and functions with other parameters. Work in them is graded all
the same; whoever reads a failure in such a file must know that the file is another one. Text is compared, a line at a
time: nothing of an upload is parsed or run here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.intake.blocks import blocks

_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?(class|def)[ \t]+(\w{1,80})[ \t]*(\(?)", re.MULTILINE)
_OPENING, _CLOSING = "([{", ")]}"
_LONGEST_PARAMETERS = 2000  # characters
_MOST_NAMED = 3

#: Qualified name -> the names of its parameters, of a function; None of a class.
Definitions = Mapping[str, tuple[str, ...] | None]


def differences(uploaded: Mapping[str, Path], template: Path) -> str:
    """One sentence on the files that are not this template's, empty if all are.

    Args:
        uploaded: name of a code file -> its staged copy.
        template: folder with the files that students began with, or the same with the blocks filled in.
    """
    told = []
    for name, path in uploaded.items():
        ours, theirs = definitions(_without_blocks(_text(template / name))), definitions(_text(path))
        lacking = [each for each in ours if each not in theirs and each.rpartition(".")[0] in ("", *theirs)]
        changed = [each for each, parameters in ours.items() if each in theirs and theirs[each] != parameters]
        both = [
            f"{word} {_some(names)}" for word, names in (("no", lacking), ("other parameters in", changed)) if names
        ]
        told += [f"{name} ({', '.join(both)})"] if both else []
    if not told:
        return ""
    return f"not as in this term's template: {'; '.join(told)}. Where a graded test fails there, use this term's file"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")


def definitions(text: str) -> Definitions:
    """The classes, functions and methods of a module; what is defined inside a function is not looked at."""
    found: dict[str, tuple[str, ...] | None] = {}
    around: list[tuple[int, str, str]] = []  # indentation, kind and name of what encloses the line
    for match in _DEFINITION.finditer(text):
        indentation, kind, name, opened = len(match[1].expandtabs()), match[2], match[3], match[4]
        while around and around[-1][0] >= indentation:
            around.pop()
        if all(each == "class" for _, each, _ in around):
            qualified = ".".join([*(each for _, _, each in around), name])
            found[qualified] = _parameters(text, match.end()) if kind == "def" and opened else None
        around.append((indentation, kind, name))
    return found


def _parameters(text: str, start: int) -> tuple[str, ...]:
    """The names between the parenthesis that opens before `start` and the one that closes it."""
    depth, outer = 1, []
    for character in text[start : start + _LONGEST_PARAMETERS]:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth == 0:
            break
        outer.append(character if depth == 1 else " ")
    names = (re.match(r"\s*(\*{0,2}\w+)", each) for each in re.sub(r"#.*", "", "".join(outer)).split(","))
    return tuple(match[1] for match in names if match)


def _without_blocks(text: str) -> str:
    """The text without what stands between markers, where students write."""
    lines = text.splitlines(keepends=True)
    inside = {number for first, last in blocks(lines) for number in range(first, last + 1)}
    return "".join(line for number, line in enumerate(lines, 1) if number not in inside)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")
