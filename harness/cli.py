"""The commands: `python -m harness grade | dataset | doctor`, and the students' `python grader.py`.

Exit codes: 0 done, 1 doctor says no, 2 unusable input, 3 an internal error.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.assignment import ROOT, load
from harness.errors import HoldoutError, InternalError, MissingPackageError, UsageError
from harness.grading import grade
from harness.grading.page import as_text
from harness.grading.results import Note, NoteKind, Results

#: Made when no dataset is named: the demo dataset of the public key, for trying things out.
DEMO_DATASET = ROOT / "build" / "dataset"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    grade = commands.add_parser("grade", help="grade one upload")
    grade.add_argument("upload", type=Path, help="a folder or a zip")
    grade.add_argument(
        "--data",
        type=Path,
        help="folder with the term's data (default: the one beside the grader, else the demo dataset)",
    )
    grade.add_argument("--results", type=Path, help="where to write results.json (default: only print)")
    grade.add_argument("--html", type=Path, help="also write a page for reading")
    grade.add_argument("--only", metavar="ID", help="one graded test (1e-2-hidden) or one part (1e)")
    grade.add_argument("--seed", help="repeat a run: the seed that its results show")
    grade.add_argument(
        "--gradescope",
        action="store_true",
        help="inside Gradescope's container: lock down, and refuse where isolation fails",
    )
    grade.set_defaults(run=_grade)

    for name, told in (("dataset", "generate a term's data"), ("world", "the old name of `dataset`")):
        dataset = commands.add_parser(name, help=told)
        dataset.add_argument("--out", type=Path, required=True, help="folder to write")
        dataset.add_argument("--key-file", type=Path, help="the term's secret key (default: the public demo key)")
        dataset.add_argument("--preset", default="laptop", help="laptop (default) or full")
        dataset.set_defaults(run=_dataset, old_name=name == "world")

    doctor = commands.add_parser("doctor", help="say what isolation holds on this machine")
    doctor.set_defaults(run=_doctor)
    return parser


def _grade(arguments: argparse.Namespace) -> int:
    if arguments.html is not None and not arguments.html.absolute().parent.is_dir():
        raise UsageError(f"{arguments.html}: its folder does not exist; make it first")
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

        arguments.html.write_text(as_html(results), encoding="utf-8")
    return _exit_code(results)


def _exit_code(results: Results) -> int:
    return InternalError.exit_code if results.internal_errors else 0


@contextmanager
def _told_to_end() -> Iterator[Callable[[], bool]]:
    """Inside the block SIGTERM ends the grade instead of us, so that what has been judged is still told.

    Yields what says whether it came. The handler only takes a note: an exception or a lock in it could hit anything.
    """
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # another thread cannot set handlers
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        yield lambda: bool(told)
    finally:
        signal.signal(signal.SIGTERM, before)


def _default_data() -> Path:
    """The data beside the grader; in a checkout the demo dataset, made when it is not there yet."""
    shipped = ROOT / "data"
    if shipped.is_dir():
        return shipped
    if not DEMO_DATASET.is_dir():
        _make_dataset(DEMO_DATASET, None, "laptop")
    return DEMO_DATASET


def _dataset(arguments: argparse.Namespace) -> int:
    if arguments.old_name:
        print("note: `world` is now called `dataset`; the old name goes with the next release", file=sys.stderr)
    _make_dataset(arguments.out, arguments.key_file, arguments.preset)
    return 0


def _make_dataset(out: Path, key_file: Path | None, preset: str) -> None:
    from harness.release.keys import DEMO_KEY, fingerprint, read_key
    from harness.release.termdata import generate, write  # staff's: students have no generator

    key = read_key(key_file) if key_file else DEMO_KEY
    if key_file is None:
        print(
            "note: made with the public demo key; anyone can make these answers again. Use --key-file for a term.",
            file=sys.stderr,
        )
    write(generate(load(), preset, key), out)
    print(f"{out}: preset {preset}, key {fingerprint(key)}")


def _doctor(_: argparse.Namespace) -> int:
    from harness.sandbox import doctor

    text, ok = doctor()
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


def students_grader(argv: Sequence[str], submission: Path, data: Path) -> int:
    """`python grader.py [ID]`: run the basic graded tests on a student's own machine and print what they say."""
    parser = argparse.ArgumentParser(prog="python grader.py", description="Run the basic tests.")
    parser.add_argument("only", nargs="?", metavar="ID", help="one test (1e-0-basic) or one part (1e)")
    arguments = parser.parse_args(argv)
    try:
        assignment = load()
        needed = assignment.data_names(students=True)
        if not all((data / name).is_file() for name in needed) and DEMO_DATASET.is_dir():
            data = DEMO_DATASET
        results = grade(submission, data, kinds=("basic",), only=arguments.only, assignment=assignment)
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    notes = _while_at_work(results.notes, len(assignment.deliverables))
    print(as_text(replace(results, notes=notes)))
    return _exit_code(results)
