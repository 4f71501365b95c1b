"""`python collect_submission.py`: the upload as one zip, and what is missing from it or stale.

Promises: the zip holds the deliverables that are there, flat, under their names, and nothing else; equal files give an
equal zip; what the grader's intake would say of it is said now, in its words. A zip is written whatever is found: it is
the student who decides, and half an upload earns more than none.

Staleness is told by the files' times, which is a question and no proof: code that changed later may have changed for
another part. Times closer together than disks and zips can tell apart say nothing.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import terminal
from harness.assignment import Assignment, Deliverable
from harness.errors import HoldoutError, UsageError
from harness.intake.blocks import blocks
from harness.intake.source import too_new
from harness.intake.staging import Complaint, Submission, discard, stage
from harness.intake.upload import megabytes
from harness.intake.zips import zipped
from harness.manifest import load
from harness.problem import problem_of

#: What Gradescope takes in one upload, in bytes.
MOST_BYTES = 100 * 10**6
#: FAT, and times in zips, count in steps of two seconds.
TIE_SECONDS = 2.0
#: What stands in the template where students write.
_STUB = re.compile(r'raise NotImplementedError\("([\w.]+) is not written yet"\)')


@dataclass(frozen=True)
class Collected:
    """What was packed, by name, and what is to be said about it, a sentence each."""

    files: Mapping[str, bytes]
    missing: tuple[str, ...]
    unwritten: tuple[str, ...]  # what is as in the template
    stale: tuple[str, ...]
    odd: tuple[str, ...]  # whatever else a grade would stumble over

    @property
    def findings(self) -> tuple[str, ...]:
        """Everything that keeps the upload from being complete and fresh."""
        return (*self.missing, *self.unwritten, *self.stale, *self.odd)


def collect(folder: Path, data: Path, assignment: Assignment) -> Collected:
    """What lies in `folder`, the students' `submission/`, with the term's data in `data`.

    Raises:
        UsageError: not one deliverable is there.
        UploadError: the folder cannot be read.
    """
    with _staged(folder, assignment) as staged:
        files = {name: path.read_bytes() for name, path in staged.present.items()}
        extras = staged.extras
        missing = tuple(_to_make(complaint, assignment) for complaint in staged.complaints)
    if not files:
        raise UsageError(f"{folder}: none of the {len(assignment.deliverables)} deliverables is here")
    times = {name: (folder / name).stat().st_mtime for name in files if (folder / name).is_file()}
    code = {name: content for name, content in files.items() if name.endswith(".py")}
    odd = (
        *_left_out(extras),
        *_own_packages(folder, code),
        *_too_new(code),
        *_ungradable(files, data, assignment),
        *_too_large(files),
    )
    unwritten = tuple(_unwritten(code, assignment))
    return Collected(files, missing, unwritten, tuple(_stale(times, assignment)), odd)


@contextmanager
def _staged(folder: Path, assignment: Assignment) -> Iterator[Submission]:
    """The folder as the grader takes it in."""
    with tempfile.TemporaryDirectory(prefix="holdout-") as scratch:
        staged = stage(folder, Path(scratch) / "staged", assignment.uploads, at_home=True)
        try:
            yield staged
        finally:
            discard(staged.tree)


def _to_make(complaint: Complaint, assignment: Assignment) -> str:
    """The intake's sentence; of a file that a command makes, the command alone: the rest is plain from here."""
    wanted = assignment.uploads_by_name[complaint.file]
    made = wanted.command and complaint.absent
    return f"{wanted.name}: run {wanted.typed}" if made else complaint.message


def _stale(times: Mapping[str, float], assignment: Assignment) -> Iterator[str]:
    """Made files that are older than what they are made from, in the order in which to make them again."""
    code = {each.name for each in assignment.deliverables if each.kind == "code"}
    edited = max((name for name in times if name in code), key=lambda name: times[name], default=None)
    stale: set[str] = set()
    for each in _in_order(assignment):
        name, source = each.name, each.made_from
        if name not in times:
            continue
        if source in stale:
            why = f"made from {source}, which is stale"
        elif source and _older(times, name, source):
            why = f"older than {source}, which it is made from"
        elif each.kind == "params" and edited and _older(times, name, edited):
            why = f"older than your {edited}, unless that changed for another part only"
        else:
            continue
        stale.add(name)
        yield f"{name}: {why}; run {each.typed} again"


def _in_order(assignment: Assignment) -> Iterator[Deliverable]:
    """Every file that a command makes, chain by chain: what others are made from comes before them."""
    for chain in assignment.chains:
        yield from chain


def _older(times: Mapping[str, float], name: str, than: str) -> bool:
    return than in times and times[name] < times[than] - TIE_SECONDS


