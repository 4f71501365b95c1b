"""The commands `python -m harness grade, regrade, report, calibrate, dataset, doctor`, and the students' grader.py.

Exit codes: 0 done, 1 doctor says no, a test of grader.py fails, or uploads are set aside, 2 unusable input, 3 an
internal error, 130 stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import terminal
from harness.assignment import ROOT
from harness.environment import check_packages
from harness.errors import HoldoutError, InternalError, MissingPackageError, UsageError
from harness.grading import catalogue, grade, termdata
from harness.grading.page import as_text
from harness.grading.results import INTERNAL_ERROR_NOTE, Note, NoteKind, Outcome, Results
from harness.manifest import PROFILE, PROFILE_VARIABLE, load
from harness.problem import need_torch

#: Made when no dataset is named: the demo dataset of the public key, for trying things out.
DEMO_DATASET = ROOT / "build" / "dataset"

#: Code that everybody may have, or may come to write: the template's, and the reference's.
_GIVEN_CODE = tuple(ROOT / name / "src" / "submission" for name in ("student_template", "reference_solution"))

#: What a student at home reads in place of INTERNAL_ERROR_NOTE.
HOME_NOTE = (
    "This says nothing of your work: something on this computer kept the test from running, and nobody is told. If "
    "it stays after installing the course's packages anew, show it to the course staff."
)

#: What a student at home reads where the data are not there: nobody but staff can make them.
_WITHOUT_DATA = (
    "{}: {} missing; the data of the term came in the course's student.zip, in its folder src/data: put them back"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    return terminal.run(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        with _profile_of_the_release():
            return int(arguments.run(arguments))
    except BrokenPipeError:
        raise  # whoever read what we print is gone
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("harness"):
            traceback.print_exc()
            return InternalError.exit_code
        print(f"error: {MissingPackageError(missing.name)}", file=sys.stderr)
        return MissingPackageError.exit_code
    except Exception:  # noqa: BLE001 - whatever it is, it is ours, and exit status 1 has another meaning
        traceback.print_exc()
        return InternalError.exit_code


@contextmanager
def _profile_of_the_release() -> Iterator[None]:
    """Inside the block, in a checkout, everything is graded by the profile of the release in dist/, if it has one."""
    profile = ROOT / "dist" / PROFILE
    if PROFILE_VARIABLE in os.environ or (ROOT / "data").is_dir() or not profile.is_file():
        yield
        return
    os.environ[PROFILE_VARIABLE] = str(profile)
    try:
        yield
    finally:
        del os.environ[PROFILE_VARIABLE]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    grade = commands.add_parser("grade", help="grade one upload")
    grade.add_argument("upload", type=terminal.path, help="a folder or a zip")
    grade.add_argument(
        "--data",
        type=terminal.path,
        help="folder with the term's data (default: beside the grader, of the release in dist/, or the demo)",
    )
    grade.add_argument("--results", type=terminal.path, help="where to write results.json (default: only print)")
    grade.add_argument("--html", type=terminal.path, help="also write a page for reading")
    grade.add_argument(
        "--view",
        choices=("staff", "student"),
        default="staff",
        help="what the page of --html shows: all (default), or what its student may see, to be sent to them",
    )
    grade.add_argument("--only", metavar="ID", help="one graded test (1e-2-hidden) or one part (1e)")
    grade.add_argument("--seed", type=terminal.name, help="repeat a run: the seed that its results show")
    grade.add_argument(
        "--gradescope",
        action="store_true",
        help="inside Gradescope's container: lock down, and refuse where isolation fails",
    )
    grade.set_defaults(run=_grade)

    _add_regrade(commands.add_parser("regrade", help="grade all uploads of a class; goes on where it was stopped"))

    for name, told in (("dataset", "generate a term's data"), ("world", "the old name of `dataset`")):
        dataset = commands.add_parser(name, help=told)
        dataset.add_argument("--out", type=terminal.path, required=True, help="folder to write")
        dataset.add_argument("--key-file", type=terminal.path, help="the term's secret key (default: the demo key)")
        dataset.add_argument("--preset", default="laptop", help="laptop (default) or full")
        dataset.add_argument(
            "--corpus",
            type=terminal.path,
            metavar="PATH",
            help="sentences and their translations, for problem 4: a tab-separated file, or a folder with .fr and .en",
        )
        dataset.set_defaults(run=_dataset, old_name=name == "world")

    report = commands.add_parser("report", help="say what the results of a regraded class tell")
    report.add_argument("folder", type=terminal.path, metavar="DIR", help="what `regrade --out DIR` wrote")
    report.add_argument("--names", action="store_true", help="show names instead of pseudonyms, and write scores.csv")
    report.add_argument("--data", type=terminal.path, help="folder with the term's data, as of `grade`")
    report.add_argument("--earlier", type=terminal.path, help="folder with uploads of earlier terms, to compare with")
    report.add_argument(
        "--given",
        type=terminal.path,
        action="append",
        default=[],
        help="a folder with more code that everybody may have, such as an earlier template",
    )
    report.add_argument("--without-similarity", action="store_true", help="do not compare the uploads")
    report.add_argument("--pages", action="store_true", help="also write a page for each upload, linked there")
    report.set_defaults(run=_report)

    calibrate = commands.add_parser("calibrate", help="say what a finished class suggests for the next term")
    calibrate.add_argument("folder", type=terminal.path, metavar="DIR", help="what `regrade --out DIR` wrote")
    calibrate.set_defaults(run=_calibrate)

    doctor = commands.add_parser("doctor", help="say what isolation holds on this machine")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_regrade(regrade: argparse.ArgumentParser) -> None:
    regrade.add_argument(
        "export",
        type=terminal.path,
        help="Gradescope's export (zip or folder), or a folder or zip with a folder or zip for each upload",
    )
    regrade.add_argument(
        "--out", type=terminal.path, required=True, metavar="DIR", help="folder for the journal and the results"
    )
    regrade.add_argument("--jobs", type=int, metavar="N", help="uploads at a time (default: one for each core)")
    regrade.add_argument(
        "--scheduler",
        type=terminal.name,
        metavar="ADDRESS",
        help="grade on a Dask cluster instead of this machine, such as tcp://host:8786",
    )
    regrade.add_argument(
        "--only", metavar="ID", help="one graded test or one part; the other verdicts stay those of the run before"
    )
    regrade.add_argument("--data", type=terminal.path, help="folder with the term's data, as of `grade`")
    regrade.add_argument("--retry", action="store_true", help="also try again what was set aside")
    regrade.add_argument("--names", action="store_true", help="name people instead of pseudonyms")
    regrade.set_defaults(run=_regrade)


def _regrade(arguments: argparse.Namespace) -> int:
    from harness.classroom import progress, regrade

    data = arguments.data or _default_data()
    jobs = arguments.jobs if arguments.jobs is not None else regrade.usable_cores()
    request = regrade.RegradeRequest(
        arguments.export, arguments.out, data, jobs=jobs, only=arguments.only, retry=arguments.retry
    )
    with _told_to_end(signal.SIGTERM, signal.SIGINT) as stop, progress.shown(sys.stderr) as screen:
        if arguments.scheduler is None:
            ending = regrade.regrade(request, screen, stop)
        else:
            from harness.classroom.cluster import regrade_on

            ending = regrade_on(arguments.scheduler, request, screen, stop)
    print(regrade.summary(request.out, ending, names=arguments.names))
    return ending.exit_code


def _grade(arguments: argparse.Namespace) -> int:
    if arguments.html is not None and not arguments.html.absolute().parent.is_dir():
        raise UsageError(f"{arguments.html}: its folder does not exist; make it first")
    if arguments.html is not None and arguments.html.is_dir():
        raise UsageError(f"{arguments.html}: is a folder; give the name of a file in it")
    with _told_to_end() as stop:
        results = grade(
            arguments.upload,
            arguments.data or _default_data(),
            results=arguments.results,
            only=arguments.only,
            seed=arguments.seed,
            gradescope=arguments.gradescope,
            stop=stop,
        )
    print(as_text(results))
    if arguments.html is not None:
        from harness.grading.page import as_html

        titles = {part.id: part.title for part in load().parts}
        page = as_html(results, arguments.upload.name or str(arguments.upload), titles, arguments.view)
        arguments.html.write_text(page, encoding="utf-8")
    return _exit_code(results)


def _exit_code(results: Results) -> int:
    return InternalError.exit_code if results.internal_errors else 0


@contextmanager
def _told_to_end(*signals: signal.Signals) -> Iterator[Callable[[], bool]]:
    """Inside the block these signals (default: SIGTERM) end the work instead of us, so that what is done is still told.

    Yields what says whether one came. The handler only takes a note: an exception or a lock in it could hit anything.
    Who sends it again gets what it does anywhere else.
    """
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # another thread cannot set handlers
        return
    before: dict[int, Any] = {}  # number -> handler

    def note(number: int, _: object) -> None:
        told.append(number)
        signal.signal(number, before[number])

    for each in signals or (signal.SIGTERM,):
        before[each] = signal.signal(each, note)
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _default_data() -> Path:
    """The data beside the grader; in a checkout that of the release in dist/, else the demo dataset."""
    shipped = ROOT / "data"
    if shipped.is_dir():
        return shipped
    released = termdata.released(ROOT, load())
    if released is not None:
        told = f"judged with the data of {termdata.release_in(ROOT)}; --data (make: DATA=) names others"
        print(f"note: {told}", file=sys.stderr)
        return released
    print("note: judged with the demo dataset: there is no release in dist/, and no --data", file=sys.stderr)
    if not DEMO_DATASET.is_dir():
        _make_dataset(DEMO_DATASET, None, "laptop")
    return DEMO_DATASET


def _dataset(arguments: argparse.Namespace) -> int:
    if arguments.old_name:
        print("note: `world` is now called `dataset`; the old name goes with the next release", file=sys.stderr)
    _make_dataset(arguments.out, arguments.key_file, arguments.preset, arguments.corpus)
    return 0


def _make_dataset(out: Path, key_file: Path | None, preset: str, corpus: Path | None = None) -> None:
    from harness.release.keys import DEMO_KEY, fingerprint, read_key
    from harness.release.termdata import generate, write  # staff's: students have no generator

    key = read_key(key_file) if key_file else DEMO_KEY
    if key_file is None:
        print(
            "note: made with the public demo key; anyone can make these answers again. Use --key-file for a term.",
            file=sys.stderr,
        )
    write(generate(load(), preset, key, corpus), out)
    print(f"{out}: preset {preset}, key {fingerprint(key)}")


def _report(arguments: argparse.Namespace) -> int:
    from harness.classroom import pages, report
    from harness.classroom.journal import records
    from harness.classroom.similarity import similarity

    for folder in (*arguments.given, *((arguments.earlier,) if arguments.earlier else ())):
        if not folder.is_dir():
            raise UsageError(f"{folder}: is no folder")
    assignment, found = load(), records(arguments.folder)
    told = report.read(found, assignment, names=arguments.names)
    if not arguments.without_similarity:
        alike = similarity(
            found,
            assignment,
            data=arguments.data or _default_data(),
            template=[*_GIVEN_CODE, *arguments.given],
            earlier=arguments.earlier,
            keep=arguments.folder,
            progress=lambda done, of: print(f"\rcomparing: read {done} of {of} uploads", end="", file=sys.stderr),
        )
        print(file=sys.stderr)
        told = replace(told, similarity=alike)
    if arguments.pages:
        told = replace(told, pages=pages.write(told.uploads, arguments.folder, assignment))
    for path in report.write(told, arguments.folder):
        print(path)
    return 0


def _calibrate(arguments: argparse.Namespace) -> int:
    from harness.classroom import calibrate, reading
    from harness.classroom.journal import records
    from harness.grading import catalogue

    found = reading.uploads(records(arguments.folder), names=False)
    print(calibrate.as_text(calibrate.calibration(found, catalogue.thresholds(load()))))
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from harness.sandbox import doctor

    text, ok = doctor(lambda said: print(said, file=sys.stderr, flush=True))
    print(text)
    return 0 if ok else 1


def _while_at_work(notes: Sequence[Note], deliverables: int) -> list[Note]:
    """The notes on an upload, for someone at work on it: what is still to be made in one line, no word on the rest."""
    absent = [note for note in notes if note.kind is NoteKind.ABSENT]
    kept = [note for note in notes if note.kind not in (NoteKind.ABSENT, NoteKind.IGNORED)]
    if absent:
        told = f"{len(absent)} of the {deliverables} files to upload are not here yet"
        kept.append(Note(NoteKind.ABSENT, f"{told}; python collect_submission.py names them"))
    return kept


def _at_home(results: Results, deliverables: int) -> Results:
    """The results for whoever runs the tests on their own machine: what broke there is reported to nobody."""
    by_id = {
        test_id: replace(result, output=result.output.replace(INTERNAL_ERROR_NOTE, HOME_NOTE))
        for test_id, result in results.by_id.items()
    }
    notes = [
        replace(note, text=note.text.replace(INTERNAL_ERROR_NOTE, HOME_NOTE))
        for note in _while_at_work(results.notes, deliverables)
    ]
    return replace(results, by_id=by_id, notes=notes)


def students_grader(argv: Sequence[str], submission: Path, data: Path, requirements: Path) -> int:
    """`python grader.py [ID]`: run the basic graded tests on a student's own machine and print what they say."""
    return terminal.run(lambda: _students_grader(argv, submission, data, requirements))


