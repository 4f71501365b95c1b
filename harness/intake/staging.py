"""From an upload, however people pack it, to a staged tree that everything later can trust.

Promises: `stage` copies regular files only, within caps, into a read-only folder `submission/`; whatever is wrong with
a file becomes one sentence that says what to do; one bad file never keeps the others from being graded. It never runs,
imports or unpickles anything, and does not judge what the files hold.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING

from harness.errors import InternalError
from harness.intake.archive import Overlaid, chunks, open_nested, open_upload
from harness.intake.layout import Plan, choose, explain, explain_at_home, is_set
from harness.intake.source import unreadable
from harness.intake.standin import OWN
from harness.intake.standin import source as stand_in_source
from harness.intake.upload import (
    Caps,
    Entry,
    RefusedError,
    Source,
    UploadError,
    faults_are_ours,
    megabytes,
    names_are_theirs,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.assignment import Deliverable

__all__ = ["Caps", "Complaint", "Submission", "UploadError", "discard", "explain", "stage"]

_PACKED_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_TOO_LARGE = {
    "code": "upload code only, no data in it",
    "predictions": "it should hold one short line for each question",
    "params": "save model.state_dict() alone, without the optimiser",
}


@dataclass(frozen=True)
class Complaint:
    """What keeps a deliverable from being graded: one sentence with the file, what was expected and what to do."""

    file: str
    message: str
    absent: bool = False
    """Whether that is all: nothing in the upload stands for it."""


@dataclass(frozen=True)
class Submission:
    """A staged upload.

    Every deliverable is either in `present` or in `missing`, and each of `missing` has exactly one of `problems`. Only
    an optional one that was not uploaded is in none of them: that is no problem.
    """

    tree: Path  #: holds `submission/`
    present: Mapping[str, Path]  #: deliverable -> its staged copy
    missing: tuple[str, ...]
    complaints: tuple[Complaint, ...]
    notes: tuple[str, ...]  #: what was done with an unusual layout, for the student
    digest: str  #: sha256 over the names and bytes of everything staged; the same for every layout
    extras: tuple[str, ...] = ()  #: the student's own modules, staged beside the code
    ignored: str = ""  #: a sentence on files that nobody asked for, if there are any


def stage(
    upload: Path,
    into: Path,
    deliverables: Sequence[Deliverable],
    caps: Caps = Caps(),  # noqa: B008 (frozen)
    exports: Mapping[str, Sequence[str]] = MappingProxyType({}),
    *,
    demos: Sequence[str] = (),
    at_home: bool = False,
) -> Submission:
    """Copy the deliverables of `upload` to `into/submission/` and make them read-only.

    Args:
        upload: a folder or a zip; files may lie flat, in any folder, or in one wrapping zip. Only read.
        into: an empty folder of ours, made when absent. Use `discard` to remove it.
        deliverables: what is wanted.
        caps: how much is read at most.
        exports: module -> names that the package offers from it, where its `__init__.py` cannot be had.
        demos: what the names of folders hold that came with the assignment and are nobody's work.
        at_home: the upload is somebody's own folder submission/, and what lies in folders below it is not meant.

    Raises:
        UploadError: nothing of the upload can be used.
        InternalError: `into` is not empty or cannot be written.
    """
    folder = _prepare(into)
    try:
        with _unwrapped(upload, deliverables, caps, into) as (source, entries, notes):
            found = [entry for entry in entries if not (at_home and entry.folder)]
            plan = choose(found, deliverables, caps, demos)
            staging = _Staging(source, folder, caps)
            staging.copy_all(plan, deliverables)
            if at_home:
                staging.complaints |= {w.name: explain_at_home(w) for w in deliverables if w.name in plan.absent}
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    names = [wanted.name for wanted in deliverables]
    code = [wanted.name for wanted in deliverables if wanted.kind == "code" and not wanted.optional]
    lacking = [name for name in code if name not in staging.hashes]
    if any(name.endswith(".py") for name in staging.hashes) and (lacking or "__init__.py" not in names):
        _stand_in(folder, exports)
    if lacking and any(name.endswith(".py") for name in staging.hashes):
        staging.notes.append(f"without {', '.join(lacking)} the other modules are graded as far as they go")
    submission = Submission(
        tree=into,
        present={name: folder / name for name in names if name in staging.hashes},
        missing=tuple(
            wanted.name
            for wanted in deliverables
            if wanted.name not in staging.hashes and (wanted.name in staging.complaints or not wanted.optional)
        ),
        complaints=tuple(
            Complaint(name, staging.complaints[name], name in plan.absent)
            for name in names
            if name in staging.complaints
        ),
        notes=(*notes, *plan.notes, *staging.notes),
        digest=_digest(staging.hashes),
        extras=tuple(name for name in staging.hashes if name not in names),
        ignored=plan.ignored,
    )
    _seal(into)
    return submission


def discard(tree: Path) -> None:
    """Remove a staged tree, whose folders are read-only even to their owner."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o700)
        if os.name == "nt":  # there a read-only file cannot be removed
            for file in files:
                (Path(folder) / file).chmod(stat.S_IWRITE)
    shutil.rmtree(tree)


