"""An exception of student code as plain, capped text, whatever its class does when it is asked.

Runs in the worker, beside code that may have patched anything: everything here may fail, and then says less.
"""

from __future__ import annotations

import difflib
import os
from types import ModuleType, TracebackType
from typing import Any

MESSAGE_CHARACTERS = 2000
NAME_CHARACTERS = 200
MOST_FRAMES = 20
#: Names of an object that are told, where it has no more.
MOST_NAMES = 15

_NAME_OF_TYPE = type.__dict__["__name__"].__get__

#: File relative to the tree, line, function.
Place = tuple[str, int, str]


def describe(problem: BaseException, tree: str) -> dict[str, Any]:
    """`type`, `message` and `frames` (places in the tree, innermost last) of `problem`."""
    return {
        "type": _text(lambda: _NAME_OF_TYPE(type(problem)), NAME_CHARACTERS),
        "message": _text(lambda: str(problem), MESSAGE_CHARACTERS) + _alike(problem),
        "frames": [list(place) for place in _places(problem, tree)],
    }


def _alike(problem: BaseException) -> str:
    """Of a name that an object does not have: the one that may be meant, or what there is."""
    try:
        asked, name = getattr(problem, "obj", None), getattr(problem, "name", None)
        if type(problem) is not AttributeError or type(name) is not str or isinstance(asked, (type(None), ModuleType)):
            return ""
        own = [str(each) for each in dir(asked) if not each.startswith("_")]
        near = difflib.get_close_matches(name, own, n=1)
        if near:
            return f"; did you mean '{near[0]}'?"[:NAME_CHARACTERS]
        plain = [each for each in own if not callable(getattr(asked, each, None))]
        return f"; it has {', '.join(plain)}"[:NAME_CHARACTERS] if 0 < len(plain) <= MOST_NAMES else ""
    except BaseException:  # noqa: BLE001 - student code runs in there
        return ""


def _text(get: Any, characters: int) -> str:
    try:
        found = get()
        exact = str.__str__(found) if isinstance(found, str) else "(no text)"
        return exact[:characters].encode("utf-8", "backslashreplace").decode("utf-8")
    except BaseException:  # noqa: BLE001 - student code runs in there
        return "(its text could not be had)"


def _places(problem: BaseException, tree: str) -> list[Place]:
    try:
        places = _passed(BaseException.__dict__["__traceback__"].__get__(problem), tree)
        if issubclass(type(problem), SyntaxError):
            places += _syntax_error(problem, tree)
        return places[-MOST_FRAMES:]
    except BaseException:  # noqa: BLE001 - student code runs in there
        return []


def _passed(traceback: TracebackType | None, tree: str) -> list[Place]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        inside = _inside(code.co_filename, tree)
        if inside:
            places.append((inside, traceback.tb_lineno or 0, _text(lambda code=code: code.co_name, NAME_CHARACTERS)))
        traceback = traceback.tb_next
    return places


def _syntax_error(problem: Any, tree: str) -> list[Place]:
    inside = _inside(problem.filename, tree)
    line = problem.lineno
    return [(inside, line, "<module>")] if inside and type(line) is int and 0 <= line < 1 << 31 else []


def _inside(path: Any, tree: str) -> str | None:
    """`path` relative to the tree, or None where it is elsewhere."""
    prefix = tree.rstrip(os.sep) + os.sep
    if type(path) is not str or not path.startswith(prefix):
        return None
    return path[len(prefix) :][:NAME_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")
