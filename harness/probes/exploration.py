"""What runs beside attention_exploration.py: calls its functions and returns what they answer.

The file is optional and the package does not import it, so it is imported here, from the same tree. It is imported
only where the grader found it among the uploaded files.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np


def numbers(submission: ModuleType, calls: list[tuple[str, dict[str, Any]]]) -> list[np.ndarray]:
    """`function(**case)` for each (function, case), as one float64 array of whatever shape each.

    Several vectors of one length, in a tuple or list, become the rows of one array.
    """
    return [np.array(_function(submission, function)(**case), dtype=np.float64) for function, case in calls]


def texts(submission: ModuleType, functions: list[str]) -> list[Any]:
    """What each of these functions, which take no arguments, returns: text, if they are right."""
    return [_function(submission, name)() for name in functions]


def _function(submission: ModuleType, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(f"{submission.__name__}.attention_exploration"), name)
    return found
