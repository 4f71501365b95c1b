"""submission_metadata.yml, the file in which Gradescope's export tells whose each submission is and what became of it.

Promises: whatever lies in the file, nothing of it is run or imported, and no text is taken for a date or a number that
it is not: a student's number keeps its zeros, a date is read by us, and what has an unknown tag (`!ruby/...`) counts as
the plain list, mapping or text that it is written as. What can be read of a broken file is nothing; what is odd about
one submission leaves the others as they are. Complaints are single sentences that name no person.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import yaml

from harness.classroom.records import Attempt, Results, Submitter
from harness.intake.upload import show

NAME = "submission_metadata.yml"

#: libyaml's parser, ten times as fast as PyYAML's own.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
#: Read as they are written, even where they look like numbers.
_TEXTS = frozenset({"name", "sid", "email", "number", "id"})
#: Objects that share parts may expand without limit; 10,000 submissions of 40 tests are 4 million.
_MOST_VALUES = 50_000_000

_DATE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ]+(?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?"
    r"\s*(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?"
)


class MetadataError(Exception):
    """The whole file cannot be read; `str()` continues a sentence that begins with its name."""


@dataclass(frozen=True)
class Entry:
    """What the file says of one submission."""

    submitters: tuple[Submitter, ...] = ()
    created_at: datetime | None = None
    results: Results | None = None
    history: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """The submissions that the file lists, in its order, and a sentence on each thing that is odd about them."""

    entries: Mapping[str, Entry]
    complaints: tuple[str, ...]


def read(data: bytes) -> Metadata:
    """What the bytes of a submission_metadata.yml say.

    Raises:
        MetadataError: nothing of it can be used.
    """
    try:
        document = yaml.compose(data.decode("utf-8", "replace"), Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as problem:
        raise MetadataError(f"is not YAML that can be read ({_where(problem)})") from problem
    if not isinstance(document, yaml.MappingNode):
        raise MetadataError("lists no submissions")
    return _Reading().all(document)


def _where(problem: Exception) -> str:
    """What a YAML error complains of and the line, in one line."""
    mark = getattr(problem, "problem_mark", None)
    told = getattr(problem, "problem", None) or "nested too deep" if mark else str(problem).partition("\n")[0]
    return show(f"line {mark.line + 1}: {told}" if mark else told or type(problem).__name__)


@dataclass
class _Reading:
    """One pass over the document; remembers what is odd, and how much was read."""

    complaints: list[str] = field(default_factory=list)
    values: int = 0

    def all(self, document: yaml.MappingNode) -> Metadata:
        found: dict[str, Entry] = {}
        for key_node, node in document.value:
            key, line = str(key_node.value).lstrip(":"), key_node.start_mark.line + 1
            if key in found:
                self._complain(line, key, "is listed twice; the last entry counts")
            found[key] = self._entry(node, key, line)
        owners: dict[str, str] = {}
        for key, entry in found.items():
            for sid in {each.sid for each in entry.submitters if each.sid}:
                if sid in owners:
                    self.complaints.append(
                        f"{show(key)}: has the student number of {show(owners[sid])}, too; each is graded by itself"
                    )
                owners.setdefault(sid, key)
        return Metadata(found, tuple(self.complaints))

    def _complain(self, line: int, key: str, told: str) -> None:
        self.complaints.append(f"{NAME}:{line}: {show(key)} {told}")

    def _entry(self, node: yaml.Node, key: str, line: int) -> Entry:
        try:
            raw = self._value(node, 0)
        except (_TooMuchError, RecursionError):
            self._complain(line, key, "says more than can be read; it is graded without names and results")
            return Entry()
        if not isinstance(raw, dict):
            self._complain(line, key, "has no details; it is graded without names and results")
            return Entry()
        people, history = raw.get("submitters"), raw.get("history")
        people = [people] if isinstance(people, dict) else people
        if not isinstance(people, list) or not any(isinstance(each, dict) for each in people):
            self._complain(line, key, "names nobody who submitted it; it is graded without names")
            people = []
        return Entry(
            tuple(_submitter(each) for each in people if isinstance(each, dict)),
            date(raw.get("created_at")),
            _results(raw.get("results")),
            tuple(
                Attempt(date(each.get("created_at")), _results(each.get("results")))
                for each in (history if isinstance(history, list) else ())
                if isinstance(each, dict)
            ),
        )

    def _value(self, node: yaml.Node, depth: int, key: str = "") -> Any:
        """The node as JSON could say it; keys lose the colon in front."""
        self.values += 1
        if self.values > _MOST_VALUES or depth > 100:
            raise _TooMuchError
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, depth))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, depth + 1) for each in node.value]
        return _scalar(node, key)

    def _pairs(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Any]]:
        for key_node, value in node.value:
            key = str(key_node.value).removeprefix(":")
            yield key, self._value(value, depth + 1, key)


class _TooMuchError(Exception):
    """Parts that hold each other, or themselves."""


def _scalar(node: yaml.Node, key: str) -> Any:
    text, kind = str(node.value), str(node.tag).removeprefix(_STANDARD)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"yes", "true", "on", "y"}
    if kind in {"int", "float"} and key not in _TEXTS:
        return _number(text)
    if kind == "binary":  # how Ruby writes text that is no UTF-8
        try:
            return base64.b64decode(text).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return text
    return text


def _number(text: str) -> int | float | str:
    """A number that JSON knows; anything else stays a text."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return text


def _submitter(raw: Mapping[str, Any]) -> Submitter:
    def text(key: str) -> str | None:
        value = raw.get(key)
        return value if isinstance(value, str) and value else None

    return Submitter(text("name"), text("sid"), text("email"))


def _results(raw: Any) -> Results | None:
    return raw if isinstance(raw, dict) and raw else None


def date(text: Any) -> datetime | None:
    """A moment as the export writes it, `2025-01-06 02:52:07.938335000 Z`; None where it is none."""
    match = _DATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['time']}.{(match['fraction'] or '0')[:6]:0<6}")
        return moment.replace(tzinfo=timezone(-offset if match["sign"] == "-" else offset))
    except ValueError:
        return None
