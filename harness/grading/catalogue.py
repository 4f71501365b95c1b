"""The list of all claims: ID, title, points, part and kind, read from the claims themselves.

Importing the claims is safe and light: they are ours, and they import neither torch nor anything of a student.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal

from harness.assignment import Assignment
from harness.errors import HarnessFault, UsageProblem

ClaimKind = Literal["basic", "hidden"]
PACKAGES: dict[ClaimKind, str] = {"basic": "harness.tests_basic", "hidden": "harness.tests_hidden"}
_ID = re.compile(r"(?P<part>\d[a-z])-(?P<serial>\d+)-(?P<kind>basic|hidden)")


@dataclass(frozen=True)
class ClaimInfo:
    """One claim as everyone may see it: nothing here tells what a hidden claim does beyond its title."""

    id: str
    title: str
    part: str
    points: float
    kind: ClaimKind
    module: str
    function: str

    @property
    def node(self) -> str:
        """The claim's place, as `module::function`."""
        return f"{self.module}::{self.function}"


def collect(kinds: Iterable[ClaimKind] = ("basic", "hidden")) -> tuple[ClaimInfo, ...]:
    """All claims of these kinds in the order of their IDs.

    A package that is not there counts as empty: students have no hidden one.

    Raises:
        HarnessFault: a claim lacks its ID, points or docstring, or two share an ID.
    """
    claims = sorted((claim for kind in kinds for claim in _claims_of(kind)), key=lambda claim: _order(claim.id))
    for before, after in pairwise(claims):
        if before.id == after.id:
            raise HarnessFault(
                f"{after.module}: claim ID {after.id} is taken by {before.node}; give it the next free number"
            )
    return tuple(claims)


def select(claims: Iterable[ClaimInfo], wanted: str | None) -> tuple[ClaimInfo, ...]:
    """The claims that `wanted` names: one ID (`1e-2-hidden`), a part (`1e`), a problem (`3`), or None for all."""
    claims = tuple(claims)
    if wanted is None:
        return claims
    chosen = tuple(claim for claim in claims if wanted in (claim.id, claim.part, claim.part[0]))
    if not chosen:
        raise UsageProblem(
            f"no claim '{wanted}' here: use a part such as 1e or one of {', '.join(c.id for c in claims)}"
        )
    return chosen


def check_points(claims: Iterable[ClaimInfo], assignment: Assignment) -> None:
    """HarnessFault unless the claims' points add up to those of each part in assignment.toml."""
    sums: dict[str, float] = {}
    for claim in claims:
        sums[claim.part] = sums.get(claim.part, 0) + claim.points
    declared = {part.id: float(part.points) for part in assignment.parts}
    if sums != declared:
        wrong = sorted(part for part in sums.keys() | declared.keys() if sums.get(part) != declared.get(part))
        detail = "; ".join(f"{p}: claims {sums.get(p, 0):g}, assignment.toml {declared.get(p, 0):g}" for p in wrong)
        raise HarnessFault(f"assignment.toml and the claims disagree on points: {detail}")


def _claims_of(kind: ClaimKind) -> Iterator[ClaimInfo]:
    try:
        package = importlib.import_module(PACKAGES[kind])
    except ModuleNotFoundError as missing:
        if missing.name == PACKAGES[kind]:
            return
        raise
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name.startswith("test_"):
            yield from _claims_in(importlib.import_module(f"{package.__name__}.{entry.name}"), kind)


def _claims_in(module: ModuleType, kind: ClaimKind) -> Iterator[ClaimInfo]:
    for name, function in vars(module).items():
        if name.startswith("test_") and inspect.isfunction(function) and function.__module__ == module.__name__:
            yield _describe(module, name, function, kind)


def _describe(module: ModuleType, name: str, function: Callable[..., Any], kind: ClaimKind) -> ClaimInfo:
    place = f"{module.__name__}.{name}"
    number, weight = getattr(function, "__number__", None), getattr(function, "__weight__", None)
    found = _ID.fullmatch(str(number))
    if found is None or found["kind"] != kind:
        raise HarnessFault(f"{place}: @number must be like 1e-2-{kind}, not {number!r}")
    if not isinstance(weight, (int, float)) or weight < 0:
        raise HarnessFault(f"{place}: @weight must give its points, not {weight!r}")
    title = (inspect.getdoc(function) or "").partition("\n")[0].strip()
    if not title:
        raise HarnessFault(f"{place}: its docstring's first line must say the property to the student")
    return ClaimInfo(str(number), title, found["part"], float(weight), kind, module.__name__, name)


def _order(claim_id: str) -> tuple[str, int]:
    part, serial, _ = claim_id.split("-")
    return part, int(serial)
