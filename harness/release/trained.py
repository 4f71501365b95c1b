"""The reference's upload: its code, and the parameters and predictions that training it on the term's data gives.

Promises: what is returned is complete and belongs to this code and this data, by a record that training leaves beside
it. Uploads lie in `build/`, which is never committed: the demo data's in `build/reference_upload`, any other data's in
a folder of its own. An upload that was trained elsewhere is taken when staff name it: its code must be the
reference's, and what its models know is for the self-check to see.
"""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from harness.assignment import Assignment
from harness.errors import UsageError
from harness.release.template import REFERENCE
from harness.release.termdata import DEMO_PRESET, TermData, digest

UPLOAD = "reference_upload"

#: What decides how training goes, beside the deliverables: the commands and what carries them out.
_COMMANDS = ("run.py", "run.sh")
_CHANGED = {"data": "the term's data", "preset": "the preset", "code": "run.py or run.sh"}


def folder_for(root: Path, data: TermData) -> Path:
    """Where the upload for this data lies."""
    if data.is_demo and data.preset == DEMO_PRESET:
        return root / "build" / UPLOAD
    return root / "build" / f"{UPLOAD}-{data.preset}-{data.digest[:12]}"


def ready(root: Path, data: TermData, assignment: Assignment, console: Console, given: Path | None = None) -> Path:
    """The upload for this data: the one at hand if it is fresh, otherwise trained now, with a progress bar.

    Args:
        root: the checkout.
        data: what it must have been trained on.
        assignment: tells the deliverables.
        console: told what happens.
        given: an upload that staff trained elsewhere; nothing is trained then.

    Raises:
        UsageError: `given` cannot be used.
        InternalError: training failed.
    """
    why = untrained(root, data, assignment, given)
    folder = given or folder_for(root, data)
    if why is None:
        console.print(f"[bold]reference[/] {folder} is {'given' if given else 'fresh'}")
        return folder
    if given is not None:
        raise UsageError(f"--trained {given}: {why}")
    console.print(f"[bold]reference[/] training anew: {why}")
    from harness.release.training import train_reference

    (root / "build").mkdir(exist_ok=True)
    train_reference(data.folder, folder, assignment, data.preset, console)
    _record_of(folder).write_text(json.dumps(_record(root, data, assignment), indent=2) + "\n", encoding="utf-8")
    return folder


def untrained(root: Path, data: TermData, assignment: Assignment, given: Path | None = None) -> str | None:
    """Why the upload at hand, or the one that is given, cannot be used for this code and data, if so."""
    folder = given or folder_for(root, data)
    missing = [each.name for each in assignment.deliverables if not (folder / each.name).is_file()]
    if missing:
        return f"{folder} lacks {', '.join(missing[:3])}{' and others' if len(missing) > 3 else ''}"
    source = root / REFERENCE / "src" / "submission"
    for each in assignment.deliverables:
        if each.kind == "code" and (folder / each.name).read_bytes() != (source / each.name).read_bytes():
            return f"{each.name} of the reference has changed since"
    return None if given else _unrecorded(folder, _record(root, data, assignment))


def _unrecorded(folder: Path, wanted: dict[str, str]) -> str | None:
    """Why the record of a training does not say what is wanted, if so."""
    try:
        told = json.loads(_record_of(folder).read_text(encoding="utf-8"))
        changed = [what for key, what in _CHANGED.items() if told[key] != wanted[key]]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_record_of(folder)} does not tell what it was trained on (--trained takes it all the same)"
    return f"{' and '.join(changed)} changed since" if changed else None


def _record_of(folder: Path) -> Path:
    """Beside the folder, which holds the deliverables and nothing else."""
    return folder.with_name(f"{folder.name}.json")


def _record(root: Path, data: TermData, assignment: Assignment) -> dict[str, str]:
    """What training depends on. torch's version is left out: any that the course allows will do for the self-check."""
    source = root / REFERENCE / "src"
    code = [f"submission/{each.name}" for each in assignment.deliverables if each.kind == "code"]
    return {
        "data": data.digest,
        "preset": data.preset,
        "code": digest(
            {path: (source / path).read_bytes() for path in (*code, *_COMMANDS) if (source / path).is_file()}
        ),
    }
