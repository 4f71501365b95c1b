"""Invented people: who is born where, and what they are called.

Promises: exactly the asked share of each split is born in the most frequent place and no other place reaches it; names
are unique across the whole dataset; the language of a name goes with the land of birth, weakly, as migration has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.errors import UsageError
from harness.problems.birthplaces.dataset import names
from harness.problems.birthplaces.dataset.lands import LANDS, LANGUAGES, Land, Language
from harness.problems.birthplaces.dataset.names import Gender
from harness.problems.birthplaces.dataset.places import Place
from harness.problems.birthplaces.dataset.text import contains_phrase, identity
from harness.stream import KeyedStream

#: In percent: names in a language of the land of birth, in one of its region, and in any other.
LOCAL, REGIONAL, ANY = 40, 25, 35

_ATTEMPTS = 400  # draws for one name before the dataset counts as full


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist. `name` is what questions ask for, `place.name` the answer."""

    name: str
    family: str
    gender: Gender
    language: Language
    place: Place


def birth_places(people: int, top_share: float, places: Sequence[Place], stream: KeyedStream) -> list[Place]:
    """A birth place for each of `people`, in random order; `places[0]` is the most frequent.

    Raises:
        UsageError: the other places cannot hold the rest without one of them becoming as frequent.
    """
    top, others = places[0], places[1:]
    at_top = round(people * top_share)
    most = max(1, at_top - 1)
    if people - at_top > most * len(others):
        raise UsageError(
            f"{people} people, {top_share:.1%} of them born in {top.name}: the other {len(others)} places cannot "
            "stay less frequent; raise places or top_share"
        )
    room = dict.fromkeys(others, most)
    born = [top] * at_top
    while len(born) < people:
        open_places = [place for place in others if room[place]]
        place = stream.weighted(open_places, [place.weight for place in open_places])
        room[place] -= 1
        born.append(place)
    stream.shuffle(born)
    return born


class Registry:
    """Gives out names, each of them once in the whole dataset."""

    def __init__(self, places: Sequence[Place], longest: int, spell: Callable[[str], str]) -> None:
        self._places = [identity(place.name) for place in places]
        self._longest, self._spell = longest, spell
        self._taken: set[str] = set()

    def invent(self, place: Place, stream: KeyedStream) -> Person:
        """Somebody new who was born in `place`.

        Raises:
            UsageError: hardly any name short enough is left.
        """
        for _ in range(_ATTEMPTS):
            language = _language_for(place.land, stream)
            name = names.draw(language, self._longest, self._spell, stream)
            if name is not None and self._is_new(identity(name.full)):
                return Person(name.full, name.family, name.gender, language, place)
        raise UsageError(
            f"longest_name = {self._longest}: no new name that short was found after {len(self._taken)} people; "
            "allow longer names or ask for fewer people"
        )

    def _is_new(self, known: str) -> bool:
        """Whether nobody is called so, nor any place: a name must not hint at a birth place. Takes the name if so."""
        if known in self._taken or any(contains_phrase(known, place) for place in self._places):
            return False
        self._taken.add(known)
        return True


def _language_for(land: Land, stream: KeyedStream) -> Language:
    local = LANGUAGES[stream.choice(land.languages)]
    roll = stream.below(LOCAL + REGIONAL + ANY)
    if roll < LOCAL:
        return local
    weights = _language_weights()
    pool = [language for language in weights if roll >= LOCAL + REGIONAL or language.region == local.region]
    return stream.weighted(pool, [weights[language] for language in pool])


@lru_cache(maxsize=1)
def _language_weights() -> Mapping[Language, int]:
    """How common each language is over all lands."""
    weights = dict.fromkeys(LANGUAGES.values(), 0)
    for land in LANDS:
        for name in land.languages:
            weights[LANGUAGES[name]] += 12 * land.weight // len(land.languages)
    return weights
