"""TOML files that a course edits: read key by key, and every complaint names file, line and what was expected.

tomllib tells no line of a key, so the file's own text is searched for it once there is something to complain about.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Key = str | int

_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(#.*)?")
_ASSIGNED = re.compile(r"\s*(?P<name>[\w.\"'-]+)\s*=")
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True)
class Table:
    """A table of a TOML file. `keys` lead to it from the top; a number is a place in a list."""

    path: Path
    keys: tuple[Key, ...]
    values: Mapping[str, Any]

    def only(self, needed: Iterable[str], optional: Iterable[str] = ()) -> None:
        """Refuse a key that is missing or unknown."""
        needed = tuple(needed)
        known = (*needed, *optional)
        missing = " and ".join(f"'{name}'" for name in needed if name not in self.values)
        for name in self.values:
            if name not in known:
                lost = f" ({missing} is missing)" if missing else ""
                self.refuse(name, f"no such key{lost}; the keys are {', '.join(known)}")
        if missing:
            self.refuse("", f"{missing} is missing; the keys are {', '.join(known)}")

    def text(self, key: str, default: str | None = None, *, among: Iterable[str] = ()) -> str:
        """A text that is not blank, one `among` these where there are any."""
        value = self.values.get(key, default)
        among = tuple(among)
        if among and (not isinstance(value, str) or value not in among):
            self.refuse(key, f"one of {', '.join(among)} is needed")
        if not isinstance(value, str) or (not value.strip() and value != default):
            self.refuse(key, "some text is needed")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "true or false is needed")
        return value

    def whole(self, key: str, least: int = 1, most: float | None = None, why: str = "") -> int:
        """A whole number that is not below `least`, nor above `most`, for a reason that is told."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.refuse(key, f"a whole number of at least {least} is needed")
        if most is not None and value > most:
            self.refuse(key, f"a whole number of at most {most:g} is needed{why}")
        return value

    def number(self, key: str, above: float, most: float, what: str) -> float:
        """A number in these bounds; `what` is expected."""
        value = self.values.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not above < value <= most:
            self.refuse(key, f"{what} is needed")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is missing."""
        value = self.values.get(key, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) and each.strip() for each in value):
            self.refuse(key, 'a list of texts is needed, such as ["a", "b"]')
        return tuple(value)

    def table(self, key: str) -> Table:
        """The table `key`; empty where it is missing."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "a table is needed, with keys of its own")
        return Table(self.path, (*self.keys, key), value)

    def tables(self, key: str) -> list[Table]:
        """The tables in the list `key`; none where it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.refuse(key, "a list of tables is needed, such as [{ ... }, { ... }]")
        return [Table(self.path, (*self.keys, key, number), each) for number, each in enumerate(value)]

    def refuse(self, key: Key, expected: str) -> NoReturn:
        """Complain of the value of `key`, or of the table itself where `key` is empty."""
        keys = self.keys if key == "" else (*self.keys, key)
        shown = f" = {_shown(self.values[key])}" if isinstance(key, str) and key in self.values else ""
        raise SettingsError(f"{place(self.path, keys)}: {dotted(keys)}{shown}: {expected}")


def read(path: Path, what: str) -> Table:
    """The file `path`, which holds `what`. SettingsError where it is missing or no TOML."""
    try:
        return Table(path, (), tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise SettingsError(f"{path}: cannot read {what} ({problem.strerror})") from problem
    except UnicodeDecodeError as problem:
        raise SettingsError(f"{path}: is not UTF-8 text (byte {problem.start}); save it as UTF-8") from problem
    except tomllib.TOMLDecodeError as problem:
        found = _TOML_LINE.search(str(problem))
        line = f":{found[1]}" if found and found[1] else ""
        raise SettingsError(f"{path}{line}: not valid TOML: {problem}") from problem


def dotted(keys: Iterable[Key]) -> str:
    """Keys as people read them: `limits.run_seconds`, `parts[2].points`; lists are counted from 1."""
    text = ""
    for key in keys:
        text += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if text else key
    return text or "the file"


def place(path: Path, keys: Iterable[Key]) -> str:
    """`path:line` of the key; of the table or list around it where it is not there, `path` alone where nothing is."""
    try:
        line = line_of(path.read_text(encoding="utf-8"), tuple(keys))
    except (OSError, ValueError):
        line = None
    return f"{path}:{line}" if line else str(path)


def line_of(text: str, keys: tuple[Key, ...]) -> int | None:
    """The line of a key in a TOML text, counted from 1; of what is around it where it is not there."""
    lines = text.split("\n")
    names = tuple(str(key) for key in keys)
    depth, line = 0, 0
    for number, found in _statements(lines):
        if len(found) > depth and found == names[: len(found)]:
            depth, line = len(found), number
    if depth < len(keys) and isinstance(index := keys[depth], int) and line:
        return _in_list(lines, line, index)
    return line or None


def _statements(lines: Iterable[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, keys) of each table header and each assignment; what stands inside brackets of several lines is none."""
    table: tuple[str, ...] = ()
    depth = 0
    for number, line in enumerate(lines, start=1):
        header = _HEADER.fullmatch(line) if depth == 0 else None
        assigned = _ASSIGNED.match(line) if depth == 0 else None
        if header is not None:
            table = _split(header["name"])
            yield number, table
            continue
        if assigned is not None:
            yield number, (*table, *_split(assigned["name"]))
        bare = _QUOTED_OR_COMMENT.sub("", line)
        depth = max(0, depth + sum(bare.count(mark) for mark in "[{") - sum(bare.count(mark) for mark in "]}"))


def _in_list(lines: list[str], start: int, index: int) -> int:
    """The line in which the table `index` of a list of inline tables begins."""
    seen = -1
    for number in range(start, len(lines) + 1):
        seen += _QUOTED_OR_COMMENT.sub("", lines[number - 1]).count("{")
        if seen >= index:
            return number
    return start


def _split(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, dt.date) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
