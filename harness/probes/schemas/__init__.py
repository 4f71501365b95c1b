"""What each probe's reply is like: a form per probe, declared beside it in a module of its topic's name.

`draws` in `schemas/corruption.py` takes the arguments of the probe `corruption.draws` and gives the form of its reply.
Needs no torch: the grader asks here, before any graded test sees a reply.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from harness.probes.schemas.forms import Form


def topics() -> tuple[str, ...]:
    """The modules that declare forms, by their full names."""
    return tuple(f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__))


def form_of(probe: str, arguments: Mapping[str, Any]) -> Form:
    """The declared form of what `probe`, a `topic.function`, replies to these arguments.

    Raises:
        LookupError: no form is declared.
    """
    topic, _, function = probe.partition(".")
    try:
        declared: Callable[..., Form] = getattr(importlib.import_module(f"{__name__}.{topic}"), function)
    except (ModuleNotFoundError, AttributeError) as problem:
        raise LookupError(f"harness/probes/schemas/{topic}.py declares no form for the replies of {probe}") from problem
    return declared(**arguments)


def complaint(probe: str, arguments: Mapping[str, Any], value: Any) -> str | None:
    """A sentence on what of a reply does not have its declared form; None where all of it does."""
    return form_of(probe, arguments).complaint(value, "")
