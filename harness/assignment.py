"""assignment.toml, the single manifest, as frozen dataclasses.

Promises: a manifest that loads is complete and consistent in itself. Does not check it against the graded tests; the
catalogue does that.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The folder that holds `harness/` and `assignment.toml`: the checkout, or Gradescope's /autograder/source.
ROOT = Path(__file__).resolve().parent.parent

Kind = Literal["code", "params", "predictions"]


@dataclass(frozen=True)
class Part:
    """A part of the handout, such as 1e, with the points of all its graded tests together."""

    id: str
    title: str
    points: int
    extra_credit: bool = False


@dataclass(frozen=True)
class Deliverable:
    """A file that students upload, or may upload."""

    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True)
class Thresholds:
    """Least accuracies, as fractions of the questions."""

    vanilla: float
    perceiver: float


@dataclass(frozen=True)
class RunLimits:
    """How long (seconds) and how large (MiB) grading may get."""

    run_seconds: float
    test_seconds: float
    cpu_seconds: int
    memory_mib: int
    file_mib: int


@dataclass(frozen=True)
class Provenance:
    """Whether predictions are compared with what the uploaded models answer, and what follows."""

    mode: Literal["off", "report", "score"]
    questions: int
    agreement: float

    def __post_init__(self) -> None:
        if self.mode not in ("off", "report", "score"):
            raise TypeError(f"[provenance] mode = {self.mode!r}: choose off, report or score")


@dataclass(frozen=True)
class Preset:
    """A training size by name; `dataset` holds the generator's numbers."""

    name: str
    dataset: Mapping[str, int | float | str]


@dataclass(frozen=True)
class Assignment:
    """Everything that assignment.toml says. `deliverables` are what a complete upload holds, `optional` what it may."""

    title: str
    parts: tuple[Part, ...]
    deliverables: tuple[Deliverable, ...]
    optional: tuple[Deliverable, ...]
    thresholds: Thresholds
    limits: RunLimits
    provenance: Provenance
    presets: Mapping[str, Preset]

    @cached_property
    def parts_by_id(self) -> Mapping[str, Part]:
        """The parts, by ID."""
        return {part.id: part for part in self.parts}

    @property
    def uploads(self) -> tuple[Deliverable, ...]:
        """Everything that is taken from an upload: the deliverables, then the optional ones."""
        return (*self.deliverables, *self.optional)

    @property
    def points(self) -> int:
        """The full score, extra credit aside."""
        return sum(part.points for part in self.parts if not part.extra_credit)

    @property
    def extra_points(self) -> int:
        """What extra credit adds at most."""
        return sum(part.points for part in self.parts if part.extra_credit)

    def preset(self, name: str) -> Preset:
        """The preset `name`; UsageError with the known names otherwise."""
        if name not in self.presets:
            raise UsageError(f"no preset '{name}' in assignment.toml: choose one of {', '.join(sorted(self.presets))}")
        return self.presets[name]


def load(path: Path | None = None) -> Assignment:
    """Read `path` (default: `ROOT/assignment.toml`).

    Raises:
        UsageError: the file is missing, is not TOML, or lacks or misnames a key.
    """
    path = path or ROOT / "assignment.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the assignment's manifest ({problem.strerror})") from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not valid TOML: {problem}") from problem
    try:
        return _build(raw)
    except (KeyError, TypeError) as problem:
        raise UsageError(f"{path}: missing or misnamed key: {problem}") from problem


def _build(raw: Mapping[str, Any]) -> Assignment:
    kinds: tuple[Kind, ...] = ("code", "params", "predictions")
    return Assignment(
        title=raw["title"],
        parts=tuple(Part(**part) for part in raw["parts"]),
        deliverables=tuple(Deliverable(name, kind) for kind in kinds for name in raw["deliverables"][kind]),
        optional=tuple(Deliverable(name, "code", optional=True) for name in raw["deliverables"].get("optional", ())),
        thresholds=Thresholds(**raw["thresholds"]),
        limits=RunLimits(**raw["limits"]),
        provenance=Provenance(**raw["provenance"]),
        presets={name: Preset(name, dict(preset["dataset"])) for name, preset in raw["presets"].items()},
    )