def _unwritten(code: Mapping[str, bytes], assignment: Assignment) -> Iterator[str]:
    """Files that are still the template's, whole or in part. Of optional ones nothing is asked."""
    for wanted in assignment.deliverables:
        text = code.get(wanted.name, b"").decode("utf-8", errors="replace")
        stubs = _STUB.findall(text)
        if stubs and len(stubs) == len(blocks(text.splitlines())):
            yield f"{wanted.name}: still the template's, nothing in it is written"
        elif stubs:
            yield f"{wanted.name}: still as in the template: {', '.join(dict.fromkeys(stubs))}"


def _left_out(extras: Sequence[str]) -> Iterator[str]:
    for name in extras:
        yield f"{name}: left out, it is no deliverable; move what your code needs of it into a file that is"


def _own_packages(folder: Path, code: Mapping[str, bytes]) -> Iterator[str]:
    """Folders of modules that the code imports: an upload is flat."""
    importers = {name: _imported(content) for name, content in code.items()}
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        users = [name for name, imported in importers.items() if place.name in imported]
        if users and any(place.rglob("*.py")):
            yield (
                f"{place.name}/: left out, folders are not uploaded, but {users[0]} imports it; move what your code "
                "needs of it into a file that is a deliverable"
            )


def _imported(content: bytes) -> set[str]:
    """All names in the import statements of a module: `from .parts.spans import same` -> parts, spans, same."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(part for alias in node.names for part in alias.name.split("."))
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update(node.module.split("."))
    return found


def _too_new(code: Mapping[str, bytes]) -> Iterator[str]:
    for name, content in code.items():
        said = too_new(content)
        if said:
            yield f"{name}: {said}"


def _ungradable(files: Mapping[str, bytes], data: Path, assignment: Assignment) -> Iterator[str]:
    """What the problems find wrong in files of theirs."""
    for problem in assignment.problems:
        check = problem_of(problem).check_upload
        for wanted in problem.deliverables:
            said = check(wanted, files[wanted.name], data) if check and wanted.name in files else None
            if said:
                yield said


def _too_large(files: Mapping[str, bytes]) -> Iterator[str]:
    size = sum(len(content) for content in files.values())
    if size > MOST_BYTES:
        largest = max(files, key=lambda name: len(files[name]))
        yield (
            f"{largest}: the upload is {megabytes(size)}, and Gradescope takes {megabytes(MOST_BYTES)}; this file is "
            f"the largest with {megabytes(len(files[largest]))}: save model.state_dict() alone"
        )


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Write the zip in one step. UsageError where it cannot be written."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_bytes(zipped(files))
        partial.replace(out)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        why = f"{out}: cannot be written ({problem.strerror}); is it open in another program?"
        raise UsageError(why) from problem


def as_text(found: Collected, out: Path, assignment: Assignment) -> str:
    """What the command prints."""
    needed = [each.name for each in assignment.deliverables if each.name in found.files]
    also = [each.name for each in assignment.optional if each.name in found.files]
    size = sum(len(content) for content in found.files.values()) / 2**20
    lines = [f"{out}: {len(needed)} of {len(assignment.deliverables)} files, {size:.1f} MiB"]
    lines += [f"  with {name}, for extra credit" for name in also]
    titles = {
        "missing": found.missing,
        "not written yet": found.unwritten,
        "stale": found.stale,
        "to be looked at": found.odd,
    }
    for title, sentences in titles.items():
        if sentences:
            lines += ["", f"{title}:", *(f"  {sentence}" for sentence in sentences)]
    todo = "Mend that first, or upload it as it is." if found.findings else "Complete and fresh: upload it as it is."
    return "\n".join([*lines, "", todo])


def main(argv: Sequence[str], submission: Path, data: Path) -> int:
    """The command. Exit status 0: complete and fresh, 1: packed with findings, 2: nothing packed."""
    return terminal.run(lambda: _main(argv, submission, data))


def _main(argv: Sequence[str], submission: Path, data: Path) -> int:
    parser = argparse.ArgumentParser(
        prog="python collect_submission.py", description="Pack your upload, and say what is missing from it or stale."
    )
    parser.add_argument(
        "--out", type=terminal.path, default=submission.parent / "submission.zip", help="the zip (default: %(default)s)"
    )
    parser.add_argument("--findings", type=terminal.path, metavar="FILE", help="also write the findings, as JSON")
    arguments = parser.parse_args(argv)
    assignment = load()
    try:
        found = collect(submission, data, assignment)
        write(found.files, arguments.out)
        if arguments.findings is not None:
            arguments.findings.write_text(json.dumps(found.findings), encoding="utf-8")
    except HoldoutError as problem:
        print(f"error: {problem}")
        return problem.exit_code
    print(as_text(found, arguments.out, assignment))
    return 1 if found.findings else 0
