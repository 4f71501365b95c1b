"""The reference's upload: its code, and the parameters and predictions that training it on the term's data gives.

Promises: what is returned is complete and belongs to this code and this data. Uploads lie in `build/`, which is never
committed: the demo data's in `build/reference_upload`, any other data's in a folder of its own.
"""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from harness.assignment import Assignment
from harness.release.template import REFERENCE
from harness.release.termdata import DEMO_PRESET, TermData, digest

UPLOAD = "reference_upload"


def folder_for(root: Path, data: TermData) -> Path:
    """Where the upload for this data lies."""
    if data.is_demo and data.preset == DEMO_PRESET:
        return root / "build" / UPLOAD
    return root / "build" / f"{UPLOAD}-{data.preset}-{data.digest[:12]}"


def ready(root: Path, data: TermData, assignment: Assignment, console: Console) -> Path:
    """The upload for this data: the one at hand if it is fresh, otherwise trained now, with a progress bar."""
    folder = folder_for(root, data)
    why = stale(folder, root, data, assignment)
    if why is None:
        console.print(f"[bold]reference[/] {folder} is fresh")
        return folder
    console.print(f"[bold]reference[/] training anew: {why}")
    from harness.release.training import train_reference

    train_reference(data.folder, folder, data.preset, console)
    _stamp_of(folder).write_text(json.dumps(_stamp(root, data, assignment), indent=2) + "\n", encoding="utf-8")
    return folder


def stale(folder: Path, root: Path, data: TermData, assignment: Assignment) -> str | None:
    """Why the upload in `folder` cannot be used for this code and data, if so."""
    missing = [each.name for each in assignment.deliverables if not (folder / each.name).is_file()]
    if missing:
        return f"{folder} lacks {', '.join(missing[:3])}{' and others' if len(missing) > 3 else ''}"
    source = root / REFERENCE / "src" / "submission"
    for each in assignment.deliverables:
        if each.kind == "code" and (folder / each.name).read_bytes() != (source / each.name).read_bytes():
            return f"{each.name} of the reference has changed since"
    try:
        stamp = json.loads(_stamp_of(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # trained by other means: the self-check judges it
    if stamp != _stamp(root, data, assignment):
        return "the term's data has changed since"
    return None


def _stamp_of(folder: Path) -> Path:
    """Beside the folder, which holds the deliverables and nothing else."""
    return folder.with_name(f"{folder.name}.json")


def _stamp(root: Path, data: TermData, assignment: Assignment) -> dict[str, str]:
    code = [each.name for each in assignment.deliverables if each.kind == "code"]
    source = root / REFERENCE / "src" / "submission"
    return {
        "data": data.digest,
        "preset": data.preset,
        "code": digest({name: (source / name).read_bytes() for name in code}),
    }