def _stand_in(folder: Path, exports: Mapping[str, Sequence[str]]) -> None:
    """Put an `__init__.py` of ours before the package, which takes the modules that are there."""
    with faults_are_ours(folder):
        own = folder / "__init__.py"
        if own.exists():
            own.replace(folder / f"{OWN}.py")
        own.write_text(stand_in_source(exports), encoding="utf-8")


def _prepare(into: Path) -> Path:
    folder = into / "submission"
    with faults_are_ours(into):
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise InternalError(f"{into}: is not empty; a submission is staged into a folder of its own")
        folder.mkdir()
    return folder


def _seal(into: Path) -> None:
    with faults_are_ours(into):
        for file in (into / "submission").iterdir():
            file.chmod(0o444)
        (into / "submission").chmod(0o555)
        into.chmod(0o555)


def _digest(hashes: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(hashes):
        encoded = name.encode()
        whole.update(len(encoded).to_bytes(4, "big") + encoded + hashes[name])
    return whole.hexdigest()


@contextmanager
def _unwrapped(
    upload: Path, deliverables: Sequence[Deliverable], caps: Caps, scratch: Path
) -> Iterator[tuple[Source, tuple[Entry, ...], list[str]]]:
    """The innermost source: where the files lie in a zip, what lies in it, under newer files beside it."""
    notes: list[str] = []
    opened = 0
    source = open_upload(upload, caps)
    try:
        entries = source.entries()
        while (inner := _zip_of_all(entries, deliverables)) is not None:
            if opened == caps.wrappings:
                raise UploadError(f"{show(inner.parts)}: zips within zips within zips; upload one zip of the files")
            opened += 1
            notes += [*source.notes, f"opened '{show(inner.parts)}'"]
            source, newer = _opened(source, entries, inner, deliverables, caps, scratch)
            if newer:
                notes.append(f"in place of the files of that name in '{show(inner.parts)}': {', '.join(newer)}")
            entries = source.entries()
        yield source, entries, [*notes, *source.notes, *_unopened(entries)]
    finally:
        source.close()


def _opened(
    source: Source,
    entries: Sequence[Entry],
    inner: Entry,
    deliverables: Sequence[Deliverable],
    caps: Caps,
    scratch: Path,
) -> tuple[Source, list[str]]:
    """The zip `inner`, with the deliverables beside it in the places of its own; and their names."""
    zipped = open_nested(source, inner, caps, scratch)
    try:
        names = {wanted.name for wanted in deliverables}
        beside = [entry for entry in entries if entry.kind == "file" and entry.name in names]
        newer = {entry.name: entry for entry in sorted(beside, key=lambda entry: len(entry.parts), reverse=True)}
        places = choose(zipped.entries(), deliverables, caps).chosen
    except BaseException:
        zipped.close()
        raise
    if not newer:
        source.close()
        return zipped, []
    laid = {places[name].parts if name in places else entry.parts: entry for name, entry in newer.items()}
    return Overlaid(zipped, source, laid), sorted(newer)


def _zip_of_all(entries: Sequence[Entry], deliverables: Sequence[Deliverable]) -> Entry | None:
    """The one zip there is, unless what lies loose beside it is a set of deliverables itself."""
    files = [entry for entry in entries if entry.kind == "file" and not entry.name.startswith("._")]
    zips = [entry for entry in files if entry.name.lower().endswith(".zip")]
    return zips[0] if len(zips) == 1 and not is_set({entry.name for entry in files}, deliverables) else None


def _unopened(entries: Sequence[Entry]) -> list[str]:
    packed = [entry for entry in entries if entry.kind == "file" and entry.name.lower().endswith(_PACKED_ENDINGS)]
    return [f"not opened: '{show(entry.parts)}'; upload one zip, or the files themselves" for entry in packed[:3]]


@dataclass
class _Staging:
    """Copies what a plan names, and collects what came of it."""

    source: Source
    folder: Path
    caps: Caps
    hashes: dict[str, bytes] = field(default_factory=dict)  # sha256 of each file that was staged
    complaints: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    copied: int = 0

    def copy_all(self, plan: Plan, deliverables: Sequence[Deliverable]) -> None:
        self.complaints.update(plan.refusals)
        for wanted in deliverables:
            if wanted.name in plan.chosen:
                reason = self._copy(plan.chosen[wanted.name], getattr(self.caps, wanted.kind), _TOO_LARGE[wanted.kind])
                if wanted.kind == "code" and not reason:
                    reason = self._refuse_unreadable(wanted.name)
                if reason:
                    self.complaints[wanted.name] = f"{wanted.name}: {reason}"
        for entry in plan.extras:
            reason = self._copy(entry, self.caps.code, _TOO_LARGE["code"], named_by_upload=True)
            reason = reason or self._refuse_unreadable(entry.name)
            if reason:
                self.notes.append(f"left out '{show(entry.name)}': {reason}")

    def _refuse_unreadable(self, name: str) -> str | None:
        """Take a code file out again that Python cannot decode: the others are graded as far as they go without."""
        target = self.folder / name
        with faults_are_ours(target):
            reason = unreadable(target.read_bytes())
            if reason:
                target.unlink()
                del self.hashes[name]
        return reason

    def _copy(self, entry: Entry, cap: int, advice: str, *, named_by_upload: bool = False) -> str | None:
        """Copy and hash one file; None, or why it was left out."""
        make = _make_under_their_name if named_by_upload else _make
        try:
            with self.source.open(entry) as stream, _writing(self.folder / entry.name, make) as out:
                self.hashes[entry.name] = self._stream(stream, out, entry, cap, advice)
        except RefusedError as refusal:
            return str(refusal)
        return None

    def _stream(self, stream: IO[bytes], out: IO[bytes], entry: Entry, cap: int, advice: str) -> bytes:
        if entry.size > cap:
            raise RefusedError(f"is {megabytes(entry.size)}, more than the {megabytes(cap)} that are read; {advice}")
        hashed = hashlib.sha256()
        size = 0
        for chunk in chunks(stream, cap):
            size += len(chunk)
            self.copied += len(chunk)
            if self.copied > self.caps.total:
                raise RefusedError(f"is left out, because the upload is more than {megabytes(self.caps.total)} in all")
            hashed.update(chunk)
            with faults_are_ours(self.folder):
                out.write(chunk)
        if size != entry.size:
            raise RefusedError(f"was listed with {entry.size} bytes and has {size}; upload it again")
        return hashed.digest()


def _make(target: Path) -> IO[bytes]:
    with faults_are_ours(target):
        return target.open("xb")


def _make_under_their_name(target: Path) -> IO[bytes]:
    with faults_are_ours(target), names_are_theirs():
        return target.open("xb")


@contextmanager
def _writing(target: Path, make: Callable[[Path], IO[bytes]]) -> Iterator[IO[bytes]]:
    """The new file; gone again where what should go into it is refused."""
    out = make(target)
    try:
        yield out
    except RefusedError:
        with faults_are_ours(target):
            out.close()
            target.unlink()
        raise
    finally:
        with faults_are_ours(target):
            out.close()
