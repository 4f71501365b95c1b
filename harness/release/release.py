"""A release, step by step: strip, data, handouts, zips, leak check, reference, self-check, and only then `dist/`.

Promises: `dist/` is complete and checked, or absent: an older one is removed first, the new one is built in `build/`
and moved into place as the last step. Two releases from the same files are equal byte for byte. What takes seconds
comes before what takes minutes: nothing is trained for a release that leaks.

A hotfix renews what grades, under data and files that students have already: theirs are built again with their own
stamp, and must come out equal to the byte. Until it is done, and in a dry run for good, an older `dist/` stays.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness import assignment as manifest_of
from harness.assignment import Assignment
from harness.errors import UsageError, refuse_any
from harness.grading.catalogue import collect
from harness.grading.seeds import SECRET
from harness.intake.zips import zipped
from harness.release import lists as release_list
from harness.release import package, selfcheck, tables, template, termdata, training
from harness.release import previous as previous_release
from harness.release.handouts import handouts, staff
from harness.release.leaks import Artefact, Secrets, check
from harness.release.lists import Lists, expand
from harness.release.package import Stamp
from harness.release.previous import PreviousRelease
from harness.release.selfcheck import Marks
from harness.release.strip import StrippedTree
from harness.release.termdata import TermData

#: What the leak check does not read as a student would: these, and all that lies in dist/staff/.
STAFF_ARTEFACTS = frozenset({"autograder.zip", previous_release.MANIFEST})
STAFF_FOLDER = "staff"


@dataclass(frozen=True)
class Request:
    """What staff asked for. `root` is the checkout."""

    root: Path
    data: Path | None = None
    key_file: Path | None = None
    preset: str | None = None  # None: the hotfixed release's, or the demo's
    trained: Path | None = None  # the reference's upload, trained elsewhere
    hotfix: Path | None = None  # dist/ or manifest of the release that students have
    students_too: bool = False  # a hotfix may change what students have
    dry_run: bool = False


@dataclass(frozen=True)
class Contents:
    """Everything of a release, in memory. `artefacts` by path in dist/, `entries` of each zip by path in it."""

    stamp: Stamp
    data: TermData
    tree: StrippedTree
    artefacts: Mapping[str, bytes]
    entries: Mapping[str, Mapping[str, bytes]]


def release(request: Request, console: Console) -> None:
    """Make dist/, or in a dry run do everything else.

    Raises:
        UsageError: something given is unusable.
        ReleaseRefusedError: the reference cannot be stripped, something leaks, the self-check fails, or a hotfix
            changes what it must not.
        InternalError: something of ours broke.
    """
    root, dist = request.root, request.root / "dist"
    previous = previous_release.load(request.hotfix) if request.hotfix else None
    if previous is None and not request.dry_run:
        shutil.rmtree(dist, ignore_errors=True)
    assignment = manifest_of.load(root / "assignment.toml")
    lists = release_list.load(assignment)
    contents = assemble(request, lists, assignment, previous, console)
    if previous is not None:
        _step_hotfix(previous, contents, request, console)
    marks = _checked(request, lists, contents, assignment, console)
    if not request.dry_run:
        _publish(contents.artefacts, dist)
    console.print(tables.artefact_table(contents.artefacts, contents.entries))
    console.print(tables.marks_table(marks, assignment))
    tables.warn(console, demo_key=contents.data.is_demo, course=handouts.course_of(root / "handouts"))
    done = "dry run of release {}: nothing was written" if request.dry_run else "release {} lies in dist/"
    console.print(f"[bold]{done.format(contents.stamp.release)}[/]")


def _checked(
    request: Request, lists: Lists, contents: Contents, assignment: Assignment, console: Console
) -> list[Marks]:
    """Leak check and self-check, side by side: the grades are processes of their own.

    Where the reference must be trained first, that waits for the leak check.
    """
    with ThreadPoolExecutor(1) as beside:
        leaks = beside.submit(_step_leaks, request.root, lists, contents, assignment, console)
        if training.untrained(request.root, contents.data, assignment, request.trained):
            leaks.result()
        try:
            return _step_self_check(request, contents, assignment, console)
        finally:
            leaks.result()  # what leaks is told first, whatever the self-check says


def assemble(
    request: Request, lists: Lists, assignment: Assignment, previous: PreviousRelease | None, console: Console
) -> Contents:
    """Everything of a release, not checked yet. Writes student_template/ and build/, unless it is a dry run."""
    root = request.root
    tree = _step_template(root, lists, console, keep=request.dry_run)
    data = _step_data(request, previous, assignment, console)
    files = package.student_files(root, lists, tree.files), package.autograder_files(root, lists)
    stamp = package.make_stamp(root, data, *files, package.handout_sources(root))
    students = previous.students if previous and not request.students_too else stamp
    handouts = _step_handouts(root, assignment, students.release, stamp.release, console)
    entries = {
        "student.zip": package.stamped_student(files[0], data, students),
        "autograder.zip": package.stamped_autograder(files[1], data, stamp),
    }
    artefacts = {**{name: zipped(each, private={SECRET}) for name, each in entries.items()}, **handouts}
    manifest = package.manifest(stamp, students, data, artefacts, entries)
    console.print(f"[bold]package[/] release {stamp.release}")
    return Contents(stamp, data, tree, {**artefacts, previous_release.MANIFEST: manifest}, entries)


def make_template(root: Path, console: Console) -> None:
    """Bring student_template/ up to date."""
    _step_template(root, release_list.load(manifest_of.load(root / "assignment.toml")), console)


def check_template(root: Path) -> None:
    """ReleaseRefusedError, with file and line, when student_template/ is not what the reference gives."""
    lists = release_list.load(manifest_of.load(root / "assignment.toml"))
    tree = template.make(root, lists)
    stale = template.differences(tree, root, lists)
    refuse_any("student_template/ is stale; run `python build.py template`:", stale)


def make_handouts(root: Path, console: Console) -> None:
    """Write dist/handouts/ and dist/staff/ alone, marked as drafts."""
    assignment = manifest_of.load(root / "assignment.toml")
    made = _step_handouts(root, assignment, handouts.DRAFT, handouts.DRAFT, console)
    for folder in ("handouts", STAFF_FOLDER):
        shutil.rmtree(root / "dist" / folder, ignore_errors=True)
    for path, data in made.items():
        _write(root / "dist" / path, data)
    tables.warn(console, demo_key=False, course=handouts.course_of(root / "handouts"))


def _step_template(root: Path, lists: Lists, console: Console, *, keep: bool = False) -> StrippedTree:
    """`keep`: only say what would be written."""
    tree = template.make(root, lists)
    console.print(f"[bold]strip[/] {len(tree.blocks)} solution blocks out of {len(tree.files)} files")
    if keep:
        for stale in template.differences(tree, root, lists):
            console.print(f"  {stale}; a release would write it anew")
    else:
        for change in template.write(tree, root, lists):
            console.print(f"  {change}: it was not up to date, commit it")
    return tree


def _step_data(
    request: Request, previous: PreviousRelease | None, assignment: Assignment, console: Console
) -> TermData:
    preset = request.preset or (previous.preset if previous else termdata.DEMO_PRESET)
    if request.data is not None:
        data = termdata.dropped_in(request.data, request.key_file, preset, assignment)
    else:
        data = termdata.generated(request.root, request.key_file, preset, assignment, keep=not request.dry_run)
    refusal = previous.data_refusal(data) if previous else None
    if refusal is not None:
        raise UsageError(refusal)
    tables.warn(console, demo_key=data.is_demo)
    origin = str(request.data) if request.data else f"key {data.key_fingerprint}"
    console.print(f"[bold]data[/] {data.digest[:12]} from {origin}, preset {preset}")
    return data


def _step_handouts(
    root: Path, assignment: Assignment, for_students: str, for_staff: str, console: Console
) -> dict[str, bytes]:
    """The students' and the staff's handouts, by path in dist/, each with the release that it names."""
    sources, reference = root / "handouts", root / template.REFERENCE
    graded_tests = collect(assignment)
    context = handouts.context_of(graded_tests, assignment, sources)
    made = {
        "handouts": handouts.handout(context, sources, for_students),
        STAFF_FOLDER: staff.handout(context, graded_tests, assignment, sources, reference, for_staff),
    }
    files = {f"{folder}/{name}": data for folder, handouts in made.items() for name, data in handouts.items()}
    console.print(f"[bold]handouts[/] {', '.join(files)}")
    return files


def _step_hotfix(previous: PreviousRelease, contents: Contents, request: Request, console: Console) -> None:
    """Say what changes; refuse what students have already, unless staff said so."""
    console.print(f"[bold]hotfix[/] of release {previous.stamp.release}: same key, same data")
    changes = {
        name: list(previous.changes(name, data, contents.entries.get(name, {})))
        for name, data in contents.artefacts.items()
        if name != previous_release.MANIFEST
    }
    told = [change for name, found in changes.items() if for_students(name) for change in found]
    if not request.students_too:
        refuse_any("this hotfix would change what students have (--students-too allows it):", told)
    for change in (change for found in changes.values() for change in found):
        console.print(f"  {change}")
    if not any(changes.values()):
        console.print("  nothing has changed")
    console.print("  students need the new files" if told else "  what students have stays as it is, to the byte")


def _step_leaks(root: Path, lists: Lists, contents: Contents, assignment: Assignment, console: Console) -> None:
    """Refuse a release that gives away what it must not."""
    tree, data = contents.tree, contents.data
    hidden = {path: (root / path).read_text(encoding="utf-8") for path in expand(root, ["harness/tests_hidden/*.py"])}
    secrets = Secrets(tree.blocks, tree.files, hidden, data.answers, data.told, data.key, data.secret)
    listed = package.listed_entries(root, lists, assignment)
    artefacts = [
        Artefact(place, each, listed.get(place, frozenset()), for_students=for_students(place))
        for place, each in contents.artefacts.items()
    ]
    size = sum(len(each.data) for each in artefacts) / 2**20
    console.print(f"[bold]leak check[/] of {size:.1f} MiB")
    title = "this release would give away what it must not (allow.toml excuses a false alarm, with its reason):"
    refuse_any(title, check(artefacts, secrets, names=lists.names, passages=lists.passages))
    console.print(
        "  every file is on the release list; students get no solution, hidden graded test, test answer or key"
    )


def _step_self_check(request: Request, contents: Contents, assignment: Assignment, console: Console) -> list[Marks]:
    """Use the finished zips; a dry run trains nothing, and goes without the reference where that would be needed."""
    root, data = request.root, contents.data
    upload: Path | None
    if request.dry_run and (why := training.untrained(root, data, assignment, request.trained)):
        console.print(f"[bold]reference[/] a release would train it now: {why}; this dry run does not grade it")
        upload = None
    else:
        upload = training.ready(root, data, assignment, console, request.trained)
    console.print("[bold]self-check[/] of the finished zips")
    zips = contents.artefacts["student.zip"], contents.artefacts["autograder.zip"]
    return selfcheck.check(*zips, upload, contents.tree.files, assignment, lambda said: console.print(f"  {said}"))


def for_students(place: str) -> bool:
    """Whether students may get the artefact at this path in dist/."""
    return place not in STAFF_ARTEFACTS and not place.startswith(f"{STAFF_FOLDER}/")


def _publish(artefacts: Mapping[str, bytes], dist: Path) -> None:
    """Write all of dist/ aside, then move it into place."""
    (dist.parent / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dist.parent / "build") as scratch:
        aside = Path(scratch) / "dist"
        for path, data in artefacts.items():
            _write(aside / path, data)
        shutil.rmtree(dist, ignore_errors=True)
        aside.rename(dist)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
