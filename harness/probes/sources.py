"""What looks at uploaded code without running any of it."""

from __future__ import annotations

import marshal
import warnings
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy as np


def compiled(folder: Path) -> dict[str, np.ndarray]:
    """The bytes of each module's code object, by the file's name.

    A module that does not compile, or not without a warning, is left out: whoever imports it is to see that.
    """
    found = {}
    for path in sorted(folder.glob("*.py")):
        code = _code(path)
        if code is not None:
            found[path.name] = np.frombuffer(code, dtype=np.uint8)
    return found


def _code(path: Path) -> bytes | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return marshal.dumps(SourceFileLoader(path.stem, str(path)).source_to_code(path.read_bytes(), str(path)))
        except Exception:  # noqa: BLE001 - it is the import's to tell, in the graded test's own worker
            return None
