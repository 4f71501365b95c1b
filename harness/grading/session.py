"""The process that judges: stages the upload, starts the sandbox, runs the graded tests under pytest, reports verdicts.

Started by the supervisor as a child, so that whatever ends this process leaves a parent that has every verdict reached
so far. Order matters: the upload is staged and the zygote is started before any answer is read.
"""

from __future__ import annotations

import importlib
import io
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.assignment import ROOT, Assignment
from harness.errors import HoldoutError, InternalError
from harness.grading import termdata
from harness.grading.bytecode import compile_ahead
from harness.grading.catalogue import GradedTest
from harness.grading.duedate import due_date_passed
from harness.grading.plugin import Plugin, problem_fixtures
from harness.grading.results import INTERNAL_ERROR_NOTE, NoteKind, Outcome, Report, Results, to_line
from harness.grading.seeds import DEMO_SECRET, Seeds, release_secret
from harness.grading.student import Student
from harness.grading.supervisor import GradeRequest
from harness.intake import given
from harness.intake.staging import Submission, UploadError, stage
from harness.manifest import load
from harness.probes import schemas
from harness.problem import exports_of, need_torch
from harness.sandbox import Isolation, Libraries, Sandbox
from harness.sandbox.forkserver import ZygoteServer


def run(request: GradeRequest, assignment: Assignment, results: Results, zygotes: ZygoteServer | None = None) -> None:
    """Judge every graded test of `request`, and record in `results` what becomes of each."""
    try:
        exports = exports_of(assignment)
        into = _private(request, "upload")
        submission = stage(
            Path(request.upload),
            into,
            assignment.uploads,
            exports=exports,
            demos=assignment.demos,
            at_home=request.at_home,
        )
        note_upload(results, submission)
        _judge(request, assignment, results, submission, zygotes)
    except UploadError as problem:
        results.add_note(NoteKind.UPLOAD, str(problem))
        results.close_open(Outcome.FAIL, "Nothing to judge, for the reason that stands above all tests.")
    except HoldoutError as problem:
        results.add_note(NoteKind.GRADE, str(problem))
        results.close_open(Outcome.INTERNAL_ERROR, f"Not judged: {INTERNAL_ERROR_NOTE}")
    results.finish("the session ended before this graded test.")


def _judge(
    request: GradeRequest,
    assignment: Assignment,
    results: Results,
    submission: Submission,
    zygotes: ZygoteServer | None,
) -> None:
    isolation = Isolation.REQUIRED if request.gradescope else Isolation.BEST_EFFORT
    events: list[str] = []

    def tell(event: str) -> None:
        events.append(event)
        results.add_extra("events", events)

    if not request.at_home:
        _check_memory()
    workers, libraries = _private(request, "workers"), _libraries(request, assignment)
    with Sandbox(workers, isolation=isolation, on_event=tell, libraries=libraries, server=zygotes) as sandbox:
        if not request.at_home:  # nobody asks what holds against a student's own code
            results.add_extra("isolation", asdict(sandbox.report()))
        if request.with_reference and not request.gradescope:
            note_other_data(request, assignment, results, submission, sandbox)
        if request.with_reference:
            note_given_code(assignment, results, submission)
        if len(request.graded_tests) > _FEW_TESTS:
            compile_ahead(sandbox, submission.tree)
        run_graded_tests(request, assignment, results, submission, sandbox)


def _check_memory() -> None:
    """InternalError where there is too little memory: short of it, everything takes long, and seems the student's."""
    if sys.platform != "linux":
        return
    from harness.sandbox.system import memory_limit

    limit = memory_limit()
    if limit is not None and limit < LEAST_MEMORY:
        raise InternalError(
            f"this container may take {limit >> 20} MiB of memory, and a grade needs {LEAST_MEMORY >> 20}: "
            "give it more (Gradescope's smallest has 768)"
        )


def _libraries(request: GradeRequest, assignment: Assignment) -> Libraries:
    """What workers have from the beginning: on a student's own computer no more than these graded tests need."""
    parts = (each.part for each in request.graded_tests)
    return "plain" if request.at_home and not need_torch(assignment, parts) else "all"


#: Bytes. The reference's upload takes 300 MiB with all that serves it; others take more.
LEAST_MEMORY = 448 << 20

#: For so many, it takes less to have each worker compile what it imports.
_FEW_TESTS = 3

#: What else a grade imports when it comes to it, beside what the graded tests import.
_IMPORTED_LATE = ("harness.sandbox.forking", "numpy.random", "encodings.ascii", "grp", "pwd")

#: The staff solution, which is the template with its blocks filled in.
_SOLUTION = ROOT / "reference_solution" / "src" / "submission"


def note_other_data(
    request: GradeRequest, assignment: Assignment, results: Results, submission: Submission, sandbox: Sandbox
) -> None:
    """Say first where the upload was made for another dataset that is known at this desk.

    Called once the sandbox has started: from then on answers may be read here.
    """
    with tempfile.TemporaryDirectory(dir=request.scratch) as folder:
        for name, path in submission.present.items():
            if name.endswith(".predictions"):
                shutil.copyfile(path, Path(folder) / name)
        student = Student(sandbox, submission.tree, assignment.limits, 0, submission=submission, hidden=True)
        said = termdata.made_for_other(Path(folder), Path(request.data), ROOT, assignment, student)
    if said is not None:
        results.add_note(NoteKind.OTHER_DATA, said)


