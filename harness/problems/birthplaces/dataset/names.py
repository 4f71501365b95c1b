"""Names of invented people, by language.

They come from Faker's lists of given and family names. Faker's own random choices are not used: they change with its
versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal

from harness.problems.birthplaces.dataset.lands import LANGUAGES, Language
from harness.problems.birthplaces.dataset.text import is_latin
from harness.stream import KeyedStream

_ROOM_FOR_MIDDLE = 24  # characters of the longest name

Gender = Literal["female", "male", "unknown"]


@dataclass(frozen=True)
class Name:
    """A full name and its family name; `gender` is that of the given name's list."""

    full: str
    family: str
    gender: Gender


@dataclass(frozen=True)
class _Bank:
    """Given and family names that go together; sorted, so that no library's order matters."""

    gender: Gender
    given: tuple[str, ...]
    family: tuple[str, ...]


def draw(language: Language, longest: int, spell: Callable[[str], str], stream: KeyedStream) -> Name | None:
    """One name of `language`, or None when this draw came out longer than `longest` characters.

    Where there is ample room, some people have a middle name or its initial.
    """
    bank = stream.choice(_banks(language.name))
    given, middle, family = stream.choice(bank.given), stream.choice(bank.given), stream.choice(bank.family)
    if longest < _ROOM_FOR_MIDDLE or middle == given:
        middle = ""
    extra = stream.choice((middle, f"{middle[:1]}.", *[""] * 10)) if middle else ""
    full = spell(" ".join(part for part in (given, extra, family) if part))
    return Name(full, spell(family), bank.gender) if len(full) <= longest else None


@cache
def _banks(language: str) -> tuple[_Bank, ...]:
    return tuple(bank for locale in LANGUAGES[language].locales for bank in _banks_of(locale))


def _banks_of(locale: str) -> Iterable[_Bank]:
    provider = import_module(f"faker.providers.person.{locale}").Provider

    def listed(*attributes: str) -> tuple[str, ...]:
        """The first of the provider's `attributes` that holds usable names."""
        for attribute in attributes:
            names = {_tidy(name) for name in getattr(provider, attribute, ()) if _usable(_tidy(name))}
            if len(names) > 2:  # Faker's placeholders are John, Jane and Doe
                return tuple(sorted(names))
        return ()

    everyone = listed("last_romanized_names", "unisex_last_names", "last_names_est", "last_names")
    genders: tuple[Gender, ...] = ("female", "male")
    for gender in genders:
        given = listed(f"first_romanized_names_{gender}", f"first_names_{gender}_est", f"first_names_{gender}")
        if given:
            yield _Bank(gender, given, listed(f"last_names_{gender}") or everyone)
    if not listed("first_romanized_names_female", "first_names_female"):
        yield _Bank("unknown", listed("first_romanized_names", "first_names"), everyone)


def _tidy(name: str) -> str:
    """Romanised lists come in capitals: `CHIA-HAO` becomes `Chia-Hao`."""
    return name.title() if name.isupper() else name


def _usable(name: str) -> bool:
    return len(name) > 1 and name[0].isalpha() and is_latin(name) and name[-1].islower()
