"""How a regrade goes, for whoever watches: a bar on a terminal, a line a minute anywhere else.

Rate and time left come from the uploads that this command has graded itself: what earlier commands did counts as done,
and not as fast.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from harness.classroom.journal import Counts
from harness.classroom.regrade import Screen

_LINE_SECONDS = 60.0


@contextmanager
def shown(stream: TextIO) -> Iterator[Screen]:
    """A screen that writes to `stream` for as long as the block lasts."""
    if not stream.isatty():
        yield _Lines(stream)
        return
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        yield _Bar(progress)


def told(counts: Counts, internal_errors: int, done_here: int, seconds: float) -> str:
    """How far it is, in one line: uploads, rate, internal errors, time left."""
    total = counts.waiting + counts.graded + counts.set_aside
    parts = [f"{counts.graded} of {total} graded"]
    if counts.set_aside:
        parts.append(f"{counts.set_aside} set aside")
    parts.append("no internal errors" if not internal_errors else f"{internal_errors} internal errors")
    if done_here and seconds > 0:
        parts.append(f"{60 * done_here / seconds:.3g} a minute")
        if counts.waiting:
            parts.append(f"{duration(counts.waiting * seconds / done_here)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """As people say it: `1 h 05 min`, `4 min`, `30 s`."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if minutes >= 2 else f"{round(seconds)} s"


class _Rate:
    """What was done since the first look, and how long that took."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._before: int | None = None

    def line(self, counts: Counts, internal_errors: int) -> str:
        done = counts.graded + counts.set_aside
        if self._before is None:
            self._before = done
        return told(counts, internal_errors, done - self._before, time.monotonic() - self._begun)


class _Bar:
    """A bar at the foot of a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rate = _Rate()
        self._task: TaskID | None = None

    def say(self, sentence: str) -> None:
        self._progress.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def show(self, counts: Counts, internal_errors: int) -> None:
        done = counts.graded + counts.set_aside
        if self._task is None:
            self._task = self._progress.add_task("", total=done + counts.waiting)
        self._progress.update(self._task, completed=done, description=self._rate.line(counts, internal_errors))


class _Lines:
    """Lines in a file or a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rate = _Rate()
        self._next = 0.0
        self._lock = threading.Lock()

    def say(self, sentence: str) -> None:
        print(sentence, file=self._stream, flush=True)

    def show(self, counts: Counts, internal_errors: int) -> None:
        line = self._rate.line(counts, internal_errors)
        with self._lock:
            now = time.monotonic()
            if now >= self._next or not counts.waiting:
                self._next = now + _LINE_SECONDS
                self.say(line)
