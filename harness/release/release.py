"""A release, step by step: strip, data, handouts, zips, leak check, reference, self-check, and only then `dist/`.

Promises: `dist/` is complete and checked, or absent: an older one is removed first, the new one is built in `build/`
and moved into place as the last step. Two releases from the same files are equal byte for byte. What takes seconds
comes before what takes minutes: nothing is trained for a release that leaks.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness import assignment as manifest_of
from harness.assignment import Assignment
from harness.catalogue import collect
from harness.release import handouts, package, selfcheck, staff, tables, template, termdata, trained
from harness.release import lists as release_list
from harness.release.leaks import Artefact, Secrets, check
from harness.release.lists import Lists, expand
from harness.release.problems import refuse_any
from harness.release.strip import StrippedTree
from harness.release.termdata import GOLD, TermData

#: What the leak check does not read as a student would: these, and all that lies in dist/staff/.
STAFF_ARTEFACTS = frozenset({"autograder.zip", "manifest.json"})
STAFF_FOLDER = "staff"


@dataclass(frozen=True)
class Request:
    """What staff asked for. `root` is the checkout."""

    root: Path
    data: Path | None = None
    key_file: Path | None = None
    preset: str = termdata.DEMO_PRESET


@dataclass(frozen=True)
class Contents:
    """Everything of a release, in memory. `artefacts` by path in dist/, `entries` of each zip by path in it."""

    artefacts: Mapping[str, bytes]
    entries: Mapping[str, Mapping[str, bytes]]


def release(request: Request, console: Console) -> None:
    """Make dist/.

    Raises:
        UsageProblem: something given is unusable.
        ReleaseRefused: the reference cannot be stripped, something leaks, or the self-check fails.
        HarnessFault: a room of ours is missing or broke.
    """
    dist = request.root / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    (request.root / "build").mkdir(exist_ok=True)
    lists = release_list.load()
    assignment = manifest_of.load(request.root / "assignment.toml")

    tree = _step_template(request.root, lists, console)
    data = _step_data(request, console)
    sheets = _step_handouts(request.root, assignment, console)
    contents = _step_package(request.root, lists, tree, data, sheets, console)
    _step_leaks(request.root, lists, tree, data, contents, console)
    upload = trained.ready(request.root, data, assignment, console)
    console.print("[bold]self-check[/] of the finished zips")
    marks = selfcheck.check(
        contents.artefacts["student.zip"],
        contents.artefacts["autograder.zip"],
        upload,
        tree.files,
        assignment,
        lambda said: console.print(f"  {said}"),
    )
    _publish(contents.artefacts, dist)
    console.print(tables.artefact_table(contents.artefacts, contents.entries))
    console.print(tables.marks_table(marks, assignment))
    if data.is_demo:
        tables.warn_demo_key(console)


def make_template(root: Path, console: Console) -> None:
    """Bring student_template/ up to date."""
    lists = release_list.load()
    _step_template(root, lists, console)


def check_template(root: Path) -> None:
    """ReleaseRefused, with file and line, when student_template/ is not what the reference gives."""
    lists = release_list.load()
    tree = template.make(root, lists)
    stale = template.differences(tree, root, lists)
    refuse_any("student_template/ is stale; run `python build.py template`:", stale)


def make_handouts(root: Path, console: Console) -> None:
    """Write dist/handouts/ and dist/staff/ alone."""
    made = _step_handouts(root, manifest_of.load(root / "assignment.toml"), console)
    for folder in ("handouts", STAFF_FOLDER):
        shutil.rmtree(root / "dist" / folder, ignore_errors=True)
    for path, data in made.items():
        _write(root / "dist" / path, data)


def _step_template(root: Path, lists: Lists, console: Console) -> StrippedTree:
    tree = template.make(root, lists)
    console.print(f"[bold]strip[/] {len(tree.blocks)} solution blocks out of {len(tree.files)} files")
    for change in template.write(tree, root, lists):
        console.print(f"  {change}: it was not up to date, commit it")
    return tree


def _step_data(request: Request, console: Console) -> TermData:
    if request.data is not None:
        data = termdata.dropped_in(request.data, request.key_file, request.preset)
    else:
        data = termdata.generated(request.root, request.key_file, request.preset)
    if data.is_demo:
        tables.warn_demo_key(console)
    origin = str(request.data) if request.data else f"key {data.key_fingerprint}"
    console.print(f"[bold]data[/] {data.digest[:12]} from {origin}, preset {request.preset}")
    return data


def _step_handouts(root: Path, assignment: Assignment, console: Console) -> dict[str, bytes]:
    """The students' and the staff's sheets, by path in dist/."""
    sources, written = root / "handouts", root / template.REFERENCE / "written" / "submission.tex"
    with tempfile.TemporaryDirectory() as scratch:
        made = {
            "handouts": handouts.build(Path(scratch) / "handouts", collect(), assignment, sources),
            STAFF_FOLDER: staff.build(Path(scratch) / STAFF_FOLDER, collect(), assignment, sources, written),
        }
        files = {f"{folder}/{path.name}": path.read_bytes() for folder, paths in made.items() for path in paths}
    console.print(f"[bold]handouts[/] {', '.join(files)}")
    return files


def _step_package(
    root: Path, lists: Lists, tree: StrippedTree, data: TermData, sheets: Mapping[str, bytes], console: Console
) -> Contents:
    """Everything of the release, packed."""
    student = package.student_files(root, lists, tree.files)
    autograder = package.autograder_files(root, lists)
    stamp = package.make_stamp(root, data, student, autograder)
    entries = {
        "student.zip": package.stamped_student(student, data, stamp),
        "autograder.zip": package.stamped_autograder(autograder, data, stamp),
    }
    artefacts = {**{name: package.zipped(files) for name, files in entries.items()}, **sheets}
    described = package.manifest(stamp, data, artefacts, entries)
    console.print(f"[bold]package[/] release {stamp.release}")
    return Contents({**artefacts, "manifest.json": described}, entries)


def _step_leaks(
    root: Path,
    lists: Lists,
    tree: StrippedTree,
    data: TermData,
    contents: Contents,
    console: Console,
) -> None:
    """Refuse a release that gives away what it must not."""
    hidden = {path: (root / path).read_text(encoding="utf-8") for path in expand(root, ["harness/tests_hidden/*.py"])}
    told = frozenset({data.files["wiki.txt"]})
    secrets = Secrets(tree.blocks, tree.files, hidden, data.files[GOLD], told, data.key)
    listed = package.listed_entries(root, lists)
    artefacts = [
        Artefact(place, each, listed.get(place, frozenset()), for_students=for_students(place))
        for place, each in contents.artefacts.items()
    ]
    size = sum(len(each.data) for each in artefacts) / 2**20
    console.print(f"[bold]leak check[/] of {size:.1f} MiB")
    title = "this release would give away what it must not (allow.toml excuses a false alarm, with its reason):"
    refuse_any(title, check(artefacts, secrets, lists))
    console.print("  every file is on the release list; students get no solution, hidden claim, test answer or key")


def for_students(place: str) -> bool:
    """Whether students may get the artefact at this path in dist/."""
    return place not in STAFF_ARTEFACTS and not place.startswith(f"{STAFF_FOLDER}/")


def _publish(artefacts: Mapping[str, bytes], dist: Path) -> None:
    """Write all of dist/ aside, then move it into place."""
    with tempfile.TemporaryDirectory(dir=dist.parent / "build") as scratch:
        aside = Path(scratch) / "dist"
        for path, data in artefacts.items():
            _write(aside / path, data)
        shutil.rmtree(dist, ignore_errors=True)
        aside.rename(dist)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
