"""Judges a solution of problem 3 in this process: the real graded tests and the real probes, without workers."""

from __future__ import annotations

import copy
import importlib
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.grading.feedback import Failure
from harness.manifest import load
from harness.problems.attention.checks import FILE
from tests.judging.direct import said_by
from tests.modules import load_module

REFERENCE = (ROOT / "reference_solution" / "src" / "submission" / FILE).read_text(encoding="utf-8")
GRADED_TESTS = tuple(graded_test for graded_test in catalogue.collect(load()) if graded_test.part.startswith("3"))
FUNCTIONS = {
    graded_test.id: getattr(importlib.import_module(graded_test.module), graded_test.function)
    for graded_test in GRADED_TESTS
}

_serial = itertools.count()


#: The probe module under a name of its own: as harness.probes.exploration it would take its stand-in's place.
PROBES = load_module("exploration_probes_for_tests", ROOT / "harness" / "probes" / "exploration.py")


class InProcess:
    """Stands for a Student whose file holds `source`; None for an upload without the file."""

    hidden = True

    def __init__(self, source: str | None) -> None:
        present = {} if source is None else {FILE: Path(FILE)}
        self.submission = SimpleNamespace(present=present, complaints=())
        self.package = SimpleNamespace(__name__=f"solution_{next(_serial)}")
        if source is not None:
            self._define(source)

    def _define(self, source: str) -> None:
        package, module = (
            ModuleType(self.package.__name__),
            ModuleType(f"{self.package.__name__}.attention_exploration"),
        )
        exec(compile(source, FILE, "exec"), module.__dict__)
        sys.modules.update({package.__name__: package, module.__name__: module})

    def run_apart(self, probe: str, **arguments: Any) -> Any:
        """What a worker would send back; what the code raises is a Failure, as there."""
        topic, _, name = str(probe).partition(".")
        assert topic == "exploration"
        try:
            folder = Path("nowhere") / self.package.__name__  # its module is imported already
            return getattr(PROBES, name)(folder, **copy.deepcopy(arguments))  # a worker gets copies, too
        except Exception as problem:
            raise Failure("the code returns", f"it raised {problem!r}") from problem

    def close(self) -> None:
        """Forget the solution."""
        for name in (self.package.__name__, f"{self.package.__name__}.attention_exploration"):
            sys.modules.pop(name, None)


def judge(source: str | None, seed: str = "tests", only: str = "") -> Mapping[str, str]:
    """What each graded test of problem 3 says: empty for a pass, else the failure's text."""
    student = InProcess(source)
    said = {}
    with np.errstate(all="ignore"):
        for graded_test in GRADED_TESTS:
            if only in graded_test.id:
                said[graded_test.id] = said_by(FUNCTIONS[graded_test.id], student, seed, graded_test.id)
    student.close()
    return said


def failed(source: str | None, seed: str = "tests") -> set[str]:
    """IDs of the graded tests that fail."""
    return {number for number, text in judge(source, seed).items() if text}


def changed(*definitions: str) -> str:
    """The reference with these functions defined anew. None of its functions for points needs another one then."""
    alone = "def noisy_query(means, a, b):\n    return 40.0 * (means[a] + means[b])"
    return "\n\n".join(["import math", REFERENCE, alone, *definitions])
