"""A worker that was not forked: a fresh process for one run, where there is no zygote (macOS, Windows, or by choice).

Contains accidents: a deadline and capped output by the grader, and whatever resource limits the system has. It keeps
the user's identity, files and network.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import signal
import sys
import time
from dataclasses import replace
from typing import NoReturn

from harness.sandbox import hardening, worker
from harness.sandbox.preload import preload
from harness.sandbox.probe_call import ProbeCall


def run(probes: str, libraries: str) -> NoReturn:
    """ProbeCall and arguments come on stdin, the reply goes to stdout, student code's output to stderr."""
    request, reply = _take_over_descriptors()
    call = worker.receive(request)
    try:
        probe = worker.find(preload(probes, libraries), call.probe)
        hardening.scrub_environment(call.scratch)
        worker.prepare_process(call)
        os.chdir(call.scratch)
        _limit(call)
        if libraries != "plain":
            torch = importlib.import_module("torch")
            torch.manual_seed(call.seed % (1 << 63))  # accelerators, too: here there may be some
        worker.check_reach(call)
    except BaseException as problem:  # noqa: BLE001 - all of it is an internal error, and is told as one
        worker.refuse(call, problem, reply)
    worker.send(call, {"ready": {"rlimits": "rlimits" in call.layers}}, reply)
    worker.finish(call, probe, request=request, reply=reply)


def _take_over_descriptors() -> tuple[int, int]:
    """Keep stdin and stdout for us under other numbers; the student's stdin is empty, their stdout is our stderr."""
    request, reply = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    os.close(empty)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (request, reply):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return request, reply


def _limit(call: ProbeCall) -> None:
    if "rlimits" not in call.layers or sys.platform == "win32":
        return
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    base = hardening.baseline() if sys.platform == "linux" else None
    limits = replace(call.limits, cpu_seconds=call.limits.cpu_seconds + math.ceil(time.process_time()))
    values = hardening.resource_limits(limits, base, alone=False)
    for name, value in values.items():
        with contextlib.suppress(ValueError, OSError):  # macOS has some of these by name only
            hardening.limit_resources({name: value})
