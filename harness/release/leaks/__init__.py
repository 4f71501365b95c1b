"""The leak check: every byte that leaves the house, looked at by every rule, on the finished artefacts.

Promises: reads what was made, not what it was made from; returns every finding. Student artefacts get all rules. The
autograder's zip holds the solution and the answers on purpose: there only the list, the kinds and the key are checked.

`artefacts` digs out all that can be read, `rules` looks for solutions, `secretrules` for hidden graded tests, answers
and the key; `words` compares texts for both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.release.leaks.artefacts import UNREADABLE, Piece, pieces
from harness.release.leaks.rules import Canaries, Code, Excuse, Leak, Markers, Names, Prose, Reading, Rule
from harness.release.leaks.secretrules import Answers, HiddenTests, Key
from harness.release.strip.blocks import Block

_NEVER = frozenset({".pyc", ".pyo", ".params", ".predictions", ".pt", ".pkl", ".key"})


@dataclass(frozen=True)
class Secrets:
    """What must not get out, and what may."""

    blocks: tuple[Block, ...]
    public: Mapping[str, bytes]  # the template: what students are meant to read
    hidden: Mapping[str, str]  # hidden graded tests' sources by path
    answers: tuple[bytes, ...]  # files of `question<tab>answer` lines that only staff have
    told: frozenset[bytes]  # files that tell answers on purpose
    key: bytes | None
    seeds: bytes = b""  # the secret behind the seeds of hidden graded tests


@dataclass(frozen=True)
class Artefact:
    """A finished file. `entries`: what may lie in it, where it is a zip."""

    place: str
    data: bytes
    entries: frozenset[str] = frozenset()
    for_students: bool = True


def check(
    artefacts: Iterable[Artefact], secrets: Secrets, *, names: Sequence[Excuse] = (), passages: Sequence[Excuse] = ()
) -> list[Leak]:
    """All findings in all artefacts, in order, but for the `names` and the pieces of code or prose that are excused."""
    key = (Key(secrets.key),) if secrets.key else ()
    student_rules: tuple[Rule, ...] = (
        Markers(),
        Canaries(secrets.blocks),
        Names(secrets.blocks, secrets.public, names),
        Code(secrets.blocks, secrets.public, passages),
        Prose(secrets.blocks, secrets.public, passages),
        HiddenTests(secrets.hidden),
        *(Answers(each, secrets.told) for each in secrets.answers),
        *key,
        *((Key(secrets.seeds, "the secret behind the seeds of hidden graded tests"),) if secrets.seeds else ()),
    )
    found: set[Leak] = set()
    for artefact in artefacts:
        rules = student_rules if artefact.for_students else key
        for piece in pieces(artefact.place, PurePosixPath(artefact.place).name, artefact.data):
            found.update(_kinds(piece, artefact))
            if not _is_zip(piece):  # its own bytes would say everything twice: what it holds follows by itself
                reading = Reading(piece)
                found.update(leak for rule in rules for leak in rule.look(reading))
    return sorted(found)


def _kinds(piece: Piece, artefact: Artefact) -> Iterator[Leak]:
    """What may not be in a release whatever it says: unlisted files, kinds that are made by running, outputs."""
    if piece.made_of == UNREADABLE:
        yield Leak(piece.place, 0, "cannot be opened: nobody knows what it holds", "unreadable")
    entry = piece.place.removeprefix(f"{artefact.place}!/")
    if piece.made_of or entry == piece.place:
        return
    path = PurePosixPath(entry)
    if entry not in artefact.entries:
        yield Leak(piece.place, 0, "not on the release list", "list")
    elif path.suffix in _NEVER or ".git" in path.parts or "__pycache__" in path.parts:
        yield Leak(piece.place, 0, f"a {path.suffix or path.name} file is never released", "kind")
    if path.suffix == ".ipynb" and _has_run(piece.data):
        yield Leak(piece.place, 0, "a notebook with outputs, counts or attachments of a run", "kind")


def _has_run(data: bytes) -> bool:
    try:
        cells = json.loads(data)["cells"]
        return any(cell.get("outputs") or cell.get("execution_count") or cell.get("attachments") for cell in cells)
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _is_zip(piece: Piece) -> bool:
    return piece.data.startswith((b"PK\x03\x04", b"PK\x05\x06"))
