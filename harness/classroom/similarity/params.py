"""Params files with equal numbers, or with numbers as close as one training step leaves them.

torch.save writes a zip whose entries `data/0`, `data/1`, ... are the bare numbers of the tensors. Those are read as
they lie there: names and shapes stand in a pickle, which is looked at for the type of the numbers and never loaded.
"""

from __future__ import annotations

import hashlib
import pickletools
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from harness.classroom.similarity.material import Common, Found, Material, Pair, Sketch, many

#: How many numbers of a model stand for all of them.
SAMPLE = 4096
#: Distances of two models as a share of their length. Small models of honest variants are 1.18 to 1.32 apart with seeds
#: of their own, 0.69 to 0.81 with one seed and other draws, and a few hundredths after one more step of training.
NEAR, SAME_START = 0.1, 1.0
#: Submission -> the crowd that it is in.
Crowds = Mapping[str, int]
_LARGEST, _MOST_ENTRIES = 256 << 20, 4096
_TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2"}


def sketch(path: Path) -> Sketch | None:
    """Read a file; None where it is none that torch.save wrote, which is the graded tests' to say."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _sketch(archive)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError):
        return None


def _sketch(archive: zipfile.ZipFile) -> Sketch | None:
    entries = archive.infolist()
    stored = all(each.compress_type == zipfile.ZIP_STORED and each.file_size <= _LARGEST for each in entries)
    if len(entries) > _MOST_ENTRIES or not stored:
        return None
    numbers = {key: each for each in entries if (key := _key(each.filename)) is not None}
    described = [each for each in entries if each.filename.endswith("/data.pkl")]
    if not numbers or len(described) != 1 or described[0].file_size > 1 << 20:
        return None
    parts = [archive.read(numbers[key]) for key in sorted(numbers)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    size = sum(map(len, parts))
    return Sketch(digest.hexdigest(), size, *_sample(parts, _type(archive.read(described[0]))))


def _key(name: str) -> int | None:
    """The number of a tensor's entry, `ARCHIVE/data/7`."""
    folder, _, last = name.rpartition("/")
    return int(last) if folder.endswith("/data") and last.isdecimal() and last.isascii() else None


def _type(described: bytes) -> str:
    """The one type that all numbers have, as numpy calls it; empty where there are several, or one that it lacks."""
    found: set[str] = set()
    for opcode, argument, _ in pickletools.genops(described):
        if opcode.name in ("GLOBAL", "STACK_GLOBAL", "BINUNICODE", "SHORT_BINUNICODE") and isinstance(argument, str):
            last = argument.rpartition(" ")[2]
            found |= {last} if last.endswith("Storage") else set()
    return _TYPES.get(found.pop(), "") if len(found) == 1 else ""


def _sample(parts: Sequence[bytes], kind: str) -> tuple[tuple[float, ...], int]:
    """Evenly spaced numbers of the tensors that training moves, each tensor without its mean; and of how many.

    Masks of zeros and ones, and gains that begin at 1, are the same in all models and would hide how far they are
    apart. None where the numbers are not finite, or not all of one known type.
    """
    if not kind or any(len(part) % np.dtype(kind).itemsize for part in parts):
        return (), 0
    tensors = [np.frombuffer(part, dtype=kind) for part in parts]
    moved = [each.astype(np.float64) for each in tensors if not np.isin(each, (0, 1, -np.inf)).all()]
    if not moved or not all(np.isfinite(each).all() and np.abs(each).max() < 1e6 for each in moved):
        return (), 0
    whole = np.concatenate([each - each.mean() for each in moved])
    chosen = whole[np.linspace(0, len(whole) - 1, min(SAMPLE, len(whole))).astype(np.int64)]
    return (tuple(chosen.tolist()), len(whole)) if np.abs(chosen).max() > 0 else ((), 0)


Near = tuple[str, str, float]  # two submissions, and how far their files are apart


@dataclass(frozen=True)
class _Compared:
    """One params file over all uploads."""

    file: str
    near: tuple[Near, ...]  #: below NEAR; 0 where all numbers are equal
    akin: tuple[tuple[str, str], ...]  #: below SAME_START


