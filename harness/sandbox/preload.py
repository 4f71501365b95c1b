"""What the child side imports before student code exists: the slow libraries and every probe module.

Or neither, where it is to run code that needs no torch: then a worker imports the one probe module it is asked for.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

from harness.sandbox import adapters

_PLAIN = ("numpy", "numpy.random", "tempfile")  # numpy 2 imports its random when it is asked for: 10 ms
_LIBRARIES = (*_PLAIN, "torch", "torch.nn", "torch.optim", "torch.utils.data", "tempfile", "harness.sandbox.tensors")
#: Imported where they are there. The second one each worker that reads a params file would import for itself.
_OPTIONAL = ("tqdm", "torch.utils.serialization")
_OF_UNIX = ("resource", "fcntl")  # what every fork would otherwise import by itself
#: The topic under which the sandbox's own attempts at breaking out run, beside the caller's probes.
OWN_TOPIC = "sandbox"


def preload(probes: str, libraries: str = "all") -> dict[str, ModuleType]:
    """Import what is to be there; the probe modules by topic, each imported when it is asked for where all is `plain`.

    `probes` is a package's name or a folder, `libraries` one of `model.Libraries`. Modules whose names start with an
    underscore are no topics.
    """
    gc.disable()  # what is imported stays: looking through it again and again takes a seventh of the time
    try:
        return _imported(probes, libraries)
    finally:
        gc.freeze()
        gc.enable()


def _imported(probes: str, libraries: str) -> dict[str, ModuleType]:
    if libraries == "plain":
        _import_all(_PLAIN)
        return _OnDemand(_topics(probes))
    optional = tuple(name for name in _OPTIONAL if importlib.util.find_spec(name))
    _import_all((*_LIBRARIES, *optional))
    importlib.import_module("torch").set_num_threads(1)
    adapters.install()
    return {topic: load() for topic, load in _topics(probes).items()}


def _import_all(names: Iterable[str]) -> None:
    for name in names:
        importlib.import_module(name)
    for name in _OF_UNIX:
        if importlib.util.find_spec(name):
            importlib.import_module(name)


class _OnDemand(dict[str, ModuleType]):
    """Modules by topic, each imported when it is looked up."""

    def __init__(self, topics: Mapping[str, Callable[[], ModuleType]]) -> None:
        super().__init__()
        self._topics = topics

    def __missing__(self, topic: str) -> ModuleType:
        return self.setdefault(topic, self._topics[topic]())


def _topics(probes: str) -> Mapping[str, Callable[[], ModuleType]]:
    """How to import each topic's module."""
    own = {OWN_TOPIC: partial(importlib.import_module, "harness.sandbox.trials")}
    if os.sep in probes or "/" in probes:
        return own | {file.stem: partial(_from_file, file) for file in sorted(Path(probes).glob("[!_]*.py"))}
    package = importlib.import_module(probes)
    files = sorted(file for folder in package.__path__ for file in Path(folder).glob("[!_]*.py"))
    return own | {file.stem: partial(importlib.import_module, f"{probes}.{file.stem}") for file in files}


def _from_file(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"probes_{file.stem}", file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module
