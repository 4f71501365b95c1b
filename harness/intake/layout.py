"""Which of the files in an upload are meant: decided from names, kinds and places alone.

Pure: reads nothing. Real uploads hold old copies, demos that also have a model.py, and names such as `model (1).py`;
the rules here are the same for folders and zips, and each choice that a student might not expect becomes a note.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.intake.upload import WHAT_IT_IS, Caps, Entry, Parts, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.assignment import Deliverable

_FOLDER_FOR_STUDENTS = "src/submission"
#: Begins the note on files that nobody asked for.
IGNORED = "ignored, because only the deliverables are graded"
_JUNK = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)
_DEMO = re.compile(r"mingpt", re.IGNORECASE)  # ships a model.py, trainer.py, utils.py and __init__.py of its own
_DEMO_FILES = 4
_NAMES_COMPARED = 400  # closeness of names costs time; nobody misnames more files than this


@dataclass(frozen=True)
class Plan:
    """What to copy."""

    chosen: Mapping[str, Entry]  #: deliverable -> its file
    refusals: Mapping[str, str]  #: every other deliverable -> the sentence for it; none for an optional one's absence
    extras: tuple[Entry, ...]  #: the student's own modules beside the code
    notes: tuple[str, ...]


def explain(wanted: Deliverable) -> str:
    """The sentence for a deliverable that was not uploaded."""
    name, place = wanted.name, f"{_FOLDER_FOR_STUDENTS}/{wanted.name}"
    if wanted.command:
        return f"{name}: missing; run ./run.sh {wanted.command} and upload {place}"
    if wanted.kind == "code" and not wanted.written_in:
        return f"{name}: missing; it came with the template, upload {place} with your own files"
    return f"{name}: missing; upload {place}"


def choose(entries: Sequence[Entry], deliverables: Sequence[Deliverable], caps: Caps) -> Plan:
    """Find the home folder, and for each deliverable the one file that is meant.

    The home is the folder with the most deliverables (then the shallowest, then the first by name). What it lacks is
    taken from elsewhere where only one file has that name.
    """
    home, code_home = _homes(entries, deliverables)
    places: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        places[entry.name].append(entry)
    chosen: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    for wanted in deliverables:
        picked = _pick(wanted, places[wanted.name], code_home if wanted.kind == "code" else home)
        if isinstance(picked, Entry):
            chosen[wanted.name] = picked
        elif picked:
            refused[wanted.name] = picked
    unmet = [wanted for wanted in deliverables if wanted.name not in chosen and wanted.name not in refused]
    similar = _misnamed(entries, deliverables) if unmet else {}
    for wanted in unmet:
        if not wanted.optional or wanted.name in similar:
            refused[wanted.name] = _missing(wanted, similar.get(wanted.name))
    extras = _extras(entries, deliverables, code_home, caps)
    return Plan(chosen, refused, extras, tuple(_notes(entries, chosen, refused, extras, code_home)))


def _homes(entries: Sequence[Entry], deliverables: Sequence[Deliverable]) -> tuple[Parts, Parts]:
    """The folder with the most deliverables, and the one that code comes from: the same, if it has half the code."""
    code = {wanted.name for wanted in deliverables if wanted.kind == "code"}
    files = [entry for entry in entries if entry.kind == "file"]
    all_counts = _count(files, {wanted.name for wanted in deliverables})
    code_counts = _count(files, code)
    home = _best(all_counts, lambda folder: _worth(all_counts, folder))
    if 2 * code_counts.get(home, 0) >= len(code):
        return home, home
    fullest = _best(code_counts, lambda folder: (_worth(code_counts, folder), _worth(all_counts, folder)))
    return home, fullest


def _count(files: Iterable[Entry], names: set[str]) -> dict[Parts, int]:
    counts: defaultdict[Parts, int] = defaultdict(int)
    for entry in files:
        if entry.name in names:
            counts[entry.folder] += 1
    return dict(counts)


def _best(counts: Mapping[Parts, int], worth: Callable[[Parts], int | tuple[int, int]]) -> Parts:
    """The folder of most worth, then the shallowest, then the first by name; the root where there is none."""
    order = sorted(counts, key=lambda folder: (len(folder), folder))
    return max(order, key=worth, default=())  # max keeps the first of equals


def _worth(counts: Mapping[Parts, int], folder: Parts) -> int:
    return counts[folder] - (_DEMO_FILES if _is_demo(folder) else 0)


def _is_demo(folder: Parts) -> bool:
    return any(_DEMO.search(part) for part in folder)


def _pick(wanted: Deliverable, candidates: Sequence[Entry], home: Parts) -> Entry | str | None:
    """The file that is meant, or the sentence that says why none is, or None where nothing has the name."""
    at_home = [entry for entry in candidates if entry.folder == home]
    elsewhere = [entry for entry in candidates if entry.folder != home and not _is_demo(entry.folder)]
    for entry in at_home:
        if entry.kind == "file":
            return entry
    usable = [entry for entry in elsewhere if entry.kind == "file"]
    if wanted.name == "__init__.py":  # every package has one, so another folder's says nothing
        usable = []
    if len(usable) == 1:
        return usable[0]
    if usable:
        found = " and ".join(f"'{_place(entry.folder)}'" for entry in usable[:3])
        return f"{wanted.name}: lies in {found}, but not in '{_place(home)}' with the others; upload it once, there"
    for entry in (*at_home, *elsewhere):
        if entry.kind != "file":
            return f"{wanted.name}: '{show(entry.parts)}' {WHAT_IT_IS[entry.kind]}"
    return None


def _missing(wanted: Deliverable, similar: Entry | None) -> str:
    if similar is None:
        return explain(wanted)
    return f"{wanted.name}: missing, but found '{show(similar.parts)}': rename it to '{wanted.name}'"


def _misnamed(entries: Sequence[Entry], deliverables: Sequence[Deliverable]) -> dict[str, Entry]:
    """Files whose names look like a deliverable's, under the name that they should have; shallow ones first."""
    names = [wanted.name for wanted in deliverables]
    plain = {_canonical(name): name for name in names}
    found: dict[str, Entry] = {}
    others = [entry for entry in entries if entry.kind == "file" and entry.name not in names]
    others = [entry for entry in others if not _is_demo(entry.folder) and not _JUNK.fullmatch(entry.name)]
    for rank, entry in enumerate(sorted(others, key=lambda entry: (len(entry.parts), entry.parts))):
        meant = plain.get(_canonical(entry.name))
        if meant is None and rank < _NAMES_COMPARED and len(entry.name) <= 80:
            meant = next(iter(difflib.get_close_matches(entry.name, names, n=1, cutoff=0.9)), None)
        if meant is not None:
            found.setdefault(meant, entry)
    return found


