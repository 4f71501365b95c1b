"""A release, step by step: strip, data, reference, handouts, zips, leak check, self-check, and only then `dist/`.

Promises: `dist/` is complete and checked, or absent: an older one is removed first, the new one is built in `build/`
and moved into place as the last step. Two releases from the same files are equal byte for byte.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness import assignment as manifest_of
from harness.errors import HarnessFault
from harness.release import lists as release_list
from harness.release import package, selfcheck, tables, template, termdata
from harness.release.leaks import Artefact, Secrets, check
from harness.release.problems import ReleaseRefused, refuse_any
from harness.release.strip import StrippedTree
from harness.release.termdata import GOLD, TermData


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
    upload = _step_reference(request, data, console)
    handouts = _step_handouts(request.root, console)
    console.print("[bold]package[/] both zips and the manifest")
    contents = _contents(request.root, lists, tree, data, handouts)
    _step_leaks(request.root, lists, tree, data, contents, console)
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
    """Write dist/handouts/ alone."""
    made = _step_handouts(root, console)
    shutil.rmtree(root / "dist" / "handouts", ignore_errors=True)
    for path, data in made.items():
        _write(root / "dist" / path, data)


def _step_template(root: Path, lists: release_list.Lists, console: Console) -> StrippedTree:
    tree = template.make(root, lists)
    console.print(f"[bold]strip[/] {len(tree.blocks)} solution blocks out of {len(tree.files)} files")
    for path in template.write(tree, root, lists):
        console.print(f"  wrote {template.TEMPLATE}/{path}: it was not up to date, commit it")
    return tree


def _step_data(request: Request, console: Console) -> TermData:
    if request.data is not None:
        data = termdata.dropped_in(request.data, request.preset)
    else:
        data = termdata.generated(request.root, request.key_file, request.preset)
    if data.is_demo:
        tables.warn_demo_key(console)
    origin = f"key {data.key_fingerprint}" if data.key else str(request.data)
    console.print(f"[bold]data[/] {data.digest[:12]} from {origin}, preset {request.preset}")
    return data
