"""What works differently for student code in a worker, and why.

* `DataLoader(num_workers=n)` behaves as n = 0: a worker starts no processes. Options that need processes are dropped.
* `torch.compile` returns its argument: it would start a compiler.
* `shutil.copy` and its like keep a file's mode and times where they may be changed, and else copy the content alone.

Everything else that a worker may not do fails with the system's own error.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable
from typing import Any


def install() -> None:
    """Patch torch and shutil, in the process that workers are forked from, once."""
    import torch
    import torch.utils.data

    loader: Any = torch.utils.data.DataLoader
    loader.__init__ = _without_workers(loader.__init__)
    torch.compile = _compile
    for name in ("copymode", "copystat"):
        setattr(shutil, name, _where_permitted(getattr(shutil, name)))


def _without_workers(initialise: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(initialise)
    def init(self: Any, dataset: Any, *arguments: Any, **options: Any) -> None:
        # By position: batch_size, shuffle, sampler, batch_sampler, and then num_workers.
        arguments = (*arguments[:4], 0, *arguments[5:]) if len(arguments) > 4 else arguments
        for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout"):
            options.pop(name, None)
        if len(arguments) <= 4:
            options["num_workers"] = 0
        initialise(self, dataset, *arguments, **options)

    return init


def _where_permitted(change: Callable[..., None]) -> Callable[..., None]:
    """A worker that shares its user with others may change no modes and times, its own files' included."""

    @functools.wraps(change)
    def attempt(*arguments: Any, **options: Any) -> None:
        with contextlib.suppress(PermissionError):
            change(*arguments, **options)

    return attempt


def _compile(model: Any = None, **_: Any) -> Any:
    return model if model is not None else lambda function: function