def _canonical(name: str) -> str:
    """A name without what browsers, file managers and editors add: `Model (1).py` -> `modelpy`."""
    text = name.lower()[:200]
    text = re.sub(r"\.(txt|bak|orig|download|pt|pth|ckpt|zip)$", "", text)
    text = re.sub(r"(\.py)+$", ".py", text)
    text = re.sub(r"\(\d{1,3}\)|^copy of | - copy| copy( \d{1,3})?(?=\.|$)|[ _-]\d{1,3}(?=\.|$)", "", text)
    return re.sub(r"[^a-z0-9]", "", text)


def _extras(
    entries: Sequence[Entry], deliverables: Sequence[Deliverable], code_home: Parts, caps: Caps
) -> tuple[Entry, ...]:
    """Modules that lie beside the code and can be imported by it."""
    names = {wanted.name for wanted in deliverables}
    beside = [entry for entry in entries if entry.folder == code_home and entry.kind == "file"]
    if not any(entry.name in names and entry.name.endswith(".py") for entry in beside):
        return ()
    taken = {name.casefold() for name in names}  # on some disks Model.py and model.py are one file
    modules: list[Entry] = []
    for entry in sorted(beside, key=lambda entry: entry.name):
        folded = entry.name.casefold()
        if entry.name.endswith(".py") and entry.name[:-3].isidentifier() and folded not in taken:
            taken.add(folded)
            modules.append(entry)
    return tuple(modules[: caps.extra_files])


def _notes(
    entries: Sequence[Entry],
    chosen: Mapping[str, Entry],
    refused: Mapping[str, str],
    extras: Sequence[Entry],
    code_home: Parts,
) -> Iterable[str]:
    if not chosen:
        yield f"none of the {len(refused)} deliverables was found in the upload"
    folders: defaultdict[Parts, list[str]] = defaultdict(list)
    for name, entry in chosen.items():
        folders[entry.folder].append(name)
    if len(folders) > 1:
        for folder, names in sorted(folders.items()):
            yield f"taken from '{_place(folder)}': {', '.join(names)}"
    if extras:
        yield f"staged beside the code, from '{_place(code_home)}': {_some([entry.name for entry in extras])}"
    used = {*chosen.values(), *extras}
    unused = [
        entry for entry in entries if entry.kind == "file" and entry not in used and not _JUNK.fullmatch(entry.name)
    ]
    copies = [show(entry.parts) for entry in unused if entry.name in chosen and not _is_demo(entry.folder)]
    if copies:
        yield f"not used, because the same name was found in a fuller folder: {_some(copies)}"
    others = [show(entry.parts) for entry in unused if entry.name not in chosen]
    if others:
        yield f"{IGNORED}: {_some(others)}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(show(name) for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _place(folder: Parts) -> str:
    return show(folder) if folder else "the top folder"
