"""What the child side imports before student code exists: the slow libraries and every probe module."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from harness.sandbox import adapters

#: What every fork would otherwise import by itself.
_FOR_FORKS = ("resource", "fcntl")
_LIBRARIES = ("numpy", "torch", "torch.nn", "torch.optim", "torch.utils.data", "tempfile", "harness.sandbox.tensors")
_OPTIONAL = ("tqdm",)
#: The topic under which the sandbox's own attempts at breaking out run, beside the caller's probes.
OWN_TOPIC = "sandbox"


def preload(probes: str, *, for_forks: bool) -> dict[str, ModuleType]:
    """Import it all; the probe modules by topic.

    `probes` is a package's name or a folder. Modules whose names start with an underscore are no topics.
    """
    optional = tuple(name for name in _OPTIONAL if importlib.util.find_spec(name))
    for name in (*_LIBRARIES, *optional, *(_FOR_FORKS if for_forks else ())):
        importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)
    adapters.install()
    own = {OWN_TOPIC: importlib.import_module("harness.sandbox.trials")}
    return own | (_folder(Path(probes)) if os.sep in probes or "/" in probes else _package(probes))


def _folder(folder: Path) -> dict[str, ModuleType]:
    return {file.stem: _from_file(file) for file in sorted(folder.glob("[!_]*.py"))}


def _package(name: str) -> dict[str, ModuleType]:
    package = importlib.import_module(name)
    files = sorted(file for folder in package.__path__ for file in Path(folder).glob("[!_]*.py"))
    return {file.stem: importlib.import_module(f"{name}.{file.stem}") for file in files}


def _from_file(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"probes_{file.stem}", file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module
