"""What is known of one upload of a class: whose it is, how far its grade is, and its results, now and before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

#: results.json, read; its keys are those of the platform.
Results = Mapping[str, Any]


class State(Enum):
    """How far the grade of an upload is."""

    WAITING = "waiting"
    RUNNING = "running"
    GRADED = "graded"
    SET_ASIDE = "set aside"  #: not graded after a bounded number of tries, or never could be; Record.reason says why


@dataclass(frozen=True)
class Submitter:
    """One of the people who uploaded it, as the class export names them."""

    name: str | None
    sid: str | None  #: the student's number, with leading zeros
    email: str | None


@dataclass(frozen=True)
class Attempt:
    """An upload of the same people before the active one, of which the export keeps the results alone."""

    created_at: datetime | None
    results: Results | None


@dataclass(frozen=True)
class Record:
    """One upload of a class."""

    submission: str  #: its key in the export, such as submission_216000001, or the name of its folder or zip
    pseudonym: str  #: stands for the people everywhere outside the journal's folder
    submitters: tuple[Submitter, ...]  #: none where no metadata says whose it is
    created_at: datetime | None
    state: State
    reason: str  #: one sentence where it is set aside, else empty
    upload: Path | None  #: the folder or zip; None where the export lacks it
    results: Results | None  #: of the last finished grade
    previous: Results | None  #: of the run before that, or what the export brought; None where there is neither
    history: tuple[Attempt, ...]
    cpu_seconds: float | None  #: of the last finished grade, whole
    wall_seconds: float | None
    peak_bytes: int | None  #: the most memory that its processes held
