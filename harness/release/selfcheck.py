"""The finished artefacts, used as their readers will use them, before anyone gets them.

Promises: the zip that the students' collect_submission makes of the reference's files earns every point and the
template's files earn none, through the command that Gradescope runs, from the unpacked autograder.zip; in the unpacked
student.zip the students' own grader starts, and passes all basic graded tests once the reference's files stand in for a
student's. Says nothing about isolation on the platform: `doctor` does.

The grades do not depend on each other, so they run side by side, as many at a time as there are processors.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assignment import Assignment
from harness.errors import InternalError, refuse_any
from harness.release.package import TOP
from harness.release.template import REFERENCE

#: As the students' grader.py does, but with results to read.
_BASIC_RUN = """
import sys
sys.path.insert(0, ".")
from pathlib import Path
from harness.grading import grade
grade(Path("submission"), Path("data"), results=Path(sys.argv[1]), kinds=("basic",))
"""

#: A template that does not import earns nothing, too; it must fail for want of work, not of a name.
_IMPORTS = """
import importlib, json, pathlib, sys
broken = {}
for module in sys.argv[2:]:
    try:
        importlib.import_module(module.removesuffix(".__init__"))
    except Exception as problem:
        broken[module] = f"{type(problem).__name__}: {problem}"
pathlib.Path(sys.argv[1]).write_text(json.dumps(broken))
"""

#: Well beyond the grade's own deadline, which it must keep by itself.
_GRACE_SECONDS = 300.0


@dataclass(frozen=True)
class Marks:
    """What one upload earned in one place."""

    who: str
    points: Mapping[str, float]  # by part
    possible: Mapping[str, float]
    failed: tuple[str, ...]  # a line for each graded test that did not pass
    fault: bool

    @property
    def total(self) -> float:
        """Points of all parts."""
        return sum(self.points.values())


def check(
    student: bytes,
    autograder: bytes,
    upload: Path | None,
    template: Mapping[str, bytes],
    assignment: Assignment,
    say: Callable[[str], None],
) -> list[Marks]:
    """Grade the reference and the template from the unpacked zips.

    Args:
        student: student.zip.
        autograder: autograder.zip.
        upload: the folder of the reference's deliverables; None leaves out what needs them.
        template: the template's files by path.
        assignment: tells the points and the deliverables.
        say: told what is being done.

    Raises:
        ReleaseRefusedError: a score is not what it must be; names the graded tests.
        InternalError: a grade did not run to its end.
    """
    limit = assignment.limits.run_seconds + _GRACE_SECONDS
    say(f"grading {'the reference and ' if upload else ''}the template from autograder.zip")
    say("running the students' commands from student.zip")
    with _unpacked(autograder) as grader, _unpacked(student) as fresh, _unpacked(student) as used:
        empty = _template_upload(template, assignment, grader / "template-upload")
        grades: list[tuple[_Judge, Callable[[], Marks]]] = [
            (_above_zero, lambda: _grade("template", [*_GRADE, str(empty)], grader, limit))
        ]
        if upload is not None:
            source = used / TOP / "src"
            basic = ["-c", _BASIC_RUN]
            zipped = _collected(source, upload, grader / REFERENCE, assignment, limit)
            grades = [
                (_short, lambda: _grade("reference", [*_GRADE, str(zipped)], grader, limit)),
                *grades,
                (_not_all_basic, lambda: _grade("reference, as a student", basic, source, limit, named=False)),
            ]
        with ThreadPoolExecutor(min(len(grades) + 1, os.cpu_count() or 1)) as pool:
            running = [(judge, pool.submit(grade)) for judge, grade in grades]
            pool.submit(_try_template, fresh / TOP / "src", assignment, limit).result()
            marks = [(judge, grade.result()) for judge, grade in running]
    refuse_any("the self-check failed:", [line for judge, each in marks for line in judge(each, assignment)])
    return [each for _, each in marks]


_GRADE = ("-m", "harness", "grade")

#: Says why marks are not what they must be.
_Judge = Callable[[Marks, Assignment], Iterator[str]]


def _short(marks: Marks, assignment: Assignment) -> Iterator[str]:
    """The reference must earn every point of every part, extra credit included, and pass every graded test."""
    for part in assignment.parts:
        if marks.points.get(part.id, 0) != part.points:
            yield f"the reference earns {marks.points.get(part.id, 0):g} of {part.points:g} points in part {part.id}"
    if marks.fault:
        yield "the reference's grade reports an internal error of the harness"
    yield from marks.failed


def _above_zero(marks: Marks, _: Assignment) -> Iterator[str]:
    """The template must earn nothing, and be judged on every graded test."""
    for part, points in marks.points.items():
        if points:
            yield f"the template earns {points:g} points in part {part}: a graded test there passes without any work"
    if marks.fault:
        yield "the template's grade reports an internal error of the harness"
        yield from marks.failed


def _not_all_basic(marks: Marks, _: Assignment) -> Iterator[str]:
    if not marks.possible:
        yield "student.zip holds no basic graded test"
    if marks.fault or marks.failed:
        earned = f"{marks.total:g} of {sum(marks.possible.values()):g}"
        yield f"from student.zip the reference earns {earned} points of the basic graded tests"
        yield from marks.failed


def _try_template(source: Path, assignment: Assignment, limit: float) -> None:
    """Import the untouched template, and start the students' grader on it."""
    modules = [f"submission.{Path(each.name).stem}" for each in assignment.uploads if each.kind == "code"]
    broken = _answer("the import of the template", ["-c", _IMPORTS], source, limit, *modules)
    refuse_any("the self-check failed:", [f"the template does not import: {m}: {why}" for m, why in broken.items()])
    said = _run([str(source / "grader.py"), assignment.parts[0].id], source, limit, accepted=(0, 1))
    if not said.splitlines() or "seed " not in said.splitlines()[-1]:  # 1 also is what Python ends with by itself
        raise InternalError(f"self-check: grader.py ended with 1: {said}")


