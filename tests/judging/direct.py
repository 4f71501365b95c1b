"""Judges claims without a sandbox: the submission and the probes run in this process. For many seeds of trusted code.

A run is what it would be in a worker (the same seeds, the same arguments), at a fifth of the price. Nothing here is for
work that is not ours.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import os
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness import catalogue
from harness.feedback import Failure
from harness.student import claim_seed
from tests.judging.cases import REFERENCE, Case

_serial = itertools.count()


class Direct:
    """A `student` or `reference` whose probes run right here."""

    def __init__(self, package: ModuleType, seed: int) -> None:
        self._package = package
        self._seed = seed
        self._runs = 0

    def run(self, probe: object, **arguments: Any) -> Any:
        import torch

        topic, _, function = str(probe).partition(".")
        seed = (self._seed + self._runs) % 2**32
        self._runs += 1
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the stream that student code uses
        torch.manual_seed(seed)
        try:
            return _plain(
                getattr(importlib.import_module(f"harness.probes.{topic}"), function)(self._package, **arguments)
            )
        finally:
            torch.set_default_dtype(torch.float32)


def failures(case: Case, claims: Iterable[str], seeds: Iterable[str]) -> dict[tuple[str, str], str]:
    """(claim, seed) -> what failed, for those that failed."""
    import torch

    torch.set_num_threads(1)
    known = {claim.id: claim for claim in catalogue.collect()}
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        home = Path.cwd()
        package = load_package(case.build(Path(scratch) / "code"))
        reference = load_package(REFERENCE)
        os.chdir(scratch)
        try:
            for seed, claim in itertools.product(seeds, claims):
                function = getattr(importlib.import_module(known[claim].module), known[claim].function)
                number = claim_seed(seed, claim)
                fixtures = {
                    "student": Direct(package, number),
                    "reference": Direct(reference, number),
                    "rng": np.random.default_rng(number),
                }
                try:
                    function(**{name: fixtures[name] for name in inspect.signature(function).parameters})
                except Failure as failure:
                    found[claim, seed] = str(failure)
        finally:
            os.chdir(home)
    return found


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


def _plain(value: Any) -> Any:
    """What the codec makes of a probe's value: tensors become arrays."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(each) for each in value)
    return value
