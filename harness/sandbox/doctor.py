"""What isolation holds on this machine, layer by layer, for a person."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.sandbox.model import SandboxError
from harness.sandbox.preflight import PreflightReport, preflight
from harness.sandbox.sandbox import Sandbox

_LAYERS = {
    "backend": "workers come by",
    "uid": "a user ID per worker",
    "rlimits": "resource limits",
    "landlock": "Landlock (ABI, 0 is none)",
    "seccomp": "system call filter (instructions)",
    "modules": "modules for other users",
}


def doctor() -> tuple[str, bool]:
    """A text of a screen's height, and whether Gradescope mode would grade here."""
    folder = Path(tempfile.mkdtemp(prefix="holdout-doctor-"))
    folder.chmod(0o711)
    try:
        with Sandbox(folder, probes=str(folder)) as sandbox:  # an empty folder: no probes but the sandbox's own
            found = preflight(sandbox)
    except SandboxError as problem:
        return f"No worker can be run on this machine: {problem}", False
    finally:
        folder.rmdir()
    return render(found), found.report.ok_for_grading


def render(found: PreflightReport) -> str:
    """The text."""
    report = found.report
    lines = [f"Isolation here: {report.place}", report.promise, ""]
    lines += [f"  {label:<36}{_word(report.layers[name])}" for name, label in _LAYERS.items() if name in report.layers]
    if found.attempts:
        lines += ["", "Tried from inside a worker:"]
        lines += [f"  {name:<36}{'held' if held else 'OPEN'}" for name, held in found.attempts.items()]
    lines += [
        "",
        "Gradescope mode would grade here." if report.ok_for_grading else "Gradescope mode would refuse to grade here:",
    ]
    lines += [f"  {sentence}" for sentence in report.failures]
    if report.stays_open:
        lines += ["", "What no layer closes here:", *(f"  {sentence}" for sentence in report.stays_open)]
    return "\n".join(lines)


def _word(value: str | bool | int) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
