"""What changed from the run before to this one: per upload, with who loses points first, and per graded test. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.classroom.reading import PASS, Line, Upload


@dataclass(frozen=True)
class Change:
    """An upload whose score or verdicts differ from those of the run before."""

    upload: Upload
    before: float
    now: float
    lost: tuple[str, ...]  #: IDs of the graded tests that held and do not now
    gained: tuple[str, ...]

    @property
    def points(self) -> float:
        """What the upload gains; below 0 where it loses."""
        return self.now - self.before


@dataclass(frozen=True)
class TestChange:
    """A graded test whose verdict differs for some uploads."""

    test: str
    lost: int
    gained: int


@dataclass(frozen=True)
class Differences:
    """All that differs; `compared` uploads have results of both runs."""

    compared: int
    changes: tuple[Change, ...]
    tests: tuple[TestChange, ...]
    added: tuple[str, ...]  #: graded tests that no upload had in the run before
    gone: tuple[str, ...]  #: and those that none has now


def differences(uploads: Sequence[Upload]) -> Differences:
    """Compare every upload that both runs graded."""
    both = [each for each in uploads if each.is_graded and each.before.score is not None]
    changes = [change for upload in both if (change := _change(upload)) is not None]
    lost = Counter(test for change in changes for test in change.lost)
    gained = Counter(test for change in changes for test in change.gained)
    now = {test for upload in both for test in upload.now.lines}
    before = {line.test for upload in both for line in _before(upload).values()}
    tests = sorted(lost.keys() | gained.keys(), key=lambda test: (-lost[test], -gained[test], test))
    return Differences(
        compared=len(both),
        changes=tuple(sorted(changes, key=lambda each: (each.points, -len(each.lost), each.upload.label))),
        tests=tuple(TestChange(test, lost[test], gained[test]) for test in tests),
        added=tuple(sorted(now - before)) if before else (),
        gone=tuple(sorted(before - now)) if before else (),
    )


def _change(upload: Upload) -> Change | None:
    before, now = upload.before.score or 0.0, upload.now.score or 0.0
    pairs = list(_pairs(upload))
    lost = tuple(new.test for old, new in pairs if old.outcome == PASS and new.outcome != PASS)
    gained = tuple(new.test for old, new in pairs if old.outcome != PASS and new.outcome == PASS)
    if not lost and not gained and abs(now - before) < 1e-9:
        return None
    return Change(upload, before, now, lost, gained)


def _pairs(upload: Upload) -> Iterator[tuple[Line, Line]]:
    before = _before(upload)
    for test, line in upload.now.lines.items():
        if test in before:
            yield before[test], line


def _before(upload: Upload) -> Mapping[str, Line]:
    """The lines of the run before by the IDs of this one: a document without numbers is matched by its titles."""
    ids = {line.title: test for test, line in upload.now.lines.items()}
    found: dict[str, Line] = {}
    for test, line in upload.before.lines.items():
        known = test if test in upload.now.lines else ids.get(line.title, test)
        found[known] = Line(known, line.title, line.score, line.points, line.outcome, line.message, line.extra)
    return found
