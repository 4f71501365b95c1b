"""What works differently for student code in a worker, and why.

* `DataLoader(num_workers=n)` behaves as n = 0: a worker starts no processes. Options that need processes are dropped.
* `torch.compile` returns its argument: it would start a compiler. So nothing needs `torch._dynamo`, which optimisers
  load at their first step: a stand-in answers them, and loads the real one for whoever asks for more of it.
* Where there is no GPU, what is moved to one stays where it is: a template may name the device outright.
* `shutil.copy` and its like keep a file's mode and times where they may be changed, and else copy the content alone.

Everything else that a worker may not do fails with the system's own error.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import shutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def install() -> None:
    """Patch torch and shutil, in the process that workers are forked from, once."""
    import torch
    import torch.utils.data

    loader: Any = torch.utils.data.DataLoader
    loader.__init__ = _without_workers(loader.__init__)
    torch.compile = _compile
    sys.modules.setdefault(_Dynamo.NAME, _Dynamo(_Dynamo.NAME))
    stay_on_cpu()
    for name in ("copymode", "copystat"):
        setattr(shutil, name, _where_permitted(getattr(shutil, name)))


def stay_on_cpu() -> None:
    """Make `.to("cuda")`, `.cuda()` and `torch.cuda.current_device()` work on a machine without a GPU, once."""
    import torch

    tensor: Any = torch.Tensor
    cuda: Any = torch.cuda
    if torch.cuda.is_available() or hasattr(tensor.to, "__wrapped__"):
        return
    tensor.to = _to_cpu(tensor.to)
    tensor.cuda = lambda self, *_, **__: self
    cuda.current_device = lambda: torch.device("cpu")  # what modules move to, too


def _to_cpu(move: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def here(device: Any) -> Any:
        named = isinstance(device, (str, torch.device)) and str(device).startswith("cuda")
        return "cpu" if named or type(device) is int else device

    @functools.wraps(move)
    def to(self: Any, *arguments: Any, **options: Any) -> Any:
        return move(self, *map(here, arguments[:1]), *arguments[1:], **{**options, **_device(options, here)})

    return to


def _device(options: dict[str, Any], here: Callable[[Any], Any]) -> dict[str, Any]:
    return {"device": here(options["device"])} if "device" in options else {}


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


class _Dynamo(ModuleType):
    """In the place of `torch._dynamo`, whose import takes as long as torch's own: what optimisers want of it."""

    NAME = "torch._dynamo"

    @staticmethod
    def disable(function: Any = None, *_: Any, **__: Any) -> Any:
        """Nothing is compiled, so there is nothing to disable."""
        return function if function is not None else lambda each: each

    @staticmethod
    def graph_break(*_: Any, **__: Any) -> None:
        """Nothing is compiled."""

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked for is the real one's, which takes this one's place."""
        if sys.modules.get(self.NAME) is self:
            del sys.modules[self.NAME]
        return getattr(importlib.import_module(self.NAME), name)
