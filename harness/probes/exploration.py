"""What runs beside attention_exploration.py: calls its functions and returns what they answer.

The file stands on its own: it needs numpy and nothing of the package beside it. So it is imported without the package,
which would import torch, and a mistake elsewhere costs it nothing. One that asks for the package after all gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.probes._apart import module_of
from harness.probes._returned import returned

_MODULE = "attention_exploration"


def numbers(folder: Path, calls: list[tuple[str, dict[str, Any]]]) -> list[np.ndarray]:
    """`function(**case)` for each (function, case), as one float64 array of whatever shape each.

    Several vectors of one length, in a tuple or list, become the rows of one array.
    """
    module = module_of(folder, _MODULE)
    return [np.array(_answer(module, name, case), dtype=np.float64) for name, case in calls]


def texts(folder: Path, functions: list[str]) -> list[Any]:
    """What each of these functions, which take no arguments, returns: text, if they are right."""
    module = module_of(folder, _MODULE)
    return [_text(name, _answer(module, name, {})) for name in functions]


def _text(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} returned a value of type {type(value).__name__}: return an expression as text, in quotes")


def _answer(module: ModuleType, name: str, case: dict[str, Any]) -> Any:
    function: Callable[..., Any] = getattr(module, name)
    return returned(function(**case), name, function)
