"""Judges a translation.py in this process: the real graded tests and the real probes, without workers."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import io
import itertools
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.grading.feedback import Failure
from harness.grading.seeds import seed_of
from harness.grading.student import Probe, name_of
from harness.probes import schemas
from tests.assignments import with_only
from tests.judging.direct import plain, said_by
from tests.modules import load_module

FILE = "translation.py"
REFERENCE = (ROOT / "reference_solution" / "src" / "submission" / FILE).read_text(encoding="utf-8")
ASSIGNMENT = with_only("translation")
GRADED_TESTS = {each.id: each for each in catalogue.collect(ASSIGNMENT)}
FUNCTIONS = {each.id: getattr(importlib.import_module(each.module), each.function) for each in GRADED_TESTS.values()}
#: Graded tests that look at code and at nothing that was trained elsewhere.
OF_CODE = frozenset(
    name
    for name, function in FUNCTIONS.items()
    if set(inspect.signature(function).parameters) <= {"student", "rng", "unseen"}
)

_serial = itertools.count()


@cache
def probes() -> ModuleType:
    """The probe module under a name of its own: as harness.probes.translation it would take its stand-in's place."""
    return load_module("translation_probes_for_tests", ROOT / "harness" / "probes" / "translation.py")


class InProcess:
    """Stands for a Student whose file holds `source`."""

    hidden = True

    def __init__(self, source: str, seed: int) -> None:
        self.submission = SimpleNamespace(present={FILE: Path(FILE)}, complaints=())
        self.seed = seed
        self.name = f"solution_{next(_serial)}"
        self.broken: Exception | None = None
        package, module = ModuleType(self.name), ModuleType(f"{self.name}.translation")
        sys.modules.update({package.__name__: package, module.__name__: module})
        try:
            exec(compile(source, FILE, "exec"), module.__dict__)
        except Exception as problem:  # noqa: BLE001 - whatever a mutant raises when it is imported
            self.broken = problem

    def run_apart(self, probe: Probe, **arguments: Any) -> Any:
        """What a worker would send back; what the code raises is a Failure, as there."""
        if self.broken is not None:
            raise Failure("the code imports", f"it raised {self.broken!r}")
        topic, _, name = name_of(probe).partition(".")
        assert topic == "translation"
        value = self._asked(name, copy.deepcopy(arguments))
        if said := schemas.complaint(name_of(probe), arguments, value):
            raise Failure("a reply of the declared form", said)
        return value

    def _asked(self, name: str, arguments: dict[str, Any]) -> Any:
        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002 - the stream that student code may use
        torch.manual_seed(self.seed)
        self.seed += 1
        home = Path.cwd()
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    return plain(getattr(probes(), name)(Path("nowhere") / self.name, **arguments))
            except Exception as problem:  # as a worker does
                raise Failure("the code returns", f"it raised {problem!r}") from problem
            finally:
                os.chdir(home)

    def close(self) -> None:
        """Forget the solution."""
        for name in (self.name, f"{self.name}.translation"):
            sys.modules.pop(name, None)


def judge(source: str, seed: str = "tests", only: Collection[str] = OF_CODE) -> Mapping[str, str]:
    """What each graded test of code that does not hold says."""
    torch.set_num_threads(1)
    said = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a worker
        for name in sorted(only):
            student = InProcess(source, seed_of(seed, name, "workers"))
            text = said_by(FUNCTIONS[name], student, seed, name)
            student.close()
            if text:
                said[name] = text
    return said
