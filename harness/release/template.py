"""reference_solution/ -> student_template/, by the release list, and whether the committed template is up to date.

Promises: the template holds exactly the listed files, stripped; whatever else lies in the reference stays. A file that
starts with `#!` is executable. Files that students or staff leave behind when they try the template out (data,
parameters, caches: `staff_only` in allow.toml) are neither written, nor removed, nor complained about.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import UsageError, refuse_any
from harness.intake.zips import mode_of
from harness.release.lists import Lists
from harness.release.strip import StrippedTree, strip_tree

REFERENCE = "reference_solution"
TEMPLATE = "student_template"


def make(root: Path, lists: Lists) -> StrippedTree:
    """Strip the reference of the repository at `root`.

    Raises:
        UsageError: there is no reference.
        ReleaseRefusedError: files are missing or on no list, or a file cannot be stripped; all problems at once.
    """
    folder = root / REFERENCE
    present = set(files_below(folder)) if folder.is_dir() else set()
    if not present:
        raise UsageError(f"{folder}: no reference solution here; it must hold the files that allow.toml lists")
    refuse_any("the reference does not match the release list:", _unlisted(present, lists))
    files = {path: (folder / path).read_bytes() for path in lists.template}
    tree = strip_tree(files, shown_as=f"{REFERENCE}/", parts=lists.parts)
    if not tree.blocks:
        raise UsageError(f"{folder}: no file holds a solution block, so there is nothing for students to write")
    return tree


def write(tree: StrippedTree, root: Path, lists: Lists) -> list[str]:
    """Bring student_template/ up to date; what was changed, in words."""
    folder = root / TEMPLATE
    changed = []
    for path, data in tree.files.items():
        target = folder / path
        if not target.is_file() or target.read_bytes() != data or wrong_mode(target, data):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode_of(data))
            changed.append(f"wrote {TEMPLATE}/{path}")
    for path in _extra(folder, tree.files, lists):
        (folder / path).unlink()
        changed.append(f"removed {TEMPLATE}/{path}")
    return changed


def differences(tree: StrippedTree, root: Path, lists: Lists) -> list[str]:
    """Why student_template/ is stale: a line for each file, with its first differing line."""
    folder = root / TEMPLATE
    found = []
    for path, data in tree.files.items():
        target = folder / path
        if not target.is_file():
            found.append(f"{TEMPLATE}/{path}: missing")
        elif target.read_bytes() != data:
            found.append(_first_difference(f"{TEMPLATE}/{path}", data, target.read_bytes()))
        elif wrong_mode(target, data):
            found.append(f"{TEMPLATE}/{path}: its mode is not {mode_of(data):o}")
    return found + [f"{TEMPLATE}/{path}: not made from the reference" for path in _extra(folder, tree.files, lists)]


def wrong_mode(path: Path, data: bytes) -> bool:
    """Whether a file is executable and should not be, or the other way round; Windows keeps no such modes."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o100) != bool(mode_of(data) & 0o100)


def files_below(folder: Path) -> Iterator[str]:
    """Every file in `folder`, as a posix path relative to it, sorted; links count as files."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(folder).as_posix()


def _unlisted(present: set[str], lists: Lists) -> Iterator[str]:
    """Every file must be on a list: one that was forgotten would be missing in every student's folder."""
    for path in lists.template:
        if path not in present:
            yield f"{REFERENCE}/{path}: on the release list (allow.toml), but missing"
    for path in sorted(present - set(lists.template)):
        if not lists.stays(path):
            yield f"{REFERENCE}/{path}: on no list; add it to [template] files or staff_only in allow.toml"


def _extra(folder: Path, expected: Mapping[str, bytes], lists: Lists) -> list[str]:
    if not folder.is_dir():
        return []
    return [path for path in files_below(folder) if path not in expected and not lists.stays(path)]


def _first_difference(name: str, expected: bytes, found: bytes) -> str:
    """`name:line: ...` of the first line that differs."""
    wanted, seen = (data.decode(errors="replace").split("\n") for data in (expected, found))
    pairs = zip(wanted, seen, strict=False)
    line = next((at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(wanted), len(seen)))
    ours, theirs = (repr(text[line].strip()) if line < len(text) else "the end of the file" for text in (wanted, seen))
    return f"{name}:{line + 1}: the reference gives {ours}, the template has {theirs}"
