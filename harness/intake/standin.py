"""An `__init__.py` for uploads that lack a module, so that the parts that are there can be graded.

Older handouts had no package and no helper.py, and modules that import each other by their bare names. The stand-in
takes what there is. Whatever a graded test asks of a module that is not there raises NotImplementedError with its name,
for which the graded test says that it waits. Nothing but the student's own code runs in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Where the uploaded `__init__.py` lies, if there is one: it is tried first.
OWN = "_init_as_uploaded"

_SOURCE = '''"""Made by the grader: not all modules of this package were uploaded."""
import importlib as _importlib
import sys as _sys
from pathlib import Path as _Path

_HERE = _Path(__file__).parent
_NAMES = @NAMES@
_broken = {}
_sys.path.insert(0, str(_HERE))  # for modules that import each other by their bare names


def _take(_module, _names=None):
    _found = _importlib.import_module("." + _module, __name__)
    for _name in vars(_found) if _names is None else _names:
        if not _name.startswith("__") and hasattr(_found, _name):
            globals()[_name] = getattr(_found, _name)


try:
    _take("@OWN@")
except ImportError:
    for _module, _names in _NAMES.items():
        if (_HERE / (_module + ".py")).exists():
            try:
                _take(_module, _names)
            except Exception as _problem:
                _broken[_module] = _problem


def __getattr__(name):
    for module, names in _NAMES.items():
        if name == module or name in names:
            if module in _broken:
                raise _broken[module]
            raise NotImplementedError(name + " is asked for, and " + module + ".py was not uploaded or lacks it")
    raise AttributeError(name)
'''


def source(exports: Mapping[str, Sequence[str]]) -> str:
    """The text of the stand-in, for modules that offer these names."""
    return _SOURCE.replace("@NAMES@", repr({name: tuple(names) for name, names in exports.items()})).replace(
        "@OWN@", OWN
    )
