"""Which of the files in an upload are meant: decided from names, kinds and places alone.

Pure: reads nothing. Real uploads hold old copies, demos that also have a model.py, and names such as `model (1).py`;
the rules here are the same for folders and zips, and each choice that a student might not expect becomes a note.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from harness.intake.upload import WHAT_IT_IS, Caps, Entry, Parts, UploadError, show

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from harness.assignment import Deliverable

_FOLDER_FOR_STUDENTS = "src/submission"
_JUNK = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)
_EXPORTED = re.compile(r"submission_\d+")  # what Gradescope calls each student's folder in a class's export
_NAMES_COMPARED = 400  # closeness of names costs time; nobody misnames more files than this


@dataclass(frozen=True)
class Plan:
    """What to copy."""

    chosen: Mapping[str, Entry]  #: deliverable -> its file
    refusals: Mapping[str, str]  #: every other deliverable -> the sentence for it; none for an optional one's absence
    extras: tuple[Entry, ...]  #: the student's own modules beside the code
    notes: tuple[str, ...]
    ignored: str  #: the sentence on files that nobody asked for; empty where there are none
    absent: frozenset[str]  #: those of `refusals` that nothing in the upload stands for


def explain(wanted: Deliverable) -> str:
    """The sentence for a deliverable that was not uploaded."""
    name, place = wanted.name, f"{_FOLDER_FOR_STUDENTS}/{wanted.name}"
    if wanted.command:
        return f"{name}: missing; run {wanted.typed} and upload {place}"
    if wanted.kind == "code" and not wanted.written_in:
        return f"{name}: missing; it came with the template, upload {place} with your own files"
    return f"{name}: missing; upload {place}"


def explain_at_home(wanted: Deliverable) -> str:
    """The same for somebody at work in their own folder submission/, who uploads nothing yet."""
    if wanted.command:
        return f"{wanted.name}: not there yet; run {wanted.typed}"
    return f"{wanted.name}: missing; it came with the template, in src/submission/: put it back"


def choose(
    entries: Sequence[Entry], deliverables: Sequence[Deliverable], caps: Caps, demos: Collection[str] = ()
) -> Plan:
    """Find the home folder, and for each deliverable the one file that is meant.

    The home is the folder with a set of deliverables that lies above all others with one; where no folder has a set,
    the one with the most. What it lacks is taken from elsewhere where only one file has that name, and where no second
    copy of what the home has lies beside it. Folders with a name of `demos` in theirs came with the assignment and hold
    files of the same names: they are nobody's work, unless nothing else is there.

    Raises:
        UploadError: two people's work, or one person's twice.
    """
    everything, entries = entries, _own(entries, deliverables, demos)
    home, code_home = _homes(entries, deliverables)
    copies = _copies(entries, deliverables, {home, code_home})
    places: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        places[entry.name].append(entry)
    chosen: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    for wanted in deliverables:
        picked = _pick(wanted, places[wanted.name], code_home if wanted.kind == "code" else home, copies)
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
    unused = _unused(entries, chosen, extras)
    return Plan(
        chosen,
        refused,
        extras,
        notes=tuple(_notes(chosen, refused, extras, home, code_home, unused)),
        ignored=_ignored(_unused(everything, chosen, extras), {*chosen, *refused}),
        absent=frozenset(each.name for each in unmet if each.name in refused and each.name not in similar),
    )


def _own(entries: Sequence[Entry], deliverables: Sequence[Deliverable], demos: Collection[str]) -> Sequence[Entry]:
    """The entries outside of demonstrations; all of them where no deliverable lies outside."""
    names = {wanted.name for wanted in deliverables}
    own = [entry for entry in entries if not any(demo in part.lower() for part in entry.folder for demo in demos)]
    return own if any(entry.name in names for entry in own) else entries


def is_set(names: Collection[str], deliverables: Sequence[Deliverable]) -> bool:
    """Whether files of these names are somebody's work, and not strays: half of the code, or half of everything."""
    wanted = {each.name for each in deliverables if not each.optional}
    code = {each.name for each in deliverables if each.kind == "code" and not each.optional}
    return any(each and 2 * len(each & set(names)) >= len(each) for each in (code, wanted))


def _homes(entries: Sequence[Entry], deliverables: Sequence[Deliverable]) -> tuple[Parts, Parts]:
    """The folder whose deliverables are meant, and the one that code comes from: the same, if it has half the code.

    Raises:
        UploadError: two folders, neither of which lies above the other, hold a set each.
    """
    code = {wanted.name for wanted in deliverables if wanted.kind == "code"}
    files = [entry for entry in entries if entry.kind == "file"]
    held = _held(files, {wanted.name for wanted in deliverables})
    top = _outermost(folder for folder, names in held.items() if is_set(names, deliverables))
    _refuse_two(held, top, deliverables)
    all_counts, code_counts = _count(files, {wanted.name for wanted in deliverables}), _count(files, code)
    among = {folder: all_counts[folder] for folder in top} or all_counts
    home = _best(among, lambda folder: all_counts[folder])
    if 2 * code_counts.get(home, 0) >= len(code):
        return home, home
    whole = _outermost(folder for folder, count in code_counts.items() if 2 * count >= len(code))
    among = {folder: code_counts[folder] for folder in whole} or code_counts
    return home, _best(among, lambda folder: (code_counts[folder], all_counts[folder]))


