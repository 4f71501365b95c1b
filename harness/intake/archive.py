"""What lies in a zip, listed and streamed from its central directory alone; and uploads that are zips within zips.

Promises: no path of an entry is ever used on disk; neither listing nor reading takes memory in proportion to what the
zip claims about itself; a zip that no ordinary tool makes (overlapping entries, paths that lead outside)
is refused as a whole with one sentence, a damaged or encrypted entry alone.
"""

from __future__ import annotations

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import defaultdict
from itertools import dropwhile
from typing import IO, TYPE_CHECKING

from harness.intake.upload import (
    SKIPPED,
    WHAT_IT_IS,
    Caps,
    Entry,
    EntryKind,
    FolderSource,
    Parts,
    RefusedError,
    Source,
    UploadError,
    faults_are_ours,
    is_ours,
    is_skipped,
    kind_of,
    megabytes,
    show,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CHUNK_BYTES = 1 << 20
_DIRECTORY_LIST_BYTES = 4 << 20  # of a zip; 20,000 entries of ordinary names take half of it
_MOST_NOTES = 4
_LOCAL_HEADER_BYTES = 30  # in front of each entry's data, its name not counted
_READABLE_COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # zipfile cannot bound what others yield
# What zipfile raises because of what lies in a zip.
_READ_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, ValueError, EOFError, OSError, OverflowError, IndexError,
    KeyError, struct.error, zlib.error,
)  # fmt: skip


class ZipSource(Source):
    """A zip, read by its central directory. Entries are only ever streamed; their paths are never used on disk."""

    def __init__(self, stream: IO[bytes], label: str, caps: Caps) -> None:
        """Read the list of files. UploadError if this is no zip, or one that no ordinary tool makes."""
        self.label = label
        self._caps = caps
        self._stream = stream
        self._infos: dict[Parts, zipfile.ZipInfo] = {}
        self._folders: set[Parts] = set()
        self.notes = []
        try:
            self._zip = zipfile.ZipFile(_Bounded(stream, label))
        except _READ_ERRORS as problem:
            raise UploadError(
                f"{label}: is not a zip that can be read ({_reason(problem)}); zip the files again"
            ) from problem
        infos = self._zip.infolist()
        self._refuse_overlaps(infos)
        for info in infos:
            self._add(info)

    def _add(self, info: zipfile.ZipInfo) -> None:
        parts = self._parts(info)
        if not parts or len(parts) > self._caps.depth or not SKIPPED.isdisjoint(parts[:-1]):
            return
        if info.orig_filename.endswith(("/", "\\")):
            self._folders.add(parts)
        else:
            if parts in self._infos:  # zip tools append what was corrected, and unpack the last of a name
                self._note(f"holds '{show(parts)}' twice; the last one counts")
            self._infos[parts] = info
        self._folders.update(parts[:length] for length in range(1, len(parts)))
        if len(self._infos) + len(self._folders) > 2 * self._caps.entries:  # some may still turn out to be skipped
            raise self.too_many(self._caps)

    def _parts(self, info: zipfile.ZipInfo) -> Parts:
        """The path's components; old Windows tools write backslashes. UploadError if it points outside.

        A colon is a character like any other outside of Windows: macOS writes it for the slash in a folder's name.
        """
        name = info.orig_filename.replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in {"", "."})
        inside = tuple(dropwhile(lambda part: part == "..", parts))  # as `zip -r x.zip ../work` writes them
        if name.startswith("/") or ".." in inside or "\0" in name or re.match("[A-Za-z]:/", name):
            raise UploadError(f"{self.label}: holds '{show(name)}', a path that leaves the zip; zip the files again")
        if inside and inside != parts:
            self._note(f"'..' in front of '{show(inside[0])}' is left away")
        return inside

    def _note(self, said: str) -> None:
        note = f"{self.label}: {said}"
        if note not in self.notes and len(self.notes) < _MOST_NOTES:
            self.notes.append(note)

    def _refuse_overlaps(self, infos: list[zipfile.ZipInfo]) -> None:
        """A zip whose entries share bytes expands without limit, and no ordinary tool makes one."""
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise UploadError(
                    f"{self.label}: its files overlap at '{show(info.orig_filename)}'; zip the files again"
                )
            end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size

    def entries(self) -> tuple[Entry, ...]:
        """See Source."""
        beside: defaultdict[Parts, set[str]] = defaultdict(set)
        for parts in (*self._infos, *self._folders):
            beside[parts[:-1]].add(parts[-1])
        skipped = {parts for parts in self._folders if is_skipped(parts[-1], beside[parts[:-1]])}
        found = [Entry(parts, "folder") for parts in self._folders if parts not in self._infos]
        found += [Entry(parts, _kind_in_zip(info), info.file_size) for parts, info in self._infos.items()]
        kept = [
            entry for entry in found if not any(entry.parts[:depth] in skipped for depth in range(1, len(entry.parts)))
        ]
        if len(kept) > self._caps.entries:
            raise self.too_many(self._caps)
        return tuple(sorted(kept, key=lambda entry: entry.parts))

    def open(self, entry: Entry) -> IO[bytes]:
        """See Source."""
        if entry.kind != "file":
            raise RefusedError(WHAT_IT_IS[entry.kind])
        info = self._infos[entry.parts]
        if info.flag_bits & 0x1:
            raise RefusedError("is encrypted; zip the files without a password")
        if info.compress_type not in _READABLE_COMPRESSIONS:
            raise RefusedError("is compressed in a way that is not read here; zip the files with your system's tool")
        try:
            return self._zip.open(info)
        except _READ_ERRORS as problem:
            raise RefusedError(f"is damaged in the zip ({_reason(problem)}); zip the files again") from problem

    def close(self) -> None:
        """See Source."""
        self._zip.close()
        self._stream.close()


