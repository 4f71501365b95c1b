"""Everything that can be read in a finished artefact: files, zips in zips, entry names, comments, hidden text.

Promises: pure; every file comes as it is. On top of that, text is dug out of zips and other packed files, base64 and
hex runs, pictures, PDFs (pages, streams, particulars, attachments), HTML and notebooks, and out of bytes between zeros,
as pictures keep remarks. What says that it is packed and cannot be read comes as a piece that is `UNREADABLE`: nobody
knows what it holds. Not promised: words that are drawn or photographed.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import html
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

_DEPTH = 8
_LARGEST = 256 << 20  # bytes out of one packed stream; ours are far below
_BASE64_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{40,}\s{1,2})*[A-Za-z0-9+/_-]{40,}={0,2}")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{2}){24,}")
#: What packed files begin with, and how they are opened, whatever their name says.
_PACKED: dict[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)).read(_LARGEST)),
    b"BZh": ("bzip2", lambda data: bz2.BZ2File(io.BytesIO(data)).read(_LARGEST)),
    b"\xfd7zXZ\0": ("xz", lambda data: lzma.LZMAFile(io.BytesIO(data)).read(_LARGEST)),  # noqa: SIM115 (memory only)
}
#: What was done to the bytes of a piece that has none.
UNREADABLE = "cannot be read"
_ALL_THEY_RAISE = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, RecursionError, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile, binascii.Error,
)  # fmt: skip
_PDF_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_UNTAGGED = frozenset({".html", ".htm", ".svg", ".xml"})


@dataclass(frozen=True)
class Piece:
    """Some bytes of an artefact.

    `place` is for messages (`student.zip!/src/run.py`), `path` is the file's path in its artefact, `made_of` says what
    was done to its bytes (empty for a file as it is).
    """

    place: str
    path: str
    data: bytes
    made_of: str = ""

    @property
    def suffix(self) -> str:
        """The file's suffix, such as `.py`."""
        return PurePosixPath(self.path).suffix.lower()

    def text(self) -> str:
        """The bytes as text, whatever they are."""
        if self.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.data.decode("utf-16", errors="replace")
        return self.data.decode("utf-8", errors="replace")


def pieces(place: str, path: str, data: bytes, depth: int = 0) -> Iterator[Piece]:
    """A file, and everything that can be dug out of it."""
    yield Piece(place, path, data)
    if zipfile.is_zipfile(io.BytesIO(data)):
        yield from _opened(place, path, depth, partial(_zip, place, data, depth))
        return
    for how, inner in _texts(path, data):
        yield Piece(place, path, inner, how)
    for how, unpack in _packed(data):
        yield from _opened(f"{place}!{how}", path, depth, partial(_inside, place, path, how, unpack, depth))
    if depth < _DEPTH:
        for how, inner in _runs(data):
            yield from _inside(place, path, how, partial(iter, [inner]), depth)


def _opened(place: str, path: str, depth: int, unpack: Callable[[], Iterator[Piece]]) -> Iterator[Piece]:
    """What `unpack` yields, and `UNREADABLE` where it fails or lies too deep."""
    try:
        if depth >= _DEPTH:
            raise ValueError("too many layers")
        yield from unpack()
    except _ALL_THEY_RAISE:
        yield Piece(place, path, b"", UNREADABLE)


def _inside(place: str, path: str, how: str, unpack: Callable[[], Iterable[bytes]], depth: int) -> Iterator[Piece]:
    """The pieces of each file that `unpack` returns, marked with how they were packed."""
    for inner in unpack():
        for piece in pieces(f"{place}!{how}", path, inner, depth + 1):
            yield Piece(piece.place, path, piece.data, piece.made_of or how)


