"""What a worker does once it is hardened: take the arguments, seed, import the submission, run the probe, reply once.

From the import on, this process belongs to the student's code, this module included. That is why the message that says
"hardened" goes out before, and why nothing that comes after it is believed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from harness.sandbox import codec, describe, frames, hardening
from harness.sandbox.probe_call import ARGUMENT_CAPS, CALL_NONCE, PACKAGE, ProbeCall
from harness.sandbox.values import Caps, CodecError

Probe = Callable[..., object]
Probes = Mapping[str, ModuleType]


def find(probes: Probes, name: str) -> Probe:
    """The probe `topic.function`.

    Raises:
        LookupError: no such module, or no such function in it.
    """
    topic, _, function = name.partition(".")
    try:
        module = probes[topic]
    except KeyError:
        raise LookupError(f"no probe module '{topic}'; there are {', '.join(sorted(probes)) or 'none'}") from None
    probe = getattr(module, function, None)
    if not callable(probe):
        raise LookupError(f"probe module '{topic}' has no function '{function}'")  # noqa: TRY004 - ours, one kind
    return probe  # type: ignore[no-any-return]


def check_reach(call: ProbeCall) -> None:
    """Raises OSError where this process, as what it is now, cannot read the tree or write its scratch folder."""
    with os.scandir(call.tree if not call.load else os.path.join(call.tree, PACKAGE)) as entries:  # noqa: PTH118
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                os.close(os.open(entry.path, os.O_RDONLY))
                break
    os.close(os.open(os.path.join(call.scratch, ".try"), os.O_WRONLY | os.O_CREAT, 0o600))  # noqa: PTH118
    os.unlink(os.path.join(call.scratch, ".try"))  # noqa: PTH108, PTH118


def send(call: ProbeCall, message: Mapping[str, object], descriptor: int) -> None:
    """One message of ours, from before student code runs."""
    frames.write(descriptor, frames.pack(bytes.fromhex(call.nonce), *codec.encode(message)))


def finish(call: ProbeCall, probe: Probe, *, request: int, reply: int) -> NoReturn:
    """Everything from the arguments to the end of the process."""
    nonce = bytes.fromhex(call.nonce)
    arguments = codec.decode(*frames.read(request, nonce, ARGUMENT_CAPS), ARGUMENT_CAPS)
    os.close(request)
    streams = (sys.stdout, sys.stderr)
    pieces = _frame(call, nonce, _outcome(call, probe, arguments))
    for stream in streams:
        with contextlib.suppress(BaseException):  # student code may have closed or replaced what is beneath
            stream.flush()
    frames.write(reply, pieces)
    os._exit(0)


def _outcome(call: ProbeCall, probe: Probe, arguments: Any) -> Any:
    """What to send: kind `returned` with a value, or `import_failed` or `raised` with a description."""
    kind = "import_failed"
    try:
        _seed(call.seed)
        with _Alarm(call.limits.alarm_seconds):
            subject = _load(call)
            kind = "raised"
            return {"kind": "returned", "value": probe(subject, **arguments)}
    except _LateError as problem:
        return {"kind": "late", "error": describe.describe(problem, call.tree)}
    except BaseException as problem:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the student's, too
        return {"kind": kind, "error": describe.describe(problem, call.tree)}


class _LateError(BaseException):
    """Raised where the code is when its time is up: no `except Exception` of a student's keeps it."""


class _Alarm:
    """Interrupts a block after so many seconds, where signals can; else, and in the midst of C code, nothing does.

    A class: contextlib's own managers set attributes of what a block raises, which is an object of student code's.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds if hasattr(signal, "setitimer") else 0

    def __enter__(self) -> None:
        if self._seconds:
            signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._seconds, 0.1)  # again: a bare `except` may swallow the first

    def __exit__(self, *_: object) -> None:
        if self._seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @staticmethod
    def _ring(*_: object) -> None:
        raise _LateError


def _frame(call: ProbeCall, nonce: bytes, outcome: Any) -> list[bytes]:
    caps = call.reply_caps()
    try:
        return frames.pack(nonce, *codec.encode(outcome, caps, _converter(caps)))
    except BaseException as problem:  # noqa: BLE001 - the value's own methods may raise anything
        kind = "unsendable" if isinstance(problem, (CodecError, TypeError, ValueError, RuntimeError)) else "raised"
        return frames.pack(nonce, *codec.encode({"kind": kind, "error": describe.describe(problem, call.tree)}, caps))


def _converter(caps: Caps) -> codec.Convert | None:
    """What makes arrays of tensors, where there are any."""
    if "torch" not in sys.modules:
        return None
    from harness.sandbox import tensors

    return tensors.converter(caps)


def _seed(seed: int) -> None:
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % (1 << 32))  # noqa: NPY002 - student code uses the global state
    if "torch" in sys.modules:
        import torch

        # torch.manual_seed would also format a stack trace for accelerators that are not there: 3 ms.
        torch.default_generator.manual_seed(seed % (1 << 63))


def _load(call: ProbeCall) -> object:
    if not call.load:
        return Path(call.tree) / PACKAGE
    sys.path.insert(0, call.tree)  # a folder that nothing here has looked into: there are no caches to invalidate
    return importlib.import_module(PACKAGE)


def prepare_process(call: ProbeCall) -> None:
    """Python's own settings that depend on the call."""
    tempfile.tempdir = call.scratch  # else the first use tries several folders
    # New streams: the inherited ones believe that they write to the zygote's log.
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        raw = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def receive(request: int) -> ProbeCall:
    """The call, the first message on the request pipe."""
    raw = codec.decode(*frames.read(request, CALL_NONCE, ARGUMENT_CAPS), ARGUMENT_CAPS)
    assert isinstance(raw, dict)
    return ProbeCall.from_dict(raw)


def enter(probes: Probes, base: hardening.Baseline, parent: int, readable: tuple[str, ...]) -> NoReturn:
    """A forked worker from its descriptors on: harden, say so, and run. Never returns."""
    call = receive(hardening.REQUEST)
    try:
        hardening.scrub_environment(call.scratch)
        prepare_process(call)
        probe = find(probes, call.probe)
        layers = hardening.harden(call, base, parent, readable)
        check_reach(call)
    except BaseException as problem:  # noqa: BLE001 - all of it is an internal error, and is told as one
        refuse(call, problem, hardening.REPLY)
    send(call, {"ready": layers}, hardening.REPLY)
    finish(call, probe, request=hardening.REQUEST, reply=hardening.REPLY)


def refuse(call: ProbeCall, problem: BaseException, reply: int) -> NoReturn:
    """Tell the grader that this worker is not fit to run anything, and end."""
    send(call, {"fault": f"{type(problem).__name__}: {problem}"[:1000]}, reply)
    os._exit(1)
