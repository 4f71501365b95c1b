"""Pairs of uploads that share more than the assignment explains: numbers that are a reason to look, never a verdict.

Three looks: `code` (what students wrote themselves), `answers` (wrong answers in predictions files), `params` (numbers
of the trained models). Each says how much of it is shared by how many: what a good part of the class shares, as the
given seed on machines of one kind brings about, is told once and makes no pair.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.assignment import Assignment
from harness.classroom.records import Record
from harness.classroom.similarity import answers, code, params
from harness.classroom.similarity.material import Common, Found, Material, Pair
from harness.classroom.similarity.reader import boilerplate, read
from harness.errors import HoldoutError
from harness.grading.results import replace_file
from harness.problem import problem_of

__all__ = ["EARLIER", "Common", "Pair", "Similarity", "similarity"]

#: Kept beside the journal, so that a report that is made anew reads no upload again.
KEPT = "similarity.json"
#: Before the name of an upload of an earlier term, which may be that of one of this term.
EARLIER = "earlier/"
#: Changes with what is computed: what was kept before is not used then.
_VERSION = 2


@dataclass(frozen=True)
class Similarity:
    """What was found; `notes` say what was not looked at, and why."""

    read: int = 0  #: how many uploads were looked at
    earlier: int = 0  #: and how many of earlier terms beside them
    pairs: tuple[Pair, ...] = ()
    common: tuple[Common, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def similarity(
    records: Sequence[Record],
    assignment: Assignment,
    *,
    data: Path | None,
    template: Sequence[Path],
    earlier: Path | None = None,
    keep: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Similarity:
    """Look at every upload of a class that is there to read.

    Args:
        data: the term's data with all answers; without it predictions are not compared.
        template: folders with code that everybody may have, such as the students' template.
        earlier: a folder of uploads of earlier terms, which are compared with this term's and not with each other.
        keep: a folder in which the outcome is kept for the next report of the same uploads.
        progress: hears how many uploads of how many have been read.
    """
    present = [record for record in records if record.upload is not None and record.upload.exists()]
    others = _uploads_in(earlier) if earlier is not None else []
    stamp = _stamp([(each.submission, each.upload) for each in present if each.upload], others, data, template)
    kept = _kept(keep, stamp)
    if kept is not None:
        return kept
    wrong = _answer_sheets(assignment, data)
    given = boilerplate(template, assignment)
    materials = []
    places = [(each.submission, each.upload, False) for each in present] + [
        (f"{EARLIER}{p.name}", p, True) for p in others
    ]
    for done, (name, upload, is_earlier) in enumerate(places):
        if progress is not None:
            progress(done, len(places))
        assert upload is not None
        materials.append(read(name, upload, assignment, wrong, given, is_earlier=is_earlier))
    found = _of_different_people(_looked(materials, has_answers=data is not None), records)
    if keep is not None:
        text = json.dumps({"stamp": stamp, "found": asdict(found)}, indent=1, sort_keys=True)
        replace_file(keep / KEPT, text.encode())
    return found


def _uploads_in(folder: Path) -> list[Path]:
    """Folders and zips, without what machines put beside them."""
    found = sorted(each for each in folder.iterdir() if not each.name.startswith((".", "__")))
    return [each for each in found if each.is_dir() or each.suffix.lower() == ".zip"]


def _looked(materials: Sequence[Material], *, has_answers: bool) -> Similarity:
    of_params, crowds = params.look(materials)
    looks: list[Found] = [code.look(materials), answers.look(materials, crowds), of_params]
    notes = [note for look in looks for note in look.notes]
    if not has_answers:
        notes.append("Predictions were not compared: no data with the answers was given (--data).")
    lost = sum(1 for each in materials if each.problem)
    if lost:
        notes.append(f"{lost} uploads could not be read and were not compared.")
    pairs = [pair for look in looks for pair in look.pairs]
    return Similarity(
        read=sum(not each.is_earlier and not each.problem for each in materials),
        earlier=sum(each.is_earlier and not each.problem for each in materials),
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair.weight, pair.kind, pair.first, pair.second, pair.file))),
        common=tuple(each for look in looks for each in look.common),
        notes=tuple(notes),
    )


def _of_different_people(found: Similarity, records: Sequence[Record]) -> Similarity:
    """Without pairs of uploads of one person, or of one group: their likeness is no news."""
    people = {
        record.submission: {word for each in record.submitters for word in (each.sid, each.email) if word}
        for record in records
    }
    pairs = tuple(p for p in found.pairs if not people.get(p.first, set()) & people.get(p.second, set()))
    return replace(found, pairs=pairs)


def _answer_sheets(assignment: Assignment, data: Path | None) -> dict[str, Callable[[bytes], dict[int, str]]]:
    """By predictions file: what gives its wrong answers, by the number of the question."""
    sheets: dict[str, Callable[[bytes], dict[int, str]]] = {}
    for entry in assignment.problems if data is not None else ():
        hook = problem_of(entry).wrong_answers
        if hook is not None:
            assert data is not None
            for file in entry.deliverables:
                if file.kind == "predictions":
                    sheets[file.name] = hook(file, data)
    return sheets


def _stamp(
    uploads: Sequence[tuple[str, Path]], earlier: Sequence[Path], data: Path | None, template: Sequence[Path]
) -> str:
    """Stands for everything that was read: names, sizes and times of change, as `make` goes by them."""
    told: list[Any] = [_VERSION, [str(each) for each in template], _state(data)]
    told += [[name, _state(path)] for name, path in [*uploads, *((each.name, each) for each in earlier)]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _state(path: Path | None) -> list[Any]:
    if path is None:
        return []
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [
        [str(each), status.st_size, status.st_mtime_ns]
        for each in files
        if not each.is_symlink() and (status := each.stat())
    ]


def _kept(folder: Path | None, stamp: str) -> Similarity | None:
    """What an earlier report of the very same uploads found; None where there is none, or it cannot be read."""
    try:
        told = json.loads((folder / KEPT).read_text(encoding="utf-8")) if folder is not None else {}
        if told.get("stamp") != stamp:
            return None
        found = told["found"]
        return Similarity(
            found["read"],
            found["earlier"],
            tuple(Pair(**each) for each in found["pairs"]),
            tuple(
                Common(each["kind"], each["file"], tuple(each["submissions"]), each["told"]) for each in found["common"]
            ),
            tuple(found["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HoldoutError):
        return None
