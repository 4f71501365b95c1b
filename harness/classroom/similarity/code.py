"""Code that two students share and most of the class does not: copydetect's winnowing, behind an index.

Names, comments and layout do not count; copydetect replaces them. Fingerprints of the template, of the reference, and
those that more than a few of the class have are what anybody would write, and are left out on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.classroom.similarity.material import Found, Material, Pair, many

#: Characters of code, names shortened to one, that must agree to count at all (copydetect's noise threshold), and that
#: are sure to be noticed where they agree (its guarantee threshold).
NOISE, GUARANTEE = 25, 30
#: A pair is told where this share of what the shorter one wrote is shared, and no less than this many fingerprints.
LEAST_SHARE, LEAST_SHARED = 0.85, 30
_PYTHON = "upload.py"
#: Of a polynomial hash modulo 2**64, and of what spreads it.
_BASE, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def fingerprints(text: str) -> frozenset[int]:
    """Winnowed hashes of code, as copydetect reads it, the same in every process."""
    from copydetect.utils import winnow

    hashes = _hashes(text)
    chosen, _ = winnow(hashes, GUARANTEE - NOISE + 1) if len(hashes) else (hashes, None)
    return frozenset(chosen.tolist())


def every(text: str) -> frozenset[int]:
    """All hashes of code: what is given is left out wherever a window happens to begin."""
    return frozenset(_hashes(text).tolist())


def _hashes(text: str) -> np.ndarray[Any, Any]:
    """A hash for each run of NOISE characters that is left when copydetect has taken names, comments and layout away.

    copydetect itself hashes with Python's `hash`, which differs from process to process, and so would the report.
    """
    from copydetect.utils import filter_code

    kept, _ = filter_code(text, _PYTHON, "python")
    codes = np.frombuffer(kept.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < NOISE:
        return np.zeros(0, dtype=np.uint64)
    found = np.zeros(len(codes) - NOISE + 1, dtype=np.uint64)
    for at in range(NOISE):
        found = found * _BASE + codes[at : at + len(found)]
    found = (found ^ (found >> np.uint64(31))) * _MIX
    mixed: np.ndarray[Any, Any] = found ^ (found >> np.uint64(29))
    return mixed


def look(materials: Sequence[Material]) -> Found:
    """Pairs of which at least one is of this term."""
    own = {each.submission: each.code for each in materials if not each.is_earlier}
    old = {each.submission: each.code for each in materials if each.is_earlier}
    counts = Counter(each for hashes in own.values() for each in hashes)
    most = many(len(own))
    rare = {name: frozenset(each for each in hashes if counts[each] <= most) for name, hashes in own.items()}
    rare_old = {name: frozenset(each for each in hashes if counts[each] <= most) for name, hashes in old.items()}
    within = [_pair(first, second, rare[first], rare[second], len(own)) for first, second in _sharing(rare, rare)]
    across = [
        _pair(first, second, rare[first], rare_old[second], len(own), is_earlier=True)
        for first, second in _sharing(rare, rare_old)
    ]
    return Found(pairs=tuple(pair for pair in (*within, *across) if pair is not None))


def _sharing(first: Mapping[str, frozenset[int]], second: Mapping[str, frozenset[int]]) -> list[tuple[str, str]]:
    """Names with enough fingerprints in common, by way of an index: most pairs of a class share none."""
    where: defaultdict[int, list[str]] = defaultdict(list)
    for name, hashes in second.items():
        for each in hashes:
            where[each].append(name)
    shared: Counter[tuple[str, str]] = Counter()
    if first is second:
        for names in where.values():
            shared.update(combinations(sorted(names), 2))
    else:
        shared.update((name, other) for name, hashes in first.items() for each in hashes for other in where[each])
    return sorted(pair for pair, count in shared.items() if count >= LEAST_SHARED)


def _pair(
    first: str, second: str, one: frozenset[int], other: frozenset[int], size: int, *, is_earlier: bool = False
) -> Pair | None:
    shared, least = len(one & other), min(len(one), len(other))
    share = shared / least if least else 0.0
    if shared < LEAST_SHARED or share < LEAST_SHARE:
        return None
    told = (
        f"{shared} fingerprints of code are the same, {share:.0%} of what the shorter of the two has beside the given "
        f"code; no more than {many(size)} of {size} uploads have any of these"
    )
    numbers = {"shared": shared, "share": share, "first": len(one), "second": len(other)}
    return Pair("code", "code", first, second, told, share * shared, numbers, is_earlier)
