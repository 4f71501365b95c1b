"""A function of the student's that came to its end without a return statement is told by its last line."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import CodeType
from typing import Any


class NothingReturnedError(TypeError):
    """A function of the student's returned None where it should have returned a value."""


def returned(value: Any, name: str, function: Any = None) -> Any:
    """The value that a function of the student's returned, unless that is None; `function` itself tells its end."""
    if value is None:
        raise NothingReturnedError(f"your function {name} returned None{_end_of(function)}")
    return value


def _end_of(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    lines = [line for *_, line in code.co_lines() if line] if isinstance(code, CodeType) else []
    if code is None or not lines:
        return ""
    file = Path(code.co_filename)
    return f", at {file.parent.name}/{file.name}:{max(lines)}"
