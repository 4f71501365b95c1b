"""A dataset out of a parallel corpus that exists: a tab-separated file, or the two line-aligned files of WMT and OPUS.

Promises: the six files that come out are of the same formats and sizes as generated ones, and the term's key decides
what test holds. Sentences are put into lower case and split into words; those that are longer than the preset allows,
or that come a second time, are left out. Says nothing of a corpus's licence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.predictions import lines_of
from harness.problems.translation.dataset.generate import Dataset, checked, finished
from harness.problems.translation.dataset.heldout import Told
from harness.problems.translation.sentences import Pair
from harness.stream import KeyedStream

_LAYOUTS = "a tab-separated file (French, tab, English), or a folder with two files of equally many lines, .fr and .en"
_LEAST_MONOLINGUAL = 200
#: How archives begin, as corpora are downloaded: gzip, zip, bzip2, xz.
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc\u2032", "'"))
#: Words that have an apostrophe or a hyphen inside, words, and every other sign by itself.
_FRENCH = re.compile(r"aujourd'hui|\w+'(?=\w)|\w+(?:-\w+)*|[^\w\s]")
_ENGLISH = re.compile(r"'s\b|\w+(?:'(?!s\b)\w+)?(?:-\w+)*|[^\w\s]")


def convert(place: Path, preset: Mapping[str, int | float | str], secret: bytes) -> Dataset:
    """The dataset of a corpus: same corpus, preset and secret, same dataset.

    Raises:
        UsageError: with file and line where the corpus is malformed, or with how many sentences it lacks.
    """
    numbers = checked(preset)
    pairs = list(_usable(corpus_at(place), numbers.longest))
    KeyedStream(secret, "translation/corpus").shuffle(pairs)
    test, rest = pairs[: numbers.test], pairs[numbers.test :]
    told = Told(rest)
    telling = {at for pair in test for at in told.telling(pair)}
    rest = [pair for at, pair in enumerate(rest) if at not in telling]
    least = numbers.dev + numbers.train + _LEAST_MONOLINGUAL
    if len(rest) < least:
        held = numbers.test + numbers.dev + numbers.train
        needed = f"this preset needs {held}, and {_LEAST_MONOLINGUAL} for its monolingual text: choose a smaller one"
        usable = f"{len(test) + len(rest)} pairs of at most {numbers.longest} words a side, each side new"
        raise UsageError(f"{place}: holds {usable}, but {needed}")
    dev, train = rest[: numbers.dev], rest[numbers.dev : numbers.dev + numbers.train]
    others = rest[numbers.dev + numbers.train :][: numbers.monolingual]
    return finished(tuple(train), tuple(dev), tuple(test), others, numbers, secret)


# --- layouts ----------------------------------------------------------------------------------------------------------


def corpus_at(place: Path) -> Iterator[tuple[str, str]]:
    """French and English of each line, as they stand there. UsageError for a place that holds neither layout."""
    if place.is_dir():
        return _aligned(*_the_two_in(place))
    if place.is_file() and place.suffix not in (".fr", ".en"):
        return _tab_separated(place)
    stem = place.with_suffix("") if place.suffix in (".fr", ".en") else place
    two = stem.with_name(f"{stem.name}.fr"), stem.with_name(f"{stem.name}.en")
    if all(each.is_file() for each in two):
        return _aligned(*two)
    raise UsageError(f"{place}: no such corpus; expected {_LAYOUTS}")


def _the_two_in(folder: Path) -> tuple[Path, Path]:
    french = sorted(folder.glob("*.fr"))
    if len(french) != 1:
        found = ", ".join(path.name for path in french) or "none"
        raise UsageError(f"{folder}: expected one file that ends in .fr and the .en beside it, found {found}")
    english = french[0].with_suffix(".en")
    if not english.is_file():
        raise UsageError(f"{english}: is missing; the line-aligned layout has it beside {french[0].name}")
    return french[0], english


def _aligned(french: Path, english: Path) -> Iterator[tuple[str, str]]:
    first, second = _lines(french), _lines(english)
    if len(first) != len(second):
        told = "expected as many, each line the translation of the other file's"
        raise UsageError(f"{english}: has {len(second)} lines, but {french.name} has {len(first)}; {told}")
    return zip(first, second, strict=True)


def _tab_separated(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_lines(path), start=1):
        french, tab, english = line.partition("\t")
        if not tab or "\t" in english:
            found = f"found {line.count(chr(9))} tabs: {line[:60]!r}"
            raise UsageError(f"{path}:{number}: expected French, one tab and English, {found}")
        yield french, english


def _lines(path: Path) -> Sequence[str]:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path}: cannot be read ({problem.strerror})") from problem
    if data.startswith(_PACKED):
        raise UsageError(f"{path}: is an archive; unpack it, and give the text in it")
    try:
        return lines_of(data)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8 text; save it as UTF-8, as iconv can") from problem


# --- words ------------------------------------------------------------------------------------------------------------


def _usable(lines: Iterator[tuple[str, str]], longest: int) -> Iterator[Pair]:
    """The pairs of which both sides are sentences, short enough and not there yet."""
    seen: set[str] = set()
    for french, english in lines:
        pair = Pair(" ".join(french_words(french)), " ".join(english_words(english)))
        fits = all(0 < len(side.split()) <= longest for side in pair.sides)
        if fits and seen.isdisjoint(pair.sides):
            seen.update(pair.sides)
            yield pair


def french_words(text: str) -> list[str]:
    """The words of a French sentence: `L'ami` is two, `aujourd'hui` is one."""
    return _FRENCH.findall(_plain(text))


def english_words(text: str) -> list[str]:
    """The words of an English sentence: `Marie's` is two, `don't` is one."""
    return _ENGLISH.findall(_plain(text))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower()
