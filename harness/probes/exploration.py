"""What runs beside attention_exploration.py: calls its functions and returns what they answer.

The file stands on its own: it needs numpy and nothing of the package beside it. So it is imported without the package,
which would import torch, and a mistake elsewhere costs it nothing. One that asks for the package after all gets it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.probes._returned import returned

_MODULE = "attention_exploration"


def numbers(folder: Path, calls: list[tuple[str, dict[str, Any]]]) -> list[np.ndarray]:
    """`function(**case)` for each (function, case), as one float64 array of whatever shape each.

    Several vectors of one length, in a tuple or list, become the rows of one array.
    """
    module = _module(folder)
    return [np.array(_answer(module, name, case), dtype=np.float64) for name, case in calls]


def texts(folder: Path, functions: list[str]) -> list[Any]:
    """What each of these functions, which take no arguments, returns: text, if they are right."""
    module = _module(folder)
    return [_text(name, _answer(module, name, {})) for name in functions]


def _text(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} returned a value of type {type(value).__name__}: return an expression as text, in quotes")


def _answer(module: ModuleType, name: str, case: dict[str, Any]) -> Any:
    function: Callable[..., Any] = getattr(module, name)
    return returned(function(**case), name, function)


def _module(folder: Path) -> ModuleType:
    """attention_exploration.py, in a package of which nothing has run, or else in the real one."""
    if f"{folder.name}.{_MODULE}" in sys.modules:
        return sys.modules[f"{folder.name}.{_MODULE}"]
    sys.path.insert(0, str(folder.parent))
    shell = ModuleType(folder.name)
    shell.__path__ = [str(folder)]
    sys.modules[folder.name] = shell
    try:
        return importlib.import_module(f"{folder.name}.{_MODULE}")
    except ImportError:
        for name in [each for each in sys.modules if each.partition(".")[0] == folder.name]:
            del sys.modules[name]
        return importlib.import_module(f"{folder.name}.{_MODULE}")
