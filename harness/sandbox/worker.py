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
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from harness.sandbox import codec, describe, frames, hardening
from harness.sandbox.job import ARGUMENT_CAPS, JOB_NONCE, PACKAGE, Job
from harness.sandbox.values import CodecError

Probe = Callable[..., object]
Probes = Mapping[str, ModuleType]


def find(probes: Probes, name: str) -> Probe:
    """The probe `topic.function`.

    Raises:
        LookupError: no such module, or no such function in it.
    """
    topic, _, function = name.partition(".")
    if topic not in probes:
        raise LookupError(f"no probe module '{topic}'; there are {', '.join(sorted(probes)) or 'none'}")
    probe = getattr(probes[topic], function, None)
    if not callable(probe):
        raise LookupError(f"probe module '{topic}' has no function '{function}'")  # noqa: TRY004 - ours, one kind
    return probe  # type: ignore[no-any-return]


def check_reach(job: Job) -> None:
    """Raises OSError where this process, as what it is now, cannot read the tree or write its scratch folder."""
    with os.scandir(job.tree if not job.load else os.path.join(job.tree, PACKAGE)) as entries:  # noqa: PTH118
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                os.close(os.open(entry.path, os.O_RDONLY))
                break
    os.close(os.open(os.path.join(job.scratch, ".try"), os.O_WRONLY | os.O_CREAT, 0o600))  # noqa: PTH118
    os.unlink(os.path.join(job.scratch, ".try"))  # noqa: PTH108, PTH118


def send(job: Job, message: Mapping[str, object], descriptor: int) -> None:
    """One message of ours, from before student code runs."""
    frames.write(descriptor, frames.pack(bytes.fromhex(job.nonce), *codec.encode(message)))


def finish(job: Job, probe: Probe, *, request: int, reply: int) -> NoReturn:
    """Everything from the arguments to the end of the process."""
    nonce = bytes.fromhex(job.nonce)
    arguments = codec.decode(*frames.read(request, nonce, ARGUMENT_CAPS), ARGUMENT_CAPS)
    os.close(request)
    streams = (sys.stdout, sys.stderr)
    pieces = _frame(job, nonce, _outcome(job, probe, arguments))
    for stream in streams:
        with contextlib.suppress(BaseException):  # student code may have closed or replaced what is beneath
            stream.flush()
    frames.write(reply, pieces)
    os._exit(0)


def _outcome(job: Job, probe: Probe, arguments: Any) -> Any:
    """What to send: kind `returned` with a value, or `import_failed` or `raised` with a description."""
    kind = "import_failed"
    try:
        _seed(job.seed)
        subject = _load(job)
        kind = "raised"
        return {"kind": "returned", "value": probe(subject, **arguments)}
    except BaseException as problem:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the student's, too
        return {"kind": kind, "error": describe.describe(problem, job.tree)}


def _frame(job: Job, nonce: bytes, outcome: Any) -> list[bytes]:
    from harness.sandbox import tensors

    caps = job.reply_caps()
    try:
        return frames.pack(nonce, *codec.encode(outcome, caps, tensors.converter(caps)))
    except BaseException as problem:  # noqa: BLE001 - the value's own methods may raise anything
        kind = "unsendable" if isinstance(problem, (CodecError, TypeError, ValueError, RuntimeError)) else "raised"
        return frames.pack(nonce, *codec.encode({"kind": kind, "error": describe.describe(problem, job.tree)}, caps))


def _seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % (1 << 32))  # noqa: NPY002 - student code uses the global state
    # torch.manual_seed would also format a stack trace for accelerators that are not there: 3 ms.
    torch.default_generator.manual_seed(seed % (1 << 63))


def _load(job: Job) -> object:
    if not job.load:
        return Path(job.tree) / PACKAGE
    sys.path.insert(0, job.tree)
    importlib.invalidate_caches()
    return importlib.import_module(PACKAGE)


def prepare_process(job: Job) -> None:
    """Python's own settings that depend on the job."""
    tempfile.tempdir = job.scratch  # else the first use tries several folders
    # New streams: the inherited ones believe that they write to the zygote's log.
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        raw = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def receive(request: int) -> Job:
    """The job, the first message on the request pipe."""
    raw = codec.decode(*frames.read(request, JOB_NONCE, ARGUMENT_CAPS), ARGUMENT_CAPS)
    assert isinstance(raw, dict)
    return Job.from_dict(raw)


def enter(probes: Probes, base: hardening.Baseline, parent: int, readable: tuple[str, ...]) -> NoReturn:
    """A forked worker from its descriptors on: harden, say so, and run. Never returns."""
    job = receive(hardening.REQUEST)
    try:
        hardening.scrub_environment(job.scratch)
        prepare_process(job)
        probe = find(probes, job.probe)
        layers = hardening.harden(job, base, parent, readable)
        check_reach(job)
    except BaseException as problem:  # noqa: BLE001 - all of it is an internal error, and is told as one
        refuse(job, problem, hardening.REPLY)
    send(job, {"ready": layers}, hardening.REPLY)
    finish(job, probe, request=hardening.REQUEST, reply=hardening.REPLY)


def refuse(job: Job, problem: BaseException, reply: int) -> NoReturn:
    """Tell the grader that this worker is not fit to run anything, and end."""
    send(job, {"fault": f"{type(problem).__name__}: {problem}"[:1000]}, reply)
    os._exit(1)