def _collected(source: Path, upload: Path, solved: Path, assignment: Assignment, limit: float) -> Path:
    """Put the reference's files in place of the template's, and let the students' command make the upload of them.

    What training does not leave, the code of problems in which nothing is trained, comes from the `solved` reference.
    """
    for each in assignment.uploads:
        lacks = each.kind == "code" and not (upload / each.name).is_file()
        origin = solved / "src" / "submission" if each.optional or lacks else upload
        shutil.copyfile(origin / each.name, source / "submission" / each.name)
    zipped = source / "submission.zip"
    command = [str(source / "collect_submission.py"), "--out", str(zipped), "--findings"]
    findings = _answer("collect_submission.py", command, source, limit, accepted=(0, 1))
    refuse_any("the self-check failed: the reference's upload is not complete and fresh for this data:", findings)
    return zipped


def _answer(
    what: str, command: list[str], folder: Path, limit: float, *more: str, accepted: tuple[int, ...] = (0,)
) -> Any:
    """Run `command FILE *more`; the JSON that it leaves in FILE. What it prints is for people. `what` names it."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer.json"
        said = _run([*command, str(answer), *more], folder, limit, accepted)
        try:
            return json.loads(answer.read_bytes(), parse_constant=_refuse_constant)
        except (OSError, ValueError) as problem:
            raise InternalError(f"self-check: {what} left no readable results: {said}") from problem


def _grade(who: str, command: list[str], folder: Path, limit: float, *, named: bool = True) -> Marks:
    """Run a grade in `folder` and read results.json in the platform's place: what it does not take, we refuse.

    `named`: the command takes the file by option, not as its argument. An internal error is told by the results,
    graded test by graded test.
    """
    option = ["--results"] if named else []
    accepted = (0, InternalError.exit_code)
    return _marks(who, _answer(f"the grade of the {who}", [*command, *option], folder, limit, accepted=accepted))


def _refuse_constant(name: str) -> float:
    """NaN and Infinity are no JSON: the platform would drop every result."""
    raise ValueError(f"{name} is no JSON")


def _marks(who: str, raw: Mapping[str, Any]) -> Marks:
    points: dict[str, float] = {}
    possible: dict[str, float] = {}
    failed = []
    for test in raw["tests"]:
        part = str(test["number"]).partition("-")[0]
        if "score" not in test:  # the line for all the extra credit that nobody tried
            continue
        points[part] = points.get(part, 0) + test["score"]
        possible[part] = possible.get(part, 0) + test["max_score"]
        if test.get("status") != "passed":
            said = " ".join(str(test.get("output", "")).split())[:300]
            failed.append(f"  {who}: {test['number']} earns {test['score']:g} of {test['max_score']:g}: {said}")
    fault = bool(raw.get("extra_data", {}).get("internal_error"))
    return Marks(who, points, possible, tuple(failed), fault)


def _run(command: list[str], folder: Path, limit: float, accepted: tuple[int, ...] = (0,)) -> str:
    """Run Python in `folder` as a stranger would: nothing of this checkout or its settings is inherited."""
    dropped = {name for name in os.environ if name.startswith(("PYTHON", "PYTEST"))}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    try:
        run = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired as problem:
        raise InternalError(f"self-check: a grade did not end within {limit:g} s") from problem
    if run.returncode not in accepted:
        raise InternalError(f"self-check: {Path(command[0]).name} ended with {run.returncode}: {run.stdout[-2000:]}")
    return run.stdout[-2000:]


def _template_upload(template: Mapping[str, bytes], assignment: Assignment, into: Path) -> Path:
    """What a student uploads who wrote nothing: the template's code files, no parameters, no predictions."""
    into.mkdir()
    for each in assignment.uploads:
        if each.kind == "code":
            (into / each.name).write_bytes(template[f"src/submission/{each.name}"])
    return into


@contextmanager
def _unpacked(data: bytes) -> Iterator[Path]:
    """The zip's files, with their modes, in a folder for the time being."""
    with tempfile.TemporaryDirectory(prefix="holdout-check-") as folder, zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            Path(archive.extract(entry, folder)).chmod(entry.external_attr >> 16 & 0o777)
        yield Path(folder)
