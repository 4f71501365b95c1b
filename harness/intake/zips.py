"""Reproducible zips: the same files give the same bytes, on every machine and with every Python.

Promises: pure. Entries are sorted, have one time and one of three modes, and are stored without compression, since two
versions of zlib may write different bytes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection, Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(files: Mapping[str, bytes], private: Collection[str] = ()) -> bytes:
    """The files, by their paths in the zip, as a zip's bytes; nobody but their owner may read those in `private`."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix, on whatever system it is made
            entry.external_attr = (0o100000 | (0o600 if path in private else mode_of(data))) << 16
            archive.writestr(entry, data)
    return into.getvalue()


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and bytes of files, in hexadecimal; their order does not matter."""
    total = hashlib.sha256()
    for name, data in sorted(files.items()):
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def mode_of(data: bytes) -> int:
    """The mode of a file that we hand out: executable if it says by what it is run."""
    return 0o755 if data.startswith(b"#!") else 0o644
