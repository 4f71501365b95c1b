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
from harness.sandbox.job import Job
from harness.sandbox.preload import preload


def run(probes: str) -> NoReturn:
    """Job and arguments come on stdin, the reply goes to stdout, student code's output to stderr."""
    request, reply = _take_over_descriptors()
    job = worker.receive(request)
    try:
        probe = worker.find(preload(probes, for_forks=False), job.probe)
        hardening.scrub_environment(job.scratch)
        worker.prepare_process(job)
        os.chdir(job.scratch)
        _limit(job)
        importlib.import_module("torch").manual_seed(job.seed % (1 << 63))  # accelerators, too: here there may be some
        worker.check_reach(job)
    except BaseException as problem:  # noqa: BLE001 - all of it is an internal error, and is told as one
        worker.refuse(job, problem, reply)
    worker.send(job, {"ready": {"rlimits": "rlimits" in job.layers}}, reply)
    worker.finish(job, probe, request=request, reply=reply)


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


def _limit(job: Job) -> None:
    if "rlimits" not in job.layers or sys.platform == "win32":
        return
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    base = hardening.baseline() if sys.platform == "linux" else None
    limits = replace(job.limits, cpu_seconds=job.limits.cpu_seconds + math.ceil(time.process_time()))
    values = hardening.resource_limits(limits, base, alone=False)
    for name, value in values.items():
        with contextlib.suppress(ValueError, OSError):  # macOS has some of these by name only
            hardening.limit_resources({name: value})
