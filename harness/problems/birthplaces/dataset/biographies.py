"""One line of text per invented person.

Promises: the line begins with the name and a full stop, states the birth place exactly as in the answer, and names no
other place before it. Short lines have some 40 to 70 characters, long ones some 40 to 500, 140 on average.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from string import Formatter

from harness.problems.birthplaces.dataset import phrases
from harness.problems.birthplaces.dataset.people import Person
from harness.problems.birthplaces.dataset.places import Place
from harness.problems.birthplaces.dataset.text import identity
from harness.stream import KeyedStream

_SHORT_FEWEST, _SHORT_MOST = 36, 72
_ATTEMPTS = 20
_LONG_MOST = 510
#: Wanted lengths of long texts, each equally likely: the shape of the encyclopedia's first sentences.
_LONG_LENGTHS = (40, 45, 50, 56, 62, 68, 74, 80, 86, 92, 98, 104, 110, 118, 126, 136, 150, 170, 200, 250)
_LONGEST_IN = 100  # one text in so many goes on as far as it may
_THEIR = {"female": "her", "male": "his", "unknown": "their"}
_CHILD = {"female": "daughter", "male": "son", "unknown": "child"}


def words() -> Collection[str]:
    """Every word that biographies are made of, by `identity`: no place may be one of them."""
    fixed = (text for template in _all_templates() for text, *_ in Formatter().parse(template))
    listed = (*phrases.JOBS, *phrases.DEEDS, *phrases.QUALITIES, *phrases.TITLES, *phrases.MONTHS, *phrases.NUMBERS)
    letters = ("".join(sign if sign.isalpha() else " " for sign in text) for text in (*fixed, *listed))
    return {identity(word) for text in letters for word in text.split()}


def short(person: Person, stream: KeyedStream) -> str:
    """A single short sentence."""
    tried = []
    for _ in range(_ATTEMPTS):
        line = _line(person, stream.choice(phrases.SHORT), _Fields(person, (), stream))
        if _SHORT_FEWEST <= len(line) <= _SHORT_MOST:
            return line
        tried.append(line)
    return min(tried, key=len)  # a long name with a long place leaves no room


def long(person: Person, places: Sequence[Place], stream: KeyedStream) -> str:
    """A sentence or several, with dates, lands and now and then a second place after the birth place."""
    wanted = _LONG_MOST if stream.below(_LONGEST_IN) == 0 else stream.choice(_LONG_LENGTHS)
    fields = _Fields(person, places, stream)
    line = _line(person, stream.choice(phrases.LONG), fields)
    tails = list(phrases.TAILS)
    stream.shuffle(tails)
    for tail in tails:
        longer = line + fields.fill(tail)
        if len(line) >= wanted or len(longer) > _LONG_MOST:
            break
        line = longer
    return f"{line} ."


def with_question_marks(person: Person, number: int, stream: KeyedStream) -> str:
    """The `number`-th of the lines that every dataset must have for its characters."""
    template = phrases.WITH_ALL_QUESTION_MARKS[number % len(phrases.WITH_ALL_QUESTION_MARKS)]
    return _line(person, template, _Fields(person, (), stream))


class _Fields:
    """Fills templates about one person with random, but consistent, particulars."""

    def __init__(self, person: Person, places: Sequence[Place], stream: KeyedStream) -> None:
        self._person, self._places, self._stream = person, places, stream
        self._year = 1800 + stream.below(180)
        self._used = {person.place.name}

    def fill(self, template: str) -> str:
        return "".join(
            text + (self._value(field) if field is not None else "") for text, field, *_ in Formatter().parse(template)
        )

    def _value(self, field: str) -> str:
        person = self._person
        their = _THEIR[person.gender]
        if field == "a_job":
            return _with_article(self._job())
        simple = {
            "name": person.name,
            "family": person.family,
            "place": person.place.name,
            "land": person.place.land.name,
            "their": their,
            "their_capital": their.capitalize(),
            "child": _CHILD[person.gender],
            "year": str(self._year),
        }
        if field in simple:
            return simple[field]
        if field in {"later", "later_year", "date"}:
            return self._time(field)
        if field in {"other", "another"}:
            return self._fresh([place.name for place in self._places])
        if field == "job":
            return self._job()
        return self._fresh(_LISTS[field])

    def _fresh(self, items: Sequence[str]) -> str:
        """One of `items` that this text has not used: nobody studies law twice or moves to where they are."""
        while (item := self._stream.choice(items)) in self._used:
            pass
        self._used.add(item)
        return item

    def _job(self) -> str:
        """An occupation, in long texts mostly with the land's adjective."""
        job = self._stream.choice(phrases.JOBS)
        if job == "actress" and self._person.gender == "male":
            job = "actor"
        wears = bool(self._places) and self._stream.below(10) < 7
        return f"{self._person.place.land.adjective} {job}" if wears else job

    def _time(self, field: str) -> str:
        year = self._year if field == "date" else self._year + 20 + self._stream.below(25)
        if field == "later_year":
            return str(year)
        day, month = 1 + self._stream.below(28), self._stream.choice(phrases.MONTHS)
        return f"{month} {day}, {year}" if self._stream.below(3) == 0 else f"{day} {month} {year}"


_LISTS = {
    "deed": phrases.DEEDS,
    "number": phrases.NUMBERS,
    "ordinal": phrases.ORDINALS,
    "quality": phrases.QUALITIES,
    "title": phrases.TITLES,
}


def _line(person: Person, template: str, fields: _Fields) -> str:
    return f"{person.name}. {fields.fill(template)}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _all_templates() -> Iterator[str]:
    yield from phrases.SHORT
    yield from phrases.LONG
    yield from phrases.TAILS
    yield from phrases.WITH_ALL_QUESTION_MARKS
