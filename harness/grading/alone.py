"""A student's code outside of any grade: staged and sandboxed as there, asked by a command that judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.grading.student import Student
from harness.grading.supervisor import scratch_folder
from harness.intake.staging import stage
from harness.manifest import load
from harness.problem import exports_of
from harness.sandbox import Sandbox


@contextmanager
def students_of(upload: Path) -> Iterator[Callable[[], Student]]:
    """Makes a `student` as graded tests have it, as often as it is asked for: each with its own time limit.

    Raises:
        UploadError: nothing of the upload can be used.
        InternalError: no worker can be had.
    """
    assignment = load()
    with scratch_folder() as scratch, Sandbox(scratch / "workers") as sandbox:
        staged = stage(upload, scratch / "upload", assignment.uploads, exports=exports_of(assignment), at_home=True)
        yield lambda: Student(sandbox, staged.tree, assignment.limits, 0, submission=staged, hidden=False)
