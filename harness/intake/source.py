"""Whether a code file is text that Python reads, told from its bytes; and what only a newer Python reads.

`unreadable` runs nothing and parses nothing: it is for files that somebody uploaded. `too_new` parses, and is for
people's own files on their own machine.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import sys
import token
import tokenize
from collections.abc import Iterator

#: Python on Gradescope's default image (Ubuntu 22.04). environment.yml installs the same.
GRADING_PYTHON = (3, 10)

_ADVICE = "save it as UTF-8 (in an editor: Save As, Encoding) and upload it again"
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
_DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def unreadable(content: bytes) -> str | None:
    """Goes on after a file's name, where Python cannot even decode it; None where it can."""
    for mark, name in _MARKS.items():  # that of UTF-32 begins with that of UTF-16
        if content.startswith(mark):
            return f"is {name} text, which Python does not read; {_ADVICE}"
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        return f"has a zero byte in line {line}, as UTF-16 text and damaged files have; {_ADVICE}"
    if any(_DECLARED.match(line) for line in content.splitlines()[:2]):
        return None  # another encoding, on purpose: Python will say what it makes of it
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        return f"is not UTF-8 text in line {line}; {_ADVICE}"
    return None


def named(version: tuple[int, int]) -> str:
    """`Python 3.10`."""
    return f"Python {version[0]}.{version[1]}"


def too_new(content: bytes, version: tuple[int, int] = GRADING_PYTHON) -> str | None:
    """Goes on after a file's name, where this Python reads the code and one of `version` does not; None elsewhere."""
    if sys.version_info[:2] <= version:
        return None  # what is too new for it is too new for us
    try:
        ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # it is no Python at all, which the tests say
    found = next(_newer(content, version), None)
    if found is None:
        return None
    here = named((sys.version_info[0], sys.version_info[1]))
    told = f"line {found[0]} ({found[1]}) is read by your {here}, but not by the grader's {named(version)}"
    return f"{told}; write it another way"


def _newer(content: bytes, version: tuple[int, int]) -> Iterator[tuple[int, str]]:
    """Lines, and what is too new in them."""
    try:
        ast.parse(content, feature_version=version)
    except SyntaxError as problem:
        yield problem.lineno or 1, problem.msg
    if version < (3, 12) <= sys.version_info[:2]:
        yield from _free_f_strings(content)


def _free_f_strings(content: bytes) -> Iterator[tuple[int, str]]:
    """f-strings that use what they may since Python 3.12: their own quote sign, a backslash, a comment, a new line."""
    start, middle, end = (getattr(token, f"FSTRING_{part}", -1) for part in ("START", "MIDDLE", "END"))
    around: list[str] = []  # the quotes of the f-strings that we are in
    for each in tokenize.tokenize(io.BytesIO(content).readline):
        if around and each.type not in (middle, end):
            for quote in around:
                if quote in each.string:
                    yield each.start[0], "an f-string with its own quote sign in its braces"
            if "\\" in each.string:
                yield each.start[0], "an f-string with a backslash in its braces"
            if each.type == token.COMMENT or (each.type in (token.NL, token.NEWLINE) and len(around[-1]) == 1):
                yield each.start[0], "an f-string whose braces go on over a comment or a line's end"
        if each.type == start:
            around.append(each.string.lstrip("fFrRbBuU"))
        elif each.type == end:
            around.pop()
