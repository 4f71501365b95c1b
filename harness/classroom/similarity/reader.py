"""Reads what is compared of one upload, through intake as a grade reads it: nothing is run, imported or unpickled."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.assignment import Assignment
from harness.classroom.similarity.code import every, fingerprints
from harness.classroom.similarity.material import Material
from harness.classroom.similarity.params import sketch
from harness.intake.staging import UploadError, discard, stage


def read(
    submission: str,
    upload: Path,
    assignment: Assignment,
    wrong: Mapping[str, Callable[[bytes], Mapping[int, str]]],
    given: frozenset[int],
    *,
    is_earlier: bool,
) -> Material:
    """Read an upload. What is wrong with it is noted and raises nothing; InternalError where this machine fails."""
    scratch = Path(tempfile.mkdtemp(prefix="holdout-similarity-"))
    try:
        staged = stage(upload, scratch, assignment.uploads, demos=assignment.demos)
        present = {name: path for name, path in staged.present.items() if path.is_file()}
        by_name = assignment.uploads_by_name
        texts = [
            path.read_bytes().decode("utf-8", "replace")
            for name, path in present.items()
            if _is_written(assignment, name)
        ]
        return Material(
            submission,
            frozenset().union(*map(fingerprints, texts)) - given,
            {name: wrong[name](path.read_bytes()) for name, path in present.items() if name in wrong},
            {name: each for name, path in present.items() if by_name[name].kind == "params" and (each := sketch(path))},
            is_earlier,
        )
    except UploadError as problem:
        return Material(submission, is_earlier=is_earlier, problem=str(problem))
    finally:
        discard(scratch)


def boilerplate(folders: Sequence[Path], assignment: Assignment) -> frozenset[int]:
    """Hashes of the code that everybody may have: whatever stands in these folders under deliverables' names."""
    found: set[int] = set()
    for folder in folders:
        for each in assignment.uploads:
            path = folder / each.name
            if each.kind == "code" and path.is_file():
                found |= every(path.read_text(encoding="utf-8", errors="replace"))
    return frozenset(found)


def _is_written(assignment: Assignment, name: str) -> bool:
    """Whether students write this file; the short answers of extra credit are too alike to tell anybody apart."""
    file = assignment.uploads_by_name[name]
    return file.kind == "code" and bool(file.written_in) and not file.optional
