"""The data of one release: five files, generated from the term's key or dropped in by staff.

Promises: what comes out of here is complete, well-formed and consistent. Generated data is kept in `build/`, a folder
for each key and preset; the demo dataset, which every other command uses, in `build/dataset`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.assignment import load
from harness.errors import UsageError
from harness.problems.birthplaces.dataset import DEMO_KEY, NAMES, fingerprint, generate, read_key, render, write
from harness.problems.birthplaces.predictions import load_data_files

#: The one file that students never get.
GOLD = "birth_test.tsv"

DEMO_PRESET = "laptop"

_SECRET_LABEL = b"holdout: secret behind the seeds of hidden graded tests"


@dataclass(frozen=True)
class TermData:
    """The five files; `key` is the term's, None where staff brought data and no key."""

    folder: Path
    files: Mapping[str, bytes]
    key: bytes | None
    preset: str

    @property
    def digest(self) -> str:
        """SHA-256 over names and bytes, in hexadecimal."""
        return digest(self.files)

    @property
    def is_demo(self) -> bool:
        """Whether everyone can make these answers again."""
        return self.key == DEMO_KEY

    @property
    def key_fingerprint(self) -> str | None:
        """12 digits that tell keys apart and give none away."""
        return None if self.key is None else fingerprint(self.key)

    @property
    def secret(self) -> bytes:
        """What the seeds of hidden graded tests are made from, in hexadecimal: of this term alone, a hotfix keeps it.

        Without a key it is made from the answers, which no student has.
        """
        source = self.key if self.key is not None else self.digest.encode()
        return hmac.new(source, _SECRET_LABEL, hashlib.sha256).hexdigest().encode()

    @property
    def for_students(self) -> Mapping[str, bytes]:
        """All but the test answers."""
        return {name: data for name, data in self.files.items() if name != GOLD}


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and bytes of files, in hexadecimal; their order does not matter."""
    total = hashlib.sha256()
    for name, data in sorted(files.items()):
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def dropped_in(folder: Path, key_file: Path | None, preset: str) -> TermData:
    """Staff's own dataset. UsageError, with file and line, when it is no complete and consistent one.

    A key file only lets the leak check look for the key.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; --data takes a folder with {', '.join(NAMES)}")
    missing = [name for name in NAMES if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder}: not a complete dataset, it lacks {', '.join(missing)}")
    known = load_data_files(folder)
    taught = {question.text for question in (*known.train, *known.dev)}
    both = [question.text for question in known.test if question.text in taught]
    if len(both) == len(known.test):
        raise UsageError(f"{folder / GOLD}: every test question stands in train or dev, too; hold people out")
    key = read_key(key_file) if key_file else None
    return TermData(folder, {name: (folder / name).read_bytes() for name in NAMES}, key, preset)


def generated(root: Path, key_file: Path | None, preset: str, *, keep: bool = True) -> TermData:
    """The dataset of a key, the public demo key's where no file is given; `keep` it in build/, for training."""
    key = read_key(key_file) if key_file else DEMO_KEY
    dataset = generate(load(root / "assignment.toml").preset(preset).dataset, key)
    files = render(dataset)
    folder = root / "build" / _folder_name(key, preset)
    if keep and _read(folder) != files:
        write(dataset, folder)
    return TermData(folder, files, key, preset)


def _folder_name(key: bytes, preset: str) -> str:
    if key == DEMO_KEY and preset == DEMO_PRESET:
        return "dataset"
    return f"dataset-{preset}-{fingerprint(key)}"


def _read(folder: Path) -> Mapping[str, bytes] | None:
    try:
        return {name: (folder / name).read_bytes() for name in NAMES}
    except OSError:
        return None