class Overlaid(Source):
    """What lies in a zip, with newer files that lie beside the zip in the places of the zip's own."""

    def __init__(self, zipped: Source, outer: Source, newer: Mapping[Parts, Entry]) -> None:
        """`newer`: place in the zip -> the file of `outer` that belongs there. Closes both."""
        self.label = outer.label
        self.notes = zipped.notes
        self._zipped, self._outer, self._newer = zipped, outer, newer

    def entries(self) -> tuple[Entry, ...]:
        """See Source."""
        kept = [entry for entry in self._zipped.entries() if entry.parts not in self._newer]
        laid = [Entry(parts, entry.kind, entry.size) for parts, entry in self._newer.items()]
        return tuple(sorted([*kept, *laid], key=lambda entry: entry.parts))

    def open(self, entry: Entry) -> IO[bytes]:
        """See Source."""
        newer = self._newer.get(entry.parts)
        return self._outer.open(newer) if newer is not None else self._zipped.open(entry)

    def close(self) -> None:
        """See Source."""
        self._zipped.close()
        self._outer.close()


class _Bounded:
    """A seekable stream that refuses to hand out more than the longest list of files at once.

    ZipFile reads the whole central directory in one go, of a length that the file itself claims. And it takes every
    OSError for damage of the zip: a failing disk's must not reach it as one.
    """

    def __init__(self, stream: IO[bytes], label: str) -> None:
        self._stream = stream
        self._label = label
        self.seek = stream.seek
        self.tell = stream.tell
        self.close = stream.close

    def seekable(self) -> bool:
        return True

    def read(self, length: int = -1) -> bytes:
        bounded = length if 0 <= length <= _DIRECTORY_LIST_BYTES else _DIRECTORY_LIST_BYTES + 1
        try:
            data = self._stream.read(bounded)
        except OSError as problem:
            if is_ours(problem):
                raise unreadable(self._label, problem) from problem
            raise
        if len(data) > _DIRECTORY_LIST_BYTES:
            raise zipfile.BadZipFile("its list of files is too long")
        return data


def _kind_in_zip(info: zipfile.ZipInfo) -> EntryKind:
    mode = info.external_attr >> 16
    return kind_of(mode) if stat.S_IFMT(mode) else "file"  # tools outside Unix leave the type empty


def _reason(problem: BaseException) -> str:
    return show(str(problem).rstrip(".") or type(problem).__name__)


def open_upload(upload: Path, caps: Caps) -> Source:
    """The folder or zip at `upload`. UploadError if it is neither, or cannot be read."""
    label = show(upload.name)
    try:
        if upload.is_dir():
            return FolderSource(upload, caps)
        stream = upload.open("rb") if upload.is_file() else None
    except OSError as problem:
        raise unreadable(label, problem) from problem
    if stream is None:
        raise UploadError(f"{label}: there is no such folder or zip; give one that holds the deliverables")
    return _zip_or_close(stream, label, caps)


def open_nested(source: Source, entry: Entry, caps: Caps, scratch: Path) -> ZipSource:
    """The zip at `entry` of `source`, by way of a nameless copy in `scratch`. UploadError if it cannot be read."""
    label = show(entry.parts)
    with faults_are_ours(scratch):
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 (the source that is returned closes it)
    try:
        with source.open(entry) as stream, faults_are_ours(scratch):
            for chunk in chunks(stream, caps.total):
                copy.write(chunk)
    except RefusedError as refusal:
        copy.close()
        raise UploadError(f"{label}: {refusal}") from refusal
    except BaseException:
        copy.close()
        raise
    return _zip_or_close(copy, label, caps)


def chunks(stream: IO[bytes], cap: int) -> Iterator[bytes]:
    """The bytes of a stream from `Source.open`, in pieces; RefusedError once they are damaged or more than `cap`."""
    size = 0
    while True:
        try:
            chunk = stream.read(CHUNK_BYTES)
        except _READ_ERRORS as problem:
            if isinstance(problem, OSError) and is_ours(problem):
                raise unreadable("the upload", problem) from problem
            raise RefusedError(f"is damaged ({_reason(problem)}); upload it again") from problem
        if not chunk:
            return
        size += len(chunk)
        if size > cap:
            raise RefusedError(f"is more than the {megabytes(cap)} that are read; upload the deliverables only")
        yield chunk


def _zip_or_close(stream: IO[bytes], label: str, caps: Caps) -> ZipSource:
    try:
        return ZipSource(stream, label, caps)
    except BaseException:
        stream.close()
        raise
