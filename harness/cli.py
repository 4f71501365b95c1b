"""The commands: `python -m harness grade | dataset | doctor`, and the students' `python grader.py`.

Exit codes: 0 done, 1 doctor says no, 2 unusable input, 3 an internal error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from harness.assignment import ROOT, load
from harness.errors import HoldoutError, InternalError, MissingPackageError, UsageError
from harness.grading import catalogue
from harness.grading.page import as_text
from harness.grading.results import Ledger
from harness.grading.session import Job
from harness.grading.supervisor import check_data, lock_down, scratch_folder, supervise
from harness.intake.layout import IGNORED, explain

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
    upload: Path = arguments.upload
    if not os.path.exists(upload):  # noqa: PTH110 - Path.exists raises for a name that is too long
        raise UsageError(f"{upload}: no such folder or zip; give the upload to grade")
    for target in (arguments.results, arguments.html):
        if target is not None and not target.absolute().parent.is_dir():
            raise UsageError(f"{target}: its folder does not exist; make it first")
    data = check_data(arguments.data or _default_data(), load().data_names())
    _fail_closed(arguments.results, arguments.only)
    if arguments.gradescope:
        lock_down([ROOT, upload, *([arguments.results.absolute().parent] if arguments.results else [])])
    ledger = grade(
        upload,
        data,
        results=arguments.results,
        only=arguments.only,
        seed=arguments.seed,
        gradescope=arguments.gradescope,
    )
    print(as_text(ledger))
    if arguments.html is not None:
        from harness.grading.page import as_html

        arguments.html.write_text(as_html(ledger), encoding="utf-8")
    return InternalError.exit_code if ledger.faults else 0


def _fail_closed(results: Path | None, only: str | None) -> None:
    """Write results of an unfinished grade before anything can go wrong, and load the graded tests once.

    Raises:
        UsageError: there is no graded test `only`.
        InternalError: the graded tests do not load or disagree with assignment.toml; `results` says so, without their
        points.
    """
    try:
        graded_tests = catalogue.collect(load())
        catalogue.check_points(graded_tests, load())
        closed = Ledger.of(catalogue.select(graded_tests, only), release=release_name())
    except UsageError:
        raise
    except (Exception, SystemExit) as problem:
        if results is not None:
            Ledger.of((), release=release_name()).write(results)
        if isinstance(problem, HoldoutError):
            raise
        raise InternalError(f"the graded tests cannot be loaded: {type(problem).__name__}: {problem}") from problem
    if results is not None:
        closed.write(results)


def grade(
    upload: Path,
    data: Path,
    *,
    results: Path | None = None,
    kinds: tuple[catalogue.Kind, ...] = ("basic", "hidden"),
    only: str | None = None,
    seed: str | None = None,
    gradescope: bool = False,
) -> Ledger:
    """Grade `upload` with the answers in `data`; write `results` (valid from the first moment on) and return it."""
    with scratch_folder() as scratch:
        job = Job(
            upload=str(upload.resolve()),
            data=str(data),
            results=str((results or scratch / "results.json").absolute()),
            scratch=str(scratch),
            kinds=kinds,
            only=only,
            seed=seed,
            gradescope=gradescope,
            release=release_name(),
        )
        return supervise(job)


def release_name() -> str | None:
    """The stamp that the release left beside the grader; None in a checkout."""
    stamp = ROOT / "release.json"
    try:
        return str(json.loads(stamp.read_text(encoding="utf-8"))["release"])
    except (OSError, ValueError, KeyError):
        return None


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


def _while_at_work(notes: Sequence[str]) -> list[str]:
    """The notes on an upload, for someone at work on it: what is still to be made in one line, no word on the rest."""
    deliverables = load().deliverables
    to_make = {explain(each) for each in deliverables} & set(notes)
    kept = [note for note in notes if note not in to_make and not note.startswith(IGNORED)]
    if to_make:
        told = f"{len(to_make)} of the {len(deliverables)} files to upload are not here yet"
        kept.append(f"{told}; python collect_submission.py names them")
    return kept


def students_grader(argv: Sequence[str], submission: Path, data: Path) -> int:
    """`python grader.py [ID]`: run the basic graded tests on a student's own machine and print what they say."""
    parser = argparse.ArgumentParser(prog="python grader.py", description="Run the basic tests.")
    parser.add_argument("only", nargs="?", metavar="ID", help="one test (1e-0-basic) or one part (1e)")
    arguments = parser.parse_args(argv)
    try:
        needed = load().data_names(students=True)
        if not all((data / name).is_file() for name in needed) and DEMO_DATASET.is_dir():
            data = DEMO_DATASET
        ledger = grade(submission, check_data(data, needed), kinds=("basic",), only=arguments.only)
        ledger.notes = _while_at_work(ledger.notes)
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    print(as_text(ledger))
    return InternalError.exit_code if ledger.faults else 0
