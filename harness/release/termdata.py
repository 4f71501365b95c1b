"""The data of one release: the files that assignment.toml names, generated from the term's key or dropped in by staff.

Promises: what comes out of here is complete, well-formed and consistent, as far as the problems can tell. Generated
data is kept in `build/`, a folder for each key and preset; the demo data, which every other command uses, in
`build/dataset`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.assignment import Assignment, ProblemEntry
from harness.errors import SettingsError, UsageError
from harness.intake.zips import digest
from harness.problem import problem_of
from harness.release.keys import DEMO_KEY, fingerprint, master_secret, read_key

DEMO_PRESET = "laptop"

_SECRET_LABEL = b"holdout: secret behind the seeds of hidden graded tests"


@dataclass(frozen=True)
class TermData:
    """The data files; `key` is the term's, None where staff brought data and no key."""

    folder: Path
    files: Mapping[str, bytes]
    key: bytes | None
    preset: str
    staff_only: frozenset[str]
    """Names of the files that students never get."""
    tells_answers: frozenset[str]
    """Names of the files that state answers on purpose."""

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
        """All but what staff keep to themselves."""
        return {name: data for name, data in self.files.items() if name not in self.staff_only}

    @property
    def answers(self) -> tuple[bytes, ...]:
        """What no student may learn."""
        return tuple(data for name, data in self.files.items() if name in self.staff_only)

    @property
    def told(self) -> frozenset[bytes]:
        """What states answers on purpose."""
        return frozenset(data for name, data in self.files.items() if name in self.tells_answers)


def dropped_in(folder: Path, key_file: Path | None, preset: str, assignment: Assignment) -> TermData:
    """Staff's own dataset. UsageError, with file and line, when it is no complete and consistent one.

    A key file only lets the leak check look for the key.
    """
    check_folder(folder, assignment)
    key = read_key(key_file) if key_file else None
    files = {name: (folder / name).read_bytes() for name in assignment.data_names()}
    return _term_data(folder, files, key, preset, assignment)


def check_folder(folder: Path, assignment: Assignment) -> None:
    """UsageError, with file and line, unless the folder holds a complete and consistent dataset."""
    names = assignment.data_names()
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; --data takes a folder with {', '.join(names)}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"{folder}: not a complete dataset, it lacks {', '.join(missing)}")
    for entry in assignment.problems:
        check = problem_of(entry).check_data
        if check is not None:
            check(folder)


def generated(root: Path, key_file: Path | None, preset: str, assignment: Assignment, *, keep: bool = True) -> TermData:
    """The dataset of a key, the public demo key's where no file is given; `keep` it in build/, for training."""
    key = read_key(key_file) if key_file else DEMO_KEY
    files = generate(assignment, preset, key)
    folder = root / "build" / _folder_name(key, preset)
    data = _term_data(folder, files, key, preset, assignment)
    if keep:
        keep_generated(data)
    return data


def keep_generated(data: TermData) -> None:
    """Write generated data into its folder, unless it lies there."""
    if _read(data.folder, data.files) != data.files:
        write(data.files, data.folder)


def generate(assignment: Assignment, preset: str, key: bytes, corpus: Path | None = None) -> Mapping[str, bytes]:
    """The data files of all problems, by name; of those that can, made out of a `corpus` where one is given.

    UsageError where there is no such preset, or where no problem that is on makes its data out of a corpus.
    """
    assignment.check_preset(preset)
    secret = master_secret(key)
    files: dict[str, bytes] = {}
    problems = [(entry, problem_of(entry)) for entry in assignment.problems]
    if corpus is not None and not any(problem.convert for _, problem in problems):
        raise UsageError(f"{corpus}: no problem that is on in {assignment.path} makes its data out of a corpus")
    for entry, problem in problems:
        if problem.convert is not None and corpus is not None:
            files.update(problem.convert(corpus, entry.presets[preset], secret))
        elif problem.generate is not None:
            try:
                made = problem.generate(entry.presets[preset], secret)
            except UsageError as complaint:
                place = assignment.place("problems", entry.name, "presets", preset)
                raise SettingsError(f"{place}: presets.{preset}: {complaint}") from complaint
            _check_names(assignment, entry, made)
            files.update(made)
    return files


def _check_names(assignment: Assignment, entry: ProblemEntry, made: Mapping[str, bytes]) -> None:
    """SettingsError, with its line, for a data file that the generator does not make, or that nothing says who gets."""
    named = [each.name for each in entry.data]
    unnamed = [name for name in made if name not in named]
    for number, name in enumerate(named):
        if name not in made:
            place = assignment.place("problems", entry.name, "data", number)
            raise SettingsError(f"{place}: data '{name}': no such file is made; files are {', '.join(made)}")
    if unnamed:
        place = assignment.place("problems", entry.name, "data")
        raise SettingsError(f"{place}: data: nothing says who gets {' and '.join(unnamed)}, which the generator makes")


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Write data files into the folder `out`, which is made where it is missing.

    A new folder appears complete or not at all. In a folder that exists, each file is replaced whole once all are
    written beside it; other files there stay.

    Raises:
        UsageError: `out` is a file, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file, but the dataset needs a folder; choose another --out")
    try:
        _write_all(files, out)
    except OSError as problem:
        raise UsageError(f"{out}: cannot write there ({problem.strerror}); choose another --out") from problem


def _write_all(contents: Mapping[str, bytes], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    place = out if out.is_dir() else out.parent
    unfinished = (
        place / f".{out.name or 'dataset'}.{secrets.token_hex(8)}"
    )  # the same disk as `out`: renaming is atomic
    unfinished.mkdir()
    try:
        for name, content in contents.items():
            (unfinished / name).write_bytes(content)
        if out.is_dir():
            for name in contents:
                os.replace(unfinished / name, out / name)  # noqa: PTH105 (Path.replace is this call, less plainly named)
        else:
            unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _term_data(
    folder: Path, files: Mapping[str, bytes], key: bytes | None, preset: str, assignment: Assignment
) -> TermData:
    staff_only = frozenset(each.name for each in assignment.data if each.audience == "staff")
    told = frozenset(each.name for each in assignment.data if each.tells_answers)
    return TermData(folder, files, key, preset, staff_only, told)


def _folder_name(key: bytes, preset: str) -> str:
    if key == DEMO_KEY and preset == DEMO_PRESET:
        return "dataset"
    return f"dataset-{preset}-{fingerprint(key)}"


def _read(folder: Path, files: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
    try:
        return {name: (folder / name).read_bytes() for name in files}
    except OSError:
        return None
