"""Imports one file of an upload without the package around it. No probe: what probes of such files have in common.

For a file that stands on its own: what is wrong with the rest of the package costs it nothing. One that asks for the
package after all gets it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def module_of(folder: Path, name: str) -> ModuleType:
    """The module `name` of a package of which nothing has run, or else of the real one."""
    if f"{folder.name}.{name}" in sys.modules:
        return sys.modules[f"{folder.name}.{name}"]
    sys.path.insert(0, str(folder.parent))
    shell = ModuleType(folder.name)
    shell.__path__ = [str(folder)]
    sys.modules[folder.name] = shell
    try:
        return importlib.import_module(f"{folder.name}.{name}")
    except ImportError:
        for each in [each for each in sys.modules if each.partition(".")[0] == folder.name]:
            del sys.modules[each]
        return importlib.import_module(f"{folder.name}.{name}")
