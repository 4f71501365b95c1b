"""Probes: what runs beside student code, in a worker, and returns plain values. A probe never judges.

A graded test writes `student.run(corruption.draws, ...)`. In the grader, `from harness.probes import corruption` gives
a stand-in whose attributes are names such as `"corruption.draws"`: nothing of the probe module, and so no torch, is
imported. In the worker's zygote the real modules are imported as `harness.probes.<topic>`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
#: A function of the module itself. Parsing the source instead would take each process that judges milliseconds.
_PROBE = re.compile(r"^def ([a-z]\w*)\(", re.MULTILINE)


def topics() -> tuple[str, ...]:
    """The names of all probe modules."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if not path.stem.startswith("_")))


@cache
def functions(topic: str) -> frozenset[str]:
    """The probes that module `topic` defines, read from its source without importing it."""
    return frozenset(_PROBE.findall((_FOLDER / f"{topic}.py").read_text(encoding="utf-8")))


class Topic:
    """Stands for a probe module in the grader; its attributes are the probes' names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, function: str) -> str:
        if function not in functions(self._name):
            raise AttributeError(f"harness/probes/{self._name}.py defines no probe '{function}'")
        return f"{self._name}.{function}"


def __getattr__(name: str) -> Topic:
    if name not in topics():
        raise AttributeError(f"no probe module harness/probes/{name}.py")
    return Topic(name)
