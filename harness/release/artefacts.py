"""Everything that can be read in a finished artefact: files, zips in zips, entry names, comments, hidden text.

Promises: pure; every file comes as it is. On top of that, text is dug out of zips, gzip, base64 runs, PNG text chunks,
PDF streams, HTML and notebooks. Text that a PDF draws with subset fonts cannot be read this way: its HTML twin is what
is searched.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

_DEPTH = 8
_LARGEST = 256 << 20  # bytes out of one packed stream; ours are far below
_BASE64_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{40,}\s{1,2})*[A-Za-z0-9+/_-]{40,}={0,2}")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{2}){24,}")
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
    if depth >= _DEPTH:
        return
    if zipfile.is_zipfile(io.BytesIO(data)):
        with suppress(zipfile.BadZipFile):  # such as one that is cut off: nobody can unpack it
            yield from _zip(place, data, depth)
        return
    for how, inner in _unpacked(path, data):
        if how in ("base64", "gzip", "hex"):
            for piece in pieces(f"{place}!{how}", path, inner, depth + 1):
                yield Piece(piece.place, path, piece.data, piece.made_of or how)
        else:
            yield Piece(place, path, inner, how)


def _zip(place: str, data: bytes, depth: int) -> Iterator[Piece]:
    """A zip's entries; its names and comments come as pieces of their own. Unreadable entries are no more than that."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        said = [archive.comment.decode(errors="replace")]
        for entry in archive.infolist():
            said += [entry.filename, entry.comment.decode(errors="replace"), entry.extra.decode(errors="replace")]
            if not entry.is_dir() and entry.file_size <= _LARGEST:
                inner = f"{place}!/{entry.filename}"
                for _, content in _guarded("", partial(archive.read, entry)):
                    yield from pieces(inner, entry.filename, content, depth + 1)
        yield Piece(place, "", "\n".join(said).encode(), "names and comments")


def _unpacked(path: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is packed in the bytes of one file, with how it was packed."""
    suffix = PurePosixPath(path).suffix.lower()
    if data.startswith(b"\x1f\x8b"):
        yield from _guarded("gzip", partial(gzip.GzipFile(fileobj=io.BytesIO(data)).read, _LARGEST))
    if data.startswith(b"\x89PNG"):
        yield "image text", b"\n".join(_png_texts(data))
    if data.startswith(b"%PDF"):
        yield "page streams", b"\n".join(_pdf_streams(data))
    if suffix in _UNTAGGED:
        yield "text between tags", html.unescape(_TAG.sub(_blank, data.decode(errors="replace"))).encode()
    if suffix == ".ipynb":
        yield from _guarded("cells", partial(_cells, data))
    for run in _BASE64_RUN.findall(data):
        yield from _guarded("base64", partial(_from_base64, run))
    for run in _HEX_RUN.findall(data):
        yield from _guarded("hex", partial(bytes.fromhex, run.decode()))


def _guarded(how: str, unpack: Callable[[], bytes]) -> Iterator[tuple[str, bytes]]:
    """What `unpack` returns; nothing when the bytes are not packed that way after all."""
    try:
        yield how, unpack()
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile, binascii.Error):
        return


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
            yield from _inflated(body.partition(b"\0")[2][1:])
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