def _held(files: Iterable[Entry], names: set[str]) -> dict[Parts, set[str]]:
    """The deliverables in each folder."""
    held: defaultdict[Parts, set[str]] = defaultdict(set)
    for entry in files:
        if entry.name in names:
            held[entry.folder].add(entry.name)
    return dict(held)


def _outermost(folders: Iterable[Parts]) -> list[Parts]:
    """Those that lie below no other one."""
    all_of_them = list(folders)
    return [folder for folder in all_of_them if not any(_above(other, folder) for other in all_of_them)]


def _above(folder: Parts, other: Parts) -> bool:
    return folder != other and other[: len(folder)] == folder


def _refuse_two(held: Mapping[Parts, set[str]], top: Sequence[Parts], deliverables: Sequence[Deliverable]) -> None:
    """UploadError where there are two people's works, or one person's twice, and nothing tells which is meant."""
    most = sum(not each.optional for each in deliverables)
    for first, second in combinations(sorted(top, key=lambda folder: (len(folder), folder)), 2):
        common = len(held[first] & held[second])
        if 2 * common >= most or common == len(held[first]) == len(held[second]):
            raise _two(first, second)
    exported = [folder for folder in sorted(held) if any(_EXPORTED.fullmatch(part) for part in folder)]
    people = {part: folder for folder in exported for part in folder if _EXPORTED.fullmatch(part)}
    if len(people) > 1:
        raise _two(*list(people.values())[:2])


def _two(first: Parts, second: Parts) -> UploadError:
    return UploadError(
        f"'{_place(first)}' and '{_place(second)}' hold the same files, and nothing tells which are meant: give one of "
        "these folders alone, or put its files at the top"
    )


def _copies(entries: Iterable[Entry], deliverables: Sequence[Deliverable], homes: set[Parts]) -> set[Parts]:
    """Folders that hold again what a home holds: older or other work, from which nothing is taken."""
    names = {wanted.name for wanted in deliverables} - {"__init__.py"}  # every package has one
    held = _held((entry for entry in entries if entry.kind == "file"), names)
    at_home = {name for folder in homes for name in held.get(folder, ())}
    return {folder for folder, found in held.items() if folder not in homes and found & at_home}


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


def _pick(
    wanted: Deliverable, candidates: Sequence[Entry], home: Parts, copies: Collection[Parts]
) -> Entry | str | None:
    """The file that is meant, or the sentence that says why none is, or None where nothing has the name."""
    at_home = [entry for entry in candidates if entry.folder == home]
    elsewhere = [entry for entry in candidates if entry.folder != home]
    for entry in at_home:
        if entry.kind == "file":
            return entry
    usable = [entry for entry in elsewhere if entry.kind == "file"]
    if wanted.name == "__init__.py":  # every package has one, so another folder's says nothing
        usable = []
    fresh = [entry for entry in usable if entry.folder not in copies]
    if len(fresh) == 1:
        return fresh[0]
    if usable and not fresh:
        return (
            f"{wanted.name}: not in '{_place(home)}'; '{_place(usable[0].folder)}' has one, with other copies of your "
            f"files, so nothing is taken from there: put the file that you mean into '{_place(home)}'"
        )
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
    others = [entry for entry in others if not _JUNK.fullmatch(entry.name)]
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
    chosen: Mapping[str, Entry],
    refused: Mapping[str, str],
    extras: Sequence[Entry],
    home: Parts,
    code_home: Parts,
    unused: Sequence[Entry],
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
    copies = [show(entry.parts) for entry in unused if entry.name in chosen]
    if copies:
        graded = " and ".join(f"'{_place(folder)}'" for folder in dict.fromkeys((home, code_home)))
        yield f"not used, because the files in {graded} are graded: {_some(copies)}"


def _unused(entries: Sequence[Entry], chosen: Mapping[str, Entry], extras: Sequence[Entry]) -> list[Entry]:
    """Files that are not taken, without what machines leave behind."""
    used = {*chosen.values(), *extras}
    return [
        entry for entry in entries if entry.kind == "file" and entry not in used and not _JUNK.fullmatch(entry.name)
    ]


def _ignored(unused: Sequence[Entry], told: Collection[str]) -> str:
    others = [show(entry.parts) for entry in unused if entry.name not in told]
    return f"ignored, because only the deliverables are graded: {_some(others)}" if others else ""


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(show(name) for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _place(folder: Parts) -> str:
    return show(folder) if folder else "the top folder"
