"""A release that is out already, read from its manifest: what a hotfix must leave as it is.

Promises: reads one file and changes nothing. A hotfix keeps the term's data, key and, unless staff say otherwise, every
byte that students have: `data_refusal` and `changes` tell what it would change of that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.release.package import TERMS, Stamp
from harness.release.termdata import TermData

MANIFEST = "manifest.json"
_DATA = "data/"


@dataclass(frozen=True)
class PreviousRelease:
    """What the manifest of an earlier release tells. `files`: the SHA-256 of each file in each zip."""

    path: Path
    stamp: Stamp
    students: Stamp  # of the students' artefacts: older than `stamp` if that release was a hotfix, too
    preset: str
    artefacts: Mapping[str, str]  # SHA-256 by path in dist/
    files: Mapping[str, Mapping[str, str]]
    demo_key: bool
    terms: Mapping[str, Any]
    """Dates, thresholds and the like, as `package.terms_of` gives them; empty for a release of an older version."""

    def data_refusal(self, data: TermData) -> str | None:
        """Why a release with `data` is no hotfix of this one, if so."""
        if data.key_fingerprint != self.stamp.key:
            given, previous = (fingerprint or "none" for fingerprint in (data.key_fingerprint, self.stamp.key))
            return f"{self.path} was made with the key {previous}, this release with {given}; give the same --key-file"
        if data.digest == self.stamp.data:
            return None
        theirs = self.files["autograder.zip"]
        changed = [name for name, each in sorted(data.files.items()) if theirs.get(f"{_DATA}{name}") != _sha256(each)]
        return f"{self.path} has other data ({', '.join(changed)} changed); that is a new release, not a hotfix"

    def changes(self, name: str, artefact: bytes, entries: Mapping[str, bytes]) -> Iterator[str]:
        """What is different in an artefact, file by file where it is a zip."""
        if self.artefacts.get(name) == _sha256(artefact):
            return
        before, now = self.files.get(name, {}), {path: _sha256(data) for path, data in entries.items()}
        if not before or not now:
            yield f"{name}: {'changed' if name in self.artefacts else 'new'}"
        for path, how in differing(before, now):
            yield f"{name}!/{path}: {how}"


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The paths whose digests differ, in order, each with how: new, gone or changed."""
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path):
            yield path, "new" if path not in before else "gone" if path not in now else "changed"


def load(path: Path) -> PreviousRelease:
    """The release whose manifest is `path`, or lies in the folder `path`; UsageError if it is none."""
    path = path / MANIFEST if path.is_dir() else path
    try:
        return _previous(path, json.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        said = f"{path}: cannot be read ({problem.strerror}); give the dist/ folder of a release, or its {MANIFEST}"
        raise UsageError(said) from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{path}: is no manifest of a release ({type(problem).__name__}: {problem})") from problem


def _previous(path: Path, raw: Mapping[str, Any]) -> PreviousRelease:
    artefacts = raw["artefacts"]
    return PreviousRelease(
        path=path,
        stamp=Stamp.of(raw),
        students=Stamp.of(raw["students"]),
        preset=raw["preset"],
        artefacts={name: each["sha256"] for name, each in artefacts.items()},
        files={
            name: {inner: told["sha256"] for inner, told in each["files"].items()}
            for name, each in artefacts.items()
            if "files" in each
        },
        demo_key=bool(raw["demo_key"]),
        terms={name: raw[name] for name in TERMS if name in raw},
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
