"""The sandbox: runs one probe beside one submission in a process that can do no harm, and returns plain values.

    with Sandbox(scratch, isolation=Isolation.REQUIRED) as sandbox:
        reply = sandbox.run(tree, "corruption.draws", {"rounds": 200}, seed=7, limits=Limits())
        if reply.status is Status.RETURNED:
            judge(reply.value)

Reading order: `parent` (theory of operation: which processes, which pipes), `model` (the words), `sandbox` (what
callers use), `zygote` and `worker` (the child side), `hardening` with `seccomp` and `landlock` (the layers), `codec`
and `frames` (what crosses them), `preflight` (whether they hold), `times` and `scratch` (the files a worker meets).

Knows nothing of graded tests, points or platforms. This side imports the standard library and numpy, never torch.
"""

from harness.sandbox.doctor import doctor
from harness.sandbox.model import (
    Frame,
    Isolation,
    IsolationReport,
    Libraries,
    Limits,
    RemoteError,
    Reply,
    SandboxError,
    Status,
)
from harness.sandbox.preflight import PreflightReport, preflight
from harness.sandbox.sandbox import Sandbox
from harness.sandbox.values import Value

__all__ = [
    "Frame",
    "Isolation",
    "IsolationReport",
    "Libraries",
    "Limits",
    "PreflightReport",
    "RemoteError",
    "Reply",
    "Sandbox",
    "SandboxError",
    "Status",
    "Value",
    "doctor",
    "preflight",
]
