"""The five files of a dataset, in the formats of the assignment's original data, and their way to disk."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.problems.birthplaces.dataset.generate import QUESTION, Dataset
from harness.problems.birthplaces.dataset.people import Person

NAMES = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv", "birth_test_inputs.tsv", "birth_test.tsv")


def render(dataset: Dataset) -> Mapping[str, bytes]:
    """The content of each file: UTF-8, lines end with a line feed, but the last line of wiki.txt does not."""
    texts = {
        "wiki.txt": "\n".join(dataset.documents),
        "birth_places_train.tsv": _answered(dataset.train),
        "birth_dev.tsv": _answered(dataset.dev),
        "birth_test_inputs.tsv": "".join(f"{_question(person)}\n" for person in dataset.test),
        "birth_test.tsv": _answered(dataset.test),
    }
    return {name: texts[name].encode() for name in NAMES}


def write(dataset: Dataset, out: Path) -> None:
    """Write the five files into the folder `out`, which is made where it is missing.

    A new folder appears complete or not at all. In a folder that exists, each file is replaced whole once all five are
    written beside it; other files there stay.

    Raises:
        UsageError: `out` is a file, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file, but the dataset needs a folder; choose another --out")
    try:
        _write_all(render(dataset), out)
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


def _answered(people: Iterable[Person]) -> str:
    return "".join(f"{_question(person)}\t{person.place.name}\n" for person in people)


def _question(person: Person) -> str:
    return QUESTION.format(name=person.name)
