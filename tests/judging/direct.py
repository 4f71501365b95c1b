"""Judges graded tests without a sandbox: the submission and the probes run in this process. For many seeds of trusted code.

A run is what it would be in a worker (the same seeds, the same arguments), at a fifth of the price. Nothing here is for
work that is not ours.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import itertools
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from harness.grading import catalogue
from harness.grading.feedback import Failure
from harness.grading.seeds import Stream, generator, seed_of
from harness.grading.student import Probe, name_of
from harness.manifest import load
from harness.probes import schemas, topics
from harness.sandbox.adapters import stay_on_cpu
from tests.judging.cases import REFERENCE, Case

_serial = itertools.count()


class Direct:
    """A `reference` whose probes run right here."""

    def __init__(self, package: ModuleType, seed: int) -> None:
        self._package = package
        self._seed = seed
        self._runs = 0

    def run(self, probe: Probe, **arguments: Any) -> Any:
        import torch

        topic, _, function = name_of(probe).partition(".")
        seed = (self._seed + self._runs) % 2**32
        self._runs += 1
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the stream that student code uses
        torch.manual_seed(seed)
        ask = getattr(importlib.import_module(f"harness.probes.{topic}"), function)
        home = Path.cwd()
        with tempfile.TemporaryDirectory() as scratch:  # as in a worker: nothing is left of earlier runs
            os.chdir(scratch)
            try:
                with contextlib.redirect_stdout(io.StringIO()), mock.patch.dict(os.environ, BFLOAT16="off"):
                    value = plain(ask(self._package, **arguments))
            finally:
                os.chdir(home)
                torch.set_default_dtype(torch.float32)
        if said := schemas.complaint(name_of(probe), arguments, value):
            raise ValueError(f"not of the declared form: {said}")
        return value


class DirectStudent(Direct):
    """A `student` whose probes run right here."""

    def run(self, probe: Probe, **arguments: Any) -> Any:
        try:
            return super().run(probe, **arguments)
        except Exception as error:
            raise Failure("the code returns", f"it raised {type(error).__name__}: {error}") from error


def failures(case: Case, graded_tests: Iterable[str], seeds: Iterable[str]) -> dict[tuple[str, str], str]:
    """(graded test, seed) -> what failed, for those that failed."""
    preload()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a worker
        return _failures(case, graded_tests, seeds)


def _failures(case: Case, graded_tests: Iterable[str], seeds: Iterable[str]) -> dict[tuple[str, str], str]:
    known = {graded_test.id: graded_test for graded_test in catalogue.collect(load())}
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        try:
            package = load_package(case.build(Path(scratch) / "code"))
        except Exception as error:  # noqa: BLE001 - whatever a mutant raises when it is imported
            return {
                (graded_test, seed): f"it does not import: {error}"
                for seed, graded_test in itertools.product(seeds, graded_tests)
            }
        reference = load_package(REFERENCE)
        try:
            for seed, graded_test in itertools.product(seeds, graded_tests):
                function = getattr(importlib.import_module(known[graded_test].module), known[graded_test].function)
                number = seed_of(seed, graded_test, "workers")
                fixtures: dict[str, Any] = {
                    "for_staff": {},
                    "student": DirectStudent(package, number),
                    "reference": Direct(reference, number),
                    "rng": generator(seed, graded_test),
                    "unseen": generator(seed, graded_test, "unseen"),
                }
                try:
                    function(**{name: fixtures[name] for name in inspect.signature(function).parameters})
                except Failure as failure:
                    found[graded_test, seed] = str(failure)
        finally:
            _forget(package, reference)
    return found


def said_by(function: Callable[..., None], student: Any, seed: str, graded_test: str) -> str:
    """What a graded test that needs its student and random numbers alone says of it; nothing where it holds."""
    streams: dict[str, Stream] = {"rng": "inputs", "unseen": "unseen"}
    asked = inspect.signature(function).parameters
    drawn = {name: generator(seed, graded_test, stream) for name, stream in streams.items() if name in asked}
    try:
        function(student=student, **drawn)
    except Failure as failure:
        return str(failure) or "failed"
    return ""


@cache
def preload() -> None:
    """Import what graded tests and probes need, so that forks of this process have it, and let torch use one thread."""
    import torch

    for graded_test in catalogue.collect(load()):
        importlib.import_module(graded_test.module)
    for topic in topics():
        importlib.import_module(f"harness.probes.{topic}")
    torch.set_num_threads(1)
    stay_on_cpu()


def load_package(folder: Path) -> ModuleType:
    """The package in `folder`, under a name of its own, so that several can be loaded side by side."""
    name = f"submission_{next(_serial)}"
    specification = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert specification is not None
    assert specification.loader is not None
    package = importlib.util.module_from_spec(specification)
    sys.modules[name] = package
    specification.loader.exec_module(package)
    for module in ("model", "trainer", "dataset", "helper"):
        importlib.import_module(f"{name}.{module}")
    return package


def _forget(*packages: ModuleType) -> None:
    """Take packages out of sys.modules again: hundreds are loaded in one process."""
    for name in [name for name in sys.modules for package in packages if name.startswith(package.__name__)]:
        del sys.modules[name]


def plain(value: Any) -> Any:
    """What the codec makes of a probe's value: tensors become arrays."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(each) for each in value)
    return value
