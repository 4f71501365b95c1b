"""A dataset from a secret: people by split, and the documents that tell about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial

from harness.errors import InternalError, UsageError
from harness.problems.birthplaces.dataset import biographies, phrases, places
from harness.problems.birthplaces.dataset.people import Person, Registry, birth_places
from harness.problems.birthplaces.dataset.places import Place
from harness.problems.birthplaces.dataset.text import with_common_accents
from harness.stream import KeyedStream

_LEAST = {"train": 1, "dev": 1, "test": 1, "background": 0, "places": 10, "longest_name": 10}
_SHORT_NAMES = 20  # datasets whose names are no longer than this get short places and short biographies too
_SHORT_PLACE, _LONG_PLACE = 12, 24

QUESTION = "Where was {name} born?"


@dataclass(frozen=True)
class Dataset:
    """One term's data. `documents` are the lines of the pretraining text, in their order there."""

    train: tuple[Person, ...]
    dev: tuple[Person, ...]
    test: tuple[Person, ...]
    background: tuple[Person, ...]
    places: tuple[Place, ...] = field(repr=False)
    documents: tuple[str, ...] = field(repr=False)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody."""
        return self.train + self.dev + self.test + self.background


@dataclass(frozen=True)
class _Numbers:
    train: int
    dev: int
    test: int
    background: int
    places: int
    longest_name: int
    top_share: float

    @property
    def short(self) -> bool:
        return self.longest_name <= _SHORT_NAMES


def generate(preset: Mapping[str, int | float | str], secret: bytes) -> Dataset:
    """The dataset of `preset` (see assignment.toml) and `secret`: same both, same dataset, on every machine.

    Raises:
        UsageError: a number is missing, misnamed, of the wrong kind or size, or names or cities do not suffice.
    """
    numbers = _checked(preset)
    stream = partial(KeyedStream, secret)
    spell = with_common_accents if numbers.short else str
    longest_place = _SHORT_PLACE if numbers.short else _LONG_PLACE
    cities = places.choose(numbers.places, longest_place, biographies.words(), spell, stream("places"))
    registry = Registry(cities, numbers.longest_name, spell)

    def split(name: str, size: int) -> tuple[Person, ...]:
        answers, namings = stream(f"answers/{name}"), stream(f"names/{name}")
        born = birth_places(size, numbers.top_share, cities, answers)
        return tuple(registry.invent(place, namings) for place in born)

    sizes = {"train": numbers.train, "dev": numbers.dev, "test": numbers.test, "background": numbers.background}
    groups = {name: split(name, size) for name, size in sizes.items()}
    everybody = [person for group in groups.values() for person in group]
    stream("order").shuffle(everybody)
    dataset = Dataset(**groups, places=cities, documents=_documents(everybody, cities, numbers.short, stream))
    _check_characters(dataset)
    return dataset


def _documents(
    people: list[Person], cities: tuple[Place, ...], short: bool, stream: partial[KeyedStream]
) -> tuple[str, ...]:
    """A line for each of `people`, each from a stream of its own: a new person changes nobody else's line."""
    questioners = len(phrases.WITH_ALL_QUESTION_MARKS)
    lines = []
    for number, person in enumerate(people):
        draws = stream(f"biography/{person.name}")
        if number < questioners:
            lines.append(biographies.with_question_marks(person, number, draws))
        elif short:
            lines.append(biographies.short(person, draws))
        else:
            lines.append(biographies.long(person, cities, draws))
    stream("order of biographies").shuffle(lines)
    return tuple(lines)


def _checked(preset: Mapping[str, int | float | str]) -> _Numbers:
    """The preset's numbers, each of the right kind and size."""
    expected = [entry.name for entry in fields(_Numbers)]
    if wrong := sorted(set(expected) ^ set(preset)):
        state = "missing" if wrong[0] in expected else "unknown"
        raise UsageError(f"a dataset's preset names {', '.join(expected)} and nothing else: '{wrong[0]}' is {state}")
    whole = {name: _whole(name, preset[name]) for name in expected if name != "top_share"}
    numbers = _Numbers(**whole, top_share=_share(preset["top_share"]))
    if numbers.dev * numbers.top_share < 1:
        raise UsageError(
            f"dev = {numbers.dev}: with top_share = {numbers.top_share} nobody has the most frequent place"
        )
    return numbers


def _whole(name: str, value: float | str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{name} = {value!r}: a whole number is needed")
    if value < _LEAST[name]:
        raise UsageError(f"{name} = {value}: at least {_LEAST[name]} is needed")
    return value


def _share(value: float | str) -> float:
    if isinstance(value, str) or not 0 < value < 1:
        raise UsageError(f"top_share = {value!r}: a share between 0 and 1 is needed, such as 0.05")
    return float(value)


def _check_characters(dataset: Dataset) -> None:
    """A model can only read characters that the pretraining text has."""
    asked = {sign for person in dataset.people for sign in QUESTION.format(name=person.name) + person.place.name}
    if missing := asked - {sign for line in dataset.documents for sign in line}:
        raise InternalError(f"the biographies lack characters that the questions use: {''.join(sorted(missing))}")
