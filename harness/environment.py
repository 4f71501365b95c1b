"""Whether this Python has what a command needs: asked before anything runs, answered in one sentence.

Imports nothing but the standard library, and reads versions from what is installed, so nothing is imported to find out.
What stands first on the path counts, as it does for an import.
"""

from __future__ import annotations

import importlib.util
import operator
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

Version = tuple[int, ...]

_LINE = re.compile(r"(?P<name>[\w.-]+)\s*(?P<bounds>[^;#]*)(?:;\s*python_version\s*<\s*[\"'](?P<before>[\d.]+)[\"'])?")
_BOUND = re.compile(r"(?P<sign>>=|<=|==|!=|<|>)\s*(?P<version>[\w.]+)")
_HOLDS = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def require(requirements: Path) -> None:
    """End the program with a sentence unless the packages of a requirements.txt are here; nothing where it is not."""
    if not requirements.is_file():
        return
    lacking = list(complaints(requirements.read_text(encoding="utf-8")))
    if lacking:
        print(
            f"error: {'; '.join(lacking)}; install what is asked for with\n"
            f'    "{sys.executable}" -m pip install -r "{requirements}"\n'
            "or use the Python in which you have done so",
            file=sys.stderr,
        )
        raise SystemExit(2)


def complaints(text: str) -> Iterator[str]:
    """What is missing, or here in a version that does not do, of the lines `name>=1,<2` of a requirements.txt."""
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if found is None or (found["before"] and sys.version_info[:2] >= _version(found["before"])):
            continue
        name, bounds = found["name"], found["bounds"].strip()
        here = _installed(name)
        if here is None:
            yield f"{name} is not installed"
        elif here and not _fits(here, bounds):
            yield f"{name} is {here} here, and {bounds} is needed"


def _installed(name: str) -> str | None:
    """The version of a package; empty where it tells none, and None where there is no such package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "" if importlib.util.find_spec(name.replace("-", "_")) else None


def _fits(here: str, bounds: str) -> bool:
    return all(_HOLDS[bound["sign"]](*_even(here, bound["version"])) for bound in _BOUND.finditer(bounds))


def _even(*texts: str) -> tuple[Version, ...]:
    """The versions with zeros behind the shorter ones: 2.10 is 2.10.0."""
    versions = [_version(text) for text in texts]
    longest = max(map(len, versions))
    return tuple(version + (0,) * (longest - len(version)) for version in versions)


def _version(text: str) -> Version:
    """The numbers of a version's release, without what says how it was built: 2.10.0+cpu -> (2, 10, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