def _zip(place: str, data: bytes, depth: int) -> Iterator[Piece]:
    """A zip's entries; its names and comments come as a piece of their own."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        said = [archive.comment.decode(errors="replace")]
        for entry in archive.infolist():
            said += [entry.filename, entry.comment.decode(errors="replace"), entry.extra.decode(errors="replace")]
            if not entry.is_dir():
                inner = f"{place}!/{entry.filename}"
                yield from _opened(inner, entry.filename, depth, partial(_entry, inner, archive, entry, depth))
        yield Piece(place, "", "\n".join(said).encode(), "names and comments")


def _entry(place: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, depth: int) -> Iterator[Piece]:
    if entry.file_size > _LARGEST:
        raise ValueError("too large")
    yield from pieces(place, entry.filename, archive.read(entry), depth + 1)


def _packed(data: bytes) -> Iterator[tuple[str, Callable[[], Iterable[bytes]]]]:
    """What the bytes of one file are packed with, and how to get at what is in them."""
    for magic, (how, opened) in _PACKED.items():
        if data.startswith(magic):
            yield how, partial(map, opened, [data])
    if data.startswith(b"%PDF"):
        yield "PDF", partial(_pdf, data)


def _texts(path: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Other readings of the bytes of one file, with what was done to them."""
    suffix = PurePosixPath(path).suffix.lower()
    if data.startswith(b"\x89PNG"):
        yield "image text", b"\n".join(_png_texts(data))
    if data.startswith(b"%PDF"):
        yield "page streams", b"\n".join(_pdf_streams(data))
    if b"\0" in data:
        yield "without zero bytes", data.replace(b"\0", b"")
    if suffix in _UNTAGGED:
        yield "text between tags", html.unescape(_TAG.sub(_blank, data.decode(errors="replace"))).encode()
    if suffix == ".ipynb":
        with suppress(ValueError, RecursionError):
            yield "cells", _cells(data)


def _runs(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is written out in the bytes of one file, with how it was written."""
    for run in _BASE64_RUN.findall(data):
        with suppress(ValueError):
            yield "base64", _from_base64(run)
    for run in _HEX_RUN.findall(data):
        yield "hex", bytes.fromhex(run.decode())


def _pdf(data: bytes) -> Iterator[bytes]:
    """What a PDF's pages say, in the characters that its fonts stand for; its particulars; its attachments."""
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        yield "\n".join(page.extract_text() for page in reader.pages).encode(errors="replace")
        yield "\n".join(str(told) for told in (reader.metadata or {}).values()).encode(errors="replace")
        for attached in reader.attachments.values():
            yield from attached
    except (PyPdfError, KeyError, TypeError, AttributeError, IndexError) as problem:  # it is no model of tidiness
        raise ValueError("not a PDF that can be read") from problem


def _cells(data: bytes) -> bytes:
    """All strings of a notebook, one after the other."""
    return "\n".join(_strings(json.loads(data))).encode()


def _from_base64(run: bytes) -> bytes:
    plain = b"".join(run.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + b"=" * (-len(plain) % 4))


def _png_texts(data: bytes) -> Iterator[bytes]:
    """The text chunks of a PNG, inflated where they are packed."""
    at = 8
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        if kind in (b"tEXt", b"iTXt", b"zTXt"):
            yield body
            for start in (place.end() for place in re.finditer(rb"\0", body)):  # the fields differ by kind
                yield from _inflated(body[start:])
        at += size + 12


def _pdf_streams(data: bytes) -> Iterator[bytes]:
    for match in _PDF_STREAM.finditer(data):
        yield from _inflated(match[1])


def _inflated(data: bytes) -> Iterator[bytes]:
    try:
        yield zlib.decompressobj().decompress(data, _LARGEST)
    except zlib.error:
        return


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        # A cell's source is a list of lines: joined, so that what runs over several lines is seen.
        yield "".join(each for each in value if isinstance(each, str))
        yield from (text for each in value if not isinstance(each, str) for text in _strings(each))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)


def _blank(match: re.Match[str]) -> str:
    """White space of a tag's size, with its line ends, so that lines keep their numbers; inline tags join words."""
    return "\n" * match[0].count("\n")