def _students_grader(argv: Sequence[str], submission: Path, data: Path, requirements: Path) -> int:
    parser = argparse.ArgumentParser(prog="python grader.py", description="Run the basic tests.")
    parser.add_argument("only", nargs="?", metavar="ID", help="one test (1e-0-basic) or one part (1e, or e alone)")
    arguments = parser.parse_args(argv)
    progress = Progress()
    try:
        assignment = load()
        wanted = catalogue.select(catalogue.collect(assignment, ("basic",)), arguments.only)
        if need_torch(assignment, (each.part for each in wanted)):
            check_packages(requirements)
        needed = assignment.data_names(students=True)
        missing = [name for name in needed if not (data / name).is_file()]
        if missing and DEMO_DATASET.is_dir():
            data = DEMO_DATASET
        elif missing:
            raise UsageError(_WITHOUT_DATA.format(data, ", ".join(missing)))
        results = grade(
            submission, data, kinds=("basic",), only=arguments.only, assignment=assignment, at_home=True,
            watch=progress.show,
        )  # fmt: skip
    except KeyboardInterrupt:
        progress.clear()
        print("stopped", file=sys.stderr)
        return 130
    except HoldoutError as problem:
        progress.clear()
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    progress.clear()
    print(as_text(_at_home(results, len(assignment.deliverables))))
    if results.internal_errors:
        return InternalError.exit_code
    return int(any(result.is_failure for result in results.by_id.values()))


@dataclass
class Progress:
    """One line on stderr while graded tests run, where a person looks on: which one, of how many, for how long."""

    started: float = field(default_factory=time.monotonic)
    shown: str = ""

    def show(self, results: Results) -> None:
        """Say where the grade is; called some times a second."""
        if not sys.stderr.isatty():
            return
        waiting = [test_id for test_id, result in results.by_id.items() if result.outcome is Outcome.NOT_RUN]
        done = len(results.by_id) - len(waiting)
        now = f", now {waiting[0]}" if waiting else ""
        self._write(f"{done} of {len(results.by_id)} tests{now} ({time.monotonic() - self.started:.0f} s)")

    def clear(self) -> None:
        """Leave the line empty for what comes next."""
        if self.shown:
            self._write("")

    def _write(self, text: str) -> None:
        if text != self.shown:
            sys.stderr.write(f"\r{text:<{len(self.shown)}}\r{text}")
            sys.stderr.flush()
            self.shown = text