def note_given_code(assignment: Assignment, results: Results, submission: Submission) -> None:
    """Say which code files are another template's."""
    code = {each.name for each in assignment.uploads if each.kind == "code"}
    files = {name: path for name, path in submission.present.items() if name in code}
    said = given.differences(files, _SOLUTION)
    if said:
        results.add_note(NoteKind.UPLOAD, said)


def run_graded_tests(
    request: GradeRequest, assignment: Assignment, results: Results, submission: Submission, sandbox: Sandbox
) -> None:
    """Run the graded tests of `request` under pytest, in this process, and record what becomes of each."""
    hidden = request.with_reference
    seeds = Seeds.of(submission.digest, release_secret() if hidden else DEMO_SECRET, request.seed)
    results.add_extra("seed", seeds.hidden if hidden else seeds.basic)
    plugin = Plugin(
        graded_tests=request.graded_tests,
        assignment=assignment,
        submission=submission,
        reference_tree=_reference(request, assignment),
        data=Path(request.data),
        sandbox=sandbox,
        results=results,
        seeds=seeds,
        deadline=results.started + assignment.limits.run_seconds,
        at_home=request.at_home,
        after_due_date=request.gradescope and due_date_passed(),
    )
    _run_pytest(plugin, results)


def _run_pytest(plugin: Plugin, results: Results) -> None:
    """Run the graded tests; what pytest itself prints goes to staff only when it broke."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = pytest.main(
            _pytest_arguments(plugin.graded_tests), plugins=[plugin, problem_fixtures(plugin.assignment, plugin.data)]
        )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        results.add_extra("pytest", printed.getvalue()[-4000:])


def _pytest_arguments(graded_tests: Iterable[GradedTest]) -> list[str]:
    modules = {graded_test.module for graded_test in graded_tests}
    files = sorted(str(importlib.import_module(module).__file__) for module in modules)
    return ["-c", str(ROOT / "harness" / "grading" / "pytest.ini"), *files]


def rehearse(graded_tests: Iterable[GradedTest]) -> None:
    """Have everything imported that judging will want, by collecting the graded tests and running none."""
    with redirect_stdout(io.StringIO()):
        pytest.main([*_pytest_arguments(graded_tests), "--collect-only"])
    for module in (*_IMPORTED_LATE, *schemas.topics()):
        with suppress(ImportError):  # of another system
            importlib.import_module(module)


def _private(request: GradeRequest, purpose: str) -> Path:
    """A fresh folder whose name no worker can guess, below a folder that no worker can list."""
    folder = Path(request.scratch) / f"{purpose}-{secrets.token_hex(16)}"
    return _open_folder(folder)


def _open_folder(folder: Path) -> Path:
    """Make a folder that workers may read, whatever our umask is."""
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def _reference(request: GradeRequest, assignment: Assignment) -> Path | None:
    """The staff solution's code, staged like an upload; None where it is not shipped (students)."""
    source = _SOLUTION
    if not request.with_reference:
        return None
    if not source.is_dir():
        raise InternalError(f"{source}: the staff solution is missing beside this grader; build the release again")
    into = _private(request, "reference")
    package = _open_folder(into / "submission")
    for deliverable in assignment.uploads:
        if deliverable.kind == "code":
            shutil.copyfile(source / deliverable.name, package / deliverable.name)
            (package / deliverable.name).chmod(0o444)
    into.chmod(0o700)  # opened while it runs
    return into


def note_upload(results: Results, submission: Submission) -> None:
    """What the intake has to say, with the kind of each sentence."""
    for complaint in submission.complaints:
        results.add_note(NoteKind.ABSENT if complaint.absent else NoteKind.UPLOAD, complaint.message)
    for note in submission.notes:
        results.add_note(NoteKind.UPLOAD, note)
    if submission.ignored:
        results.add_note(NoteKind.IGNORED, submission.ignored)


class _Channel:
    """This process's side of the pipe to the supervisor."""

    def __init__(self) -> None:
        """Take stdout over, before anything is started or printed: from now on what is printed goes to stderr."""
        self._descriptor = os.dup(1)  # dup: no child inherits it
        os.dup2(2, 1)
        self._whole = True

    def __call__(self, report: Report) -> None:
        """Write one line. Where an exception, such as a time limit's, cut one off, the next begins on a line anew."""
        data = to_line(report) if self._whole else b"\n" + to_line(report)
        self._whole = False
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._whole = True


def _end_with_the_supervisor() -> None:
    """Wait for the end of stdin, which the supervisor holds open while it lives; then end at once, whatever runs."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    os._exit(InternalError.exit_code)  # sys.exit would end this thread alone


def main(zygotes: ZygoteServer | None = None) -> int:
    """The session as a process: the request from stdin, reports to stdout; `zygotes`: who gives out its zygote."""
    channel = _Channel()
    if hasattr(signal, "SIGCHLD"):  # where it is ignored, as by some parents, no child's end can be waited for
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(os.dup(0), "rb", buffering=0) as stdin:
        request = GradeRequest.from_line(stdin.readline())
    threading.Thread(target=_end_with_the_supervisor, daemon=True).start()
    run(request, load(), Results.of(request.graded_tests, listener=channel), zygotes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
