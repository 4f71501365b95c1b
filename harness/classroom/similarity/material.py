"""What is compared, and what a look at it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sketch:
    """A params file: a digest of all its numbers, how many bytes they are, and some of them, evenly spaced."""

    digest: str
    size: int
    sample: tuple[float, ...]  #: none where their type is another one
    moved: int  #: of how many numbers the sample is taken


@dataclass(frozen=True)
class Material:
    """Of one upload: fingerprints of what students wrote, their wrong answers by question, their models."""

    submission: str
    code: frozenset[int] = frozenset()
    answers: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    params: Mapping[str, Sketch] = field(default_factory=dict)
    is_earlier: bool = False
    problem: str = ""  #: why nothing of it could be read


@dataclass(frozen=True)
class Pair:
    """Two uploads of different people that share something."""

    kind: str  #: "code", "answers" or "params"
    file: str  #: in which it was seen
    first: str  #: submission
    second: str  #: submission, or the name of an upload of an earlier term
    told: str  #: the numbers, as a sentence
    weight: float  #: what is the more surprising comes first
    numbers: Mapping[str, float] = field(default_factory=dict)
    is_earlier: bool = False  #: whether `second` is of an earlier term


@dataclass(frozen=True)
class Common:
    """What many uploads of the class share, so that it tells no pair apart."""

    kind: str
    file: str
    submissions: tuple[str, ...]
    told: str


@dataclass(frozen=True)
class Found:
    """What one look found."""

    pairs: tuple[Pair, ...] = ()
    common: tuple[Common, ...] = ()
    notes: tuple[str, ...] = ()


def many(class_size: int) -> int:
    """How many uploads that share a thing are too many to suspect anyone: the thing is common then."""
    return max(4, round(0.02 * class_size))
