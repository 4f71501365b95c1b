"""The words in which a probe's reply is declared, and the one function that compares a reply with its declaration.

Promises: `complaint` takes time and memory in proportion to the reply, which the codec has capped, and calls nothing of
it: a Value is plain data. It never raises, whatever the value. What fits a form has bounded sizes throughout, so that
a graded test may compute on it. Not promised: that the values are right, or that they fit each other beyond the rules
that a form states.

Forms are as wide as mistakes of honest code are: a graded test says best what is wrong with a shape. They are as narrow
as no such mistake is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

#: Counts and sizes of models, corpora and trainings stay far below this, and products of a few of them are small ints.
LARGEST_COUNT = 10**12

_LONGEST_PLACE = 80


class Form(Protocol):
    """What a value must be like."""

    def complaint(self, value: Any, place: str) -> str | None:
        """A sentence about the first thing at `place` or inside of it that does not fit; None where all of it does."""


@dataclass(frozen=True)
class Nothing:
    """None."""

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        return None if value is None else _told(place, "nothing (None)", value)


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        return None if type(value) is bool else _told(place, "True or False", value)


@dataclass(frozen=True)
class Whole:
    """A whole number, and no boolean."""

    least: int = 0
    most: int = LARGEST_COUNT

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) is int and self.least <= value <= self.most:
            return None
        return _told(place, f"a whole number from {self.least} to {self.most}", value)


@dataclass(frozen=True)
class Number:
    """A float, or a whole number in its place."""

    least: float = -math.inf
    most: float = math.inf
    finite: bool = True

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        fits = type(value) is float or (type(value) is int and abs(value) <= 10**30)
        if fits and not math.isfinite(value):
            fits = not self.finite
        elif fits:
            fits = self.least <= value <= self.most
        return None if fits else _told(place, self._wanted(), value)

    def _wanted(self) -> str:
        bounds = "" if (self.least, self.most) == (-math.inf, math.inf) else f" from {self.least:g} to {self.most:g}"
        return f"a {'finite ' if self.finite else ''}number{bounds}"


@dataclass(frozen=True)
class Text:
    """A string of bounded length."""

    longest: int
    shortest: int = 0

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) is str and self.shortest <= len(value) <= self.longest:
            return None
        if type(value) is str:
            return _told(place, f"text of {self.shortest} to {self.longest} characters", value, f"{len(value)} of them")
        return _told(place, "text", value)


@dataclass(frozen=True)
class Span:
    """From `least` to `most`, both included; a size of an array's dimension, or a number of things."""

    least: int
    most: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.least <= number <= self.most

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


Size = int | Span


def _span(size: Size) -> Span:
    return size if isinstance(size, Span) else Span(size, size)


@dataclass(frozen=True)
class Array:
    """An array of numbers.

    Attributes:
        kinds: what numpy calls the kind of its dtype: `f` floating point, `i` and `u` whole numbers, `b` booleans.
        shape: the size of each dimension; None where `dimensions` and `elements` say all that is known.
        dimensions: how many it may have, where there is no shape.
        elements: how many numbers it may hold, where there is no shape.
        finite: whether NaN and infinity are refused.
        least, most: bounds of every number that is finite.
    """

    kinds: str
    shape: tuple[Size, ...] | None = None
    dimensions: Span = Span(0, 8)
    elements: Span = Span(0, 1 << 20)
    finite: bool = False
    least: float | None = None
    most: float | None = None

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) is not np.ndarray:
            return _told(place, "an array", value)
        if value.dtype.kind not in self.kinds:
            return _told(place, f"an array of {' or '.join(_KINDS[kind] for kind in self.kinds)}", value)
        return self._misshapen(value, place) or self._beyond(value, place)

    def _misshapen(self, value: np.ndarray, place: str) -> str | None:
        if self.shape is not None:
            spans = [_span(size) for size in self.shape]
            if value.ndim == len(spans) and all(size in span for size, span in zip(value.shape, spans, strict=True)):
                return None
            return _told(place, f"an array of shape ({', '.join(map(str, spans))})", value)
        if value.ndim in self.dimensions and value.size in self.elements:
            return None
        wanted = f"an array of {self.dimensions} dimensions with {self.elements} numbers in all"
        return _told(place, wanted, value)

    def _beyond(self, value: np.ndarray, place: str) -> str | None:
        known = np.isfinite(value)
        if self.finite and not known.all():
            return _told(place, "finite numbers", value, "NaN or infinity among them")
        found = value[known]
        low = self.least is not None and found.size and found.min() < self.least
        high = self.most is not None and found.size and found.max() > self.most
        if low or high:
            return _told(place, f"numbers from {self.least} to {self.most}", value, "others among them")
        return None


