"""The grader's process: stage the upload, start the sandbox, run the graded tests under pytest, save after each.

Started by the supervisor as a child, so that whatever ends this process leaves a parent that can finish results.json.
Order matters: the upload is staged and the zygote is started before any answer is read.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from harness.assignment import ROOT, Assignment, load
from harness.errors import HoldoutError, InternalError
from harness.grading import catalogue
from harness.grading.plugin import Plugin, problem_fixtures
from harness.grading.results import INTERNAL_ERROR_NOTE, Ledger, Outcome
from harness.intake.staging import Submission, UploadError, stage
from harness.problem import exports_of
from harness.sandbox import Isolation, Sandbox

INTERNAL_ERROR_EXIT = 3

Save = Callable[[], None]


@dataclass(frozen=True)
class Job:
    """One grade: everything that the child needs, as JSON on its command line."""

    upload: str
    data: str
    results: str
    scratch: str
    kinds: tuple[catalogue.Kind, ...]
    only: str | None
    seed: str | None
    gradescope: bool
    release: str | None

    def to_json(self) -> str:
        """The inverse of `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The inverse of `to_json`."""
        raw = json.loads(text)
        return cls(**{**raw, "kinds": tuple(raw["kinds"])})

    def graded_tests(self) -> tuple[catalogue.GradedTest, ...]:
        """The graded tests that this job judges."""
        return catalogue.select(catalogue.collect(load(), self.kinds), self.only)


def run(job: Job) -> int:
    """Judge every graded test of `job` and save; returns 0, or 3 when an internal error left some without a verdict."""
    ledger = Ledger.of(job.graded_tests(), release=job.release)
    results = Path(job.results)

    def save() -> None:
        ledger.write(results)

    try:
        assignment = load()
        submission = stage(
            Path(job.upload), _private(job, "upload"), assignment.uploads, exports=exports_of(assignment)
        )
        _note_upload(ledger, submission)
        _judge(job, ledger, submission, save)
    except UploadError as problem:
        ledger.notes.append(str(problem))
        ledger.close_open(Outcome.FAIL, f"Nothing to judge: {problem}")
    except HoldoutError as problem:
        ledger.notes.append(str(problem))
        ledger.close_open(Outcome.INTERNAL_ERROR, f"Not judged: {INTERNAL_ERROR_NOTE}")
    ledger.close_open(
        Outcome.INTERNAL_ERROR, f"Not judged: the session ended before this graded test. {INTERNAL_ERROR_NOTE}"
    )
    ledger.finished = True
    save()
    return INTERNAL_ERROR_EXIT if ledger.faults else 0


def _judge(job: Job, ledger: Ledger, submission: Submission, save: Save) -> None:
    isolation = Isolation.REQUIRED if job.gradescope else Isolation.BEST_EFFORT
    events: list[str] = []
    with Sandbox(_private(job, "workers"), isolation=isolation, on_event=events.append) as sandbox:
        ledger.extra["isolation"] = asdict(sandbox.report())
        try:
            run_graded_tests(job, ledger, submission, sandbox, save)
        finally:
            if events:
                ledger.extra["events"] = events


def run_graded_tests(job: Job, ledger: Ledger, submission: Submission, sandbox: Sandbox, save: Save) -> None:
    """Run the graded tests of `job` under pytest, in this process, and record what becomes of each in `ledger`."""
    assignment = load()
    ledger.extra["seed"] = job.seed or submission.digest[:16]
    save()
    plugin = Plugin(
        graded_tests=job.graded_tests(),
        assignment=assignment,
        submission=submission,
        reference_tree=_reference(job, assignment),
        data=Path(job.data),
        sandbox=sandbox,
        ledger=ledger,
        save=save,
        seed=ledger.extra["seed"],
        deadline=ledger.started + assignment.limits.run_seconds,
    )
    _run_pytest(plugin, ledger)


def _run_pytest(plugin: Plugin, ledger: Ledger) -> None:
    """Run the graded tests; what pytest itself prints goes to staff only when it broke."""
    files = sorted({str(Path(sys.modules[graded_test.module].__file__ or "")) for graded_test in plugin.graded_tests})
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = pytest.main(
            ["-c", str(ROOT / "harness" / "grading" / "pytest.ini"), *files],
            plugins=[plugin, problem_fixtures(plugin.assignment, plugin.data)],
        )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        ledger.extra["pytest"] = printed.getvalue()[-4000:]


def _private(job: Job, purpose: str) -> Path:
    """A fresh folder whose name no worker can guess, below a folder that no worker can list."""
    folder = Path(job.scratch) / f"{purpose}-{secrets.token_hex(16)}"
    folder.mkdir(mode=0o755)
    return folder


def _reference(job: Job, assignment: Assignment) -> Path | None:
    """The staff solution's code, staged like an upload; None where it is not shipped (students)."""
    source = ROOT / "reference_solution" / "src" / "submission"
    if "hidden" not in job.kinds:
        return None
    if not source.is_dir():
        raise InternalError(f"{source}: the staff solution is missing beside this grader; build the release again")
    into = _private(job, "reference")
    package = into / "submission"
    package.mkdir(mode=0o755)
    for deliverable in assignment.uploads:
        if deliverable.kind == "code":
            shutil.copyfile(source / deliverable.name, package / deliverable.name)
            (package / deliverable.name).chmod(0o444)
    into.chmod(0o700)  # opened while it runs
    return into


def _note_upload(ledger: Ledger, submission: Submission) -> None:
    ledger.notes += [problem.message for problem in submission.complaints]
    ledger.notes += list(submission.notes)


def _end_with_the_supervisor() -> None:
    """Wait for the end of stdin, which the supervisor holds open while it lives; then end at once, whatever runs."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    os._exit(INTERNAL_ERROR_EXIT)  # sys.exit would end this thread alone


if __name__ == "__main__":
    if hasattr(signal, "SIGCHLD"):  # where it is ignored, as by some parents, no child's end can be waited for
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_end_with_the_supervisor, daemon=True).start()
    sys.exit(run(Job.from_json(sys.argv[1])))