def look(materials: Sequence[Material]) -> tuple[Found, Crowds]:
    """Pairs of which at least one is of this term; and who is in one crowd, as `crowds_of` says."""
    own = [each.submission for each in materials if not each.is_earlier]
    earlier = frozenset(each.submission for each in materials if each.is_earlier)
    files = sorted({name for each in materials for name in each.params})
    compared = [_compare(name, materials) for name in files]
    crowds = crowds_of(compared, own)
    found = [_found(each, crowds, earlier, len(own)) for each in compared]
    pairs = tuple(pair for each in found for pair in each.pairs)
    return Found(pairs, tuple(common for each in found for common in each.common)), crowds


def _compare(file: str, materials: Sequence[Material]) -> _Compared:
    held = {each.submission: each.params[file] for each in materials if file in each.params}
    equal: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    alike: defaultdict[int, list[str]] = defaultdict(list)
    for name in sorted(held):
        equal[held[name].digest, held[name].size].append(name)
        if held[name].sample:
            alike[held[name].moved].append(name)
    near = {pair: 0.0 for names in equal.values() for pair in combinations(names, 2)}
    akin = set(near)
    for names in alike.values():
        apart = distances(np.array([held[name].sample for name in names], dtype=np.float64))
        for one, other in np.argwhere(np.triu(apart < SAME_START, 1)).tolist():
            akin.add((names[one], names[other]))
            if apart[one, other] < NEAR:
                near.setdefault((names[one], names[other]), max(round(float(apart[one, other]), 5), 1e-5))
    told = tuple((one, other, distance) for (one, other), distance in sorted(near.items()))
    return _Compared(file, told, tuple(sorted(akin)))


def crowds_of(compared: Sequence[_Compared], own: Sequence[str]) -> Crowds:
    """Which uploads began to train from the same numbers, where so many did that it says nothing of any two.

    Whoever leaves the seed as it is given begins like everybody who does so, and with equal code on machines of one
    kind also ends with the same numbers.
    """
    groups = groups_of(pair for each in compared for pair in each.akin)
    large = [group for group in groups if len(set(group) & set(own)) > many(len(own))]
    return {name: at for at, group in enumerate(large) for name in group}


def groups_of(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The names put together that are joined by pairs, sorted."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second in pairs:
        parent[root(second)] = root(first)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(parent):
        groups[root(name)].append(name)
    return sorted(groups.values())


def _found(compared: _Compared, crowds: Crowds, earlier: frozenset[str], size: int) -> Found:
    """Near files of a crowd are told together, all others as pairs."""
    in_crowd = [near for near in compared.near if same_crowd(crowds, near[0], near[1])]
    pairs = []
    for first, second, apart in compared.near:
        if not same_crowd(crowds, first, second) and not {first, second} <= earlier:
            one, other = (second, first) if first in earlier else (first, second)
            told = _told(apart)
            weight = 200.0 if apart == 0 else 150.0 * (1 - apart)
            pairs.append(Pair("params", compared.file, one, other, told, weight, {"distance": apart}, other in earlier))
    common = []
    for group in groups_of((first, second) for first, second, _ in in_crowd):
        began = sum(crowd == crowds[group[0]] for name, crowd in crowds.items() if name not in earlier)
        told = (
            f"{len(group)} of {size} uploads hold the same numbers or nearly so; {began} began to train from one seed, "
            "as it is given, and equal code on machines of one kind ends alike"
        )
        common.append(Common("params", compared.file, tuple(group), told))
    return Found(tuple(pairs), tuple(common))


def same_crowd(crowds: Crowds, first: str, second: str) -> bool:
    """Whether both began from the same numbers, as many did."""
    return first in crowds and crowds[first] == crowds.get(second)


def _told(apart: float) -> str:
    if apart == 0:
        return "all numbers are the same; the same seed, equal code and machines of one kind give that, too"
    return (
        f"the numbers are {100 * apart:.2g}% of their size apart, as after a step of training; trainings with seeds of "
        "their own end more than 100% apart, and with one seed and code that draws otherwise more than 50%"
    )


def distances(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of each two rows, their distance as a share of the longer one's length."""
    squares = (rows**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * rows @ rows.T, 0)
    lengths = np.sqrt(np.maximum(np.maximum(squares[:, None], squares[None, :]), 1e-300))
    found: np.ndarray[Any, Any] = np.sqrt(apart) / lengths
    return found