@dataclass(frozen=True)
class List:
    """A list, or a tuple, of values that all have one form."""

    each: Form
    length: Size

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) not in (list, tuple):
            return _told(place, "a list", value)
        if len(value) not in _span(self.length):
            return _told(place, f"a list of {_span(self.length)} entries", value, f"{len(value)} of them")
        found = (self.each.complaint(item, f"{place}[{number}]") for number, item in enumerate(value))
        return next((said for said in found if said), None)


@dataclass(frozen=True)
class Row:
    """A list, or a tuple, whose entries have a form each."""

    entries: tuple[Form, ...]

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) not in (list, tuple) or len(value) != len(self.entries):
            return _told(place, f"a list of {len(self.entries)} entries", value)
        pairs = enumerate(zip(self.entries, value, strict=True))
        found = (form.complaint(item, f"{place}[{number}]") for number, (form, item) in pairs)
        return next((said for said in found if said), None)


@dataclass(frozen=True)
class Rule:
    """How values of a record must fit each other; `holds` is asked once each of them has its own form."""

    says: str
    holds: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Record:
    """A dict with exactly these keys, a form each, and rules on how the values fit together."""

    fields: Mapping[str, Form]
    rules: tuple[Rule, ...] = ()

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) is not dict or value.keys() != self.fields.keys():
            return _told(place, f"values named {', '.join(self.fields)}", value)
        found = (form.complaint(value[name], f"{place}.{name}") for name, form in self.fields.items())
        said = next((said for said in found if said), None)
        return said or next((f"{_at(place)}{rule.says}" for rule in self.rules if not rule.holds(value)), None)


@dataclass(frozen=True)
class Table:
    """A dict from names to values that all have one form. Names are the student's: no complaint repeats one."""

    each: Form
    length: Size
    names: Text = Text(200)

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        if type(value) is not dict:
            return _told(place, "values by name", value)
        if len(value) not in _span(self.length):
            return _told(place, f"{_span(self.length)} values by name", value, f"{len(value)} of them")
        found = (
            self.names.complaint(name, f"the name of {place}[{number}]")
            or self.each.complaint(item, f"{place}[{number}]")
            for number, (name, item) in enumerate(value.items())
        )
        return next((said for said in found if said), None)


@dataclass(frozen=True)
class Either:
    """A value of one of several forms. The last one's complaint is told: it should be the usual form."""

    forms: tuple[Form, ...]

    def complaint(self, value: Any, place: str) -> str | None:
        """See `Form`."""
        said = [form.complaint(value, place) for form in self.forms]
        return None if None in said else said[-1]


def maybe(form: Form) -> Either:
    """None, or a value of this form."""
    return Either((Nothing(), form))


# --- what a complaint says --------------------------------------------------------------------------------------------

_KINDS = {"f": "floating point numbers", "i": "whole numbers", "u": "whole numbers", "b": "booleans"}


def _told(place: str, wanted: str, value: Any, seen: str = "") -> str:
    return f"{_at(place)}{wanted} expected, {seen or _described(value)} found"


def _at(place: str) -> str:
    name = place.removeprefix(".")
    return f"{name[:_LONGEST_PLACE]}: " if name else ""


def _described(value: Any) -> str:
    """A value in our own words: nothing of a student's text is repeated."""
    if type(value) is np.ndarray:
        return f"an array of {value.dtype}, shape {value.shape}"
    if type(value) in (list, tuple, dict):
        return f"a {type(value).__name__} of {len(value)}"
    if type(value) in (int, float) and abs(value) <= LARGEST_COUNT:
        return f"{value}"
    names = {str: f"text of {len(value)} characters" if type(value) is str else "", type(None): "nothing"}
    return names.get(type(value), f"a value of type {type(value).__name__}")
