"""What to do about code that does not import or lacks a name: a sentence for each usual cause."""

from __future__ import annotations

import re
import sys

from harness.intake.source import GRADING_PYTHON, named
from harness.sandbox import RemoteError

_OWN = "submission"
_NO_NAME = re.compile(rf"module '{_OWN}' has no attribute '(\w+)'")
_NO_MODULE = re.compile(r"No module named '([^']+)'")


def on_import(error: RemoteError | None) -> str:
    """Where to look, and what the grader has, for the student."""
    start = "start at the file and line above"
    if error is None:
        return start
    if error.type in ("SyntaxError", "IndentationError", "TabError"):
        here = named((sys.version_info[0], sys.version_info[1]))
        return (
            f"{start}; it is read by {here} here, Gradescope has {named(GRADING_PYTHON)} as environment.yml has, and "
            "syntax that is newer is an error"
        )
    missing = _NO_MODULE.match(error.message) if error.type == "ModuleNotFoundError" else None
    if missing and missing[1].startswith(f"{_OWN}."):
        return f"{start}; modules in folders of your own are not taken: move what you need into the files to upload"
    if missing:
        return f"{start}; the grader has Python's standard library, torch, numpy and tqdm, and your own files"
    return start


def missing_name(error: RemoteError | None) -> str | None:
    """The name that the package was asked for and does not have."""
    found = _NO_NAME.match(error.message) if error is not None and error.type == "AttributeError" else None
    return found[1] if found else None
