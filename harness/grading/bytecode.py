"""Compiles an upload's modules once, so that not each of its workers has to: nine milliseconds a worker.

A worker in which no student code runs compiles them. What it answers is written where Python looks for it, beside the
staged modules, and is read by workers of this upload alone. It is as little trusted as the modules themselves: whoever
could make a compiler answer something else could have written that something into the module.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.grading.student import misfit
from harness.sandbox import Limits, Sandbox, SandboxError, Status
from harness.sandbox.probe_call import PACKAGE

_PROBE = "sources.compiled"
#: Code that takes longer, or more memory, is compiled by whoever imports it.
_LIMITS = Limits(wall_seconds=5, cpu_seconds=5, memory_bytes=1 << 28)
#: In a .pyc file's header: named by a hash of the source, which nobody is to look at, since neither file changes.
_UNCHECKED = 0b01


def compile_ahead(sandbox: Sandbox, tree: Path) -> None:
    """Lay compiled modules beside those in `tree`, a staged upload; where that fails, nothing is lost but time."""
    package = tree / PACKAGE
    modules = {path.name: path for path in package.glob("*.py")}
    if not modules:
        return
    with suppress(SandboxError, OSError):
        reply = sandbox.run(tree, _PROBE, {}, seed=0, limits=_LIMITS, load=False)
        if reply.status is Status.RETURNED and misfit(_PROBE, {}, reply.value) is None:
            answered: Any = reply.value
            _write(package, {modules[name]: code for name, code in answered.items() if name in modules})


def _write(package: Path, codes: dict[Path, Any]) -> None:
    places = {path: Path(importlib.util.cache_from_source(str(path))) for path in codes}
    package.chmod(0o755)
    try:
        for path, place in places.items():
            if not place.parent.is_dir():
                place.parent.mkdir()
                place.parent.chmod(0o755)
            header = importlib.util.MAGIC_NUMBER + _UNCHECKED.to_bytes(4, "little")
            place.write_bytes(header + importlib.util.source_hash(path.read_bytes()) + codes[path].tobytes())
            place.chmod(0o444)
        for folder in {place.parent for place in places.values()}:
            folder.chmod(0o555)
    finally:
        package.chmod(0o555)
