"""A release, step by step: inputs, strip, handouts, zips, leak check, reference, self-check, and only then `dist/`.

Promises: a release that fails leaves `dist/` as it was; the new one is moved into place as the last step, and the one
that it replaces goes to `releases/`. Two releases from the same files are equal byte for byte. What takes seconds comes
before what takes minutes: everything given is checked before anything is made, nothing is trained for a release that
leaks.

A hotfix renews what grades, under data and files that students have already: theirs are built again with their own
stamp, and must come out equal to the byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness import manifest as manifest_of
from harness.assignment import Assignment
from harness.errors import refuse_any
from harness.grading.catalogue import collect
from harness.grading.seeds import SECRET
from harness.intake.zips import zipped
from harness.release import inputs, kept, package, selfcheck, tables, template, termdata, training
from harness.release import lists as release_list
from harness.release import previous as previous_release
from harness.release.handouts import handouts, staff
from harness.release.inputs import Inputs, Request
from harness.release.leaks import Artefact, Secrets, check
from harness.release.lists import Lists, expand
from harness.release.package import Stamp
from harness.release.previous import PreviousRelease
from harness.release.selfcheck import Marks
from harness.release.strip import StrippedTree
from harness.release.termdata import TermData

#: What the leak check does not read as a student would: these, and all that lies in dist/staff/.
STAFF_ARTEFACTS = frozenset({"autograder.zip", previous_release.MANIFEST, manifest_of.PROFILE})
STAFF_FOLDER = "staff"


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
    given = inputs.check(request)
    lists, assignment = given.lists, given.assignment
    contents = assemble(request, given, console)
    if given.previous is not None:
        _step_hotfix(given.previous, contents, request, console)
    marks = _checked(request, lists, contents, assignment, console)
    before = None if request.dry_run else kept.publish(contents.artefacts, request.root)
    console.print(tables.artefact_table(contents.artefacts, contents.entries))
    console.print(tables.marks_table(marks, assignment))
    tables.warn(console, demo_key=contents.data.is_demo, course=given.course)
    if before is not None:
        console.print(f"[bold]archive[/] the release before this one is kept in {before.relative_to(request.root)}/")
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


def assemble(request: Request, given: Inputs, console: Console) -> Contents:
    """Everything of a release, not checked yet. Writes student_template/ and build/, unless it is a dry run."""
    root, lists, assignment, previous = request.root, given.lists, given.assignment, given.previous
    data = _step_data(request, given.data, console)
    if assignment.profile:
        console.print(f"[bold]profile[/] {assignment.profile}: {assignment.points} points")
        tree = template.make(root, lists)  # student_template/ is that of the assignment as it stands
    else:
        tree = _step_template(root, lists, console, keep=request.dry_run)
    laid = package.profile_files(assignment)
    files = (
        {**package.student_files(root, lists, tree.files), **{f"src/{path}": data for path, data in laid.items()}},
        {**package.autograder_files(root, lists), **laid},
    )
    stamp = package.make_stamp(root, data, *files, package.handout_sources(root))
    students = previous.students if previous and not request.students_too else stamp
    handouts = _step_handouts(root, assignment, students.release, stamp.release, console)
    entries = {
        "student.zip": package.stamped_student(files[0], data, students),
        "autograder.zip": package.stamped_autograder(files[1], data, stamp),
    }
    artefacts = {**{name: zipped(each, private={SECRET}) for name, each in entries.items()}, **handouts, **laid}
    terms = package.terms_of(given.course, assignment, training.record(root, data, assignment), root)
    manifest = package.manifest(stamp, students, data, artefacts, entries, terms)
    console.print(f"[bold]package[/] release {stamp.release}")
    return Contents(stamp, data, tree, {**artefacts, previous_release.MANIFEST: manifest}, entries)


def make_template(root: Path, console: Console) -> None:
    """Bring student_template/ up to date, and say whether that changed anything."""
    lists = release_list.load(manifest_of.load(root / "assignment.toml"))
    stale = template.differences(template.make(root, lists), root, lists)
    _step_template(root, lists, console)
    told = "is up to date now: commit it" if stale else "was up to date: nothing has changed"
    console.print(f"student_template/ {told}")


def check_template(root: Path) -> None:
    """ReleaseRefusedError, with file and line, when student_template/ is not what the reference gives."""
    lists = release_list.load(manifest_of.load(root / "assignment.toml"))
    tree = template.make(root, lists)
    stale = template.differences(tree, root, lists)
    refuse_any("student_template/ is stale; run `python build.py template`:", stale)


def make_handouts(root: Path, console: Console) -> None:
    """Write dist/handouts/ and dist/staff/ alone, marked as drafts; into build/drafts/ where dist/ holds a release."""
    assignment = manifest_of.load(root / "assignment.toml")
    made = _step_handouts(root, assignment, handouts.DRAFT, handouts.DRAFT, console)
    out = root / "build" / "drafts" if (root / kept.LIVE / previous_release.MANIFEST).is_file() else root / kept.LIVE
    for folder in ("handouts", STAFF_FOLDER):
        shutil.rmtree(out / folder, ignore_errors=True)
    for path, data in made.items():
        _write(out / path, data)
    console.print(f"the drafts lie in {out.relative_to(root)}/")
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


def _step_data(request: Request, data: TermData, console: Console) -> TermData:
    if request.data is None and not request.dry_run:
        termdata.keep_generated(data)
    tables.warn(console, demo_key=data.is_demo)
    origin = str(request.data) if request.data else f"key {data.key_fingerprint}"
    console.print(f"[bold]data[/] {data.digest[:12]} from {origin}, preset {data.preset}")
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


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
