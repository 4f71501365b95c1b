"""Where in a student's own code an exception came from: of the lines that it passed, the innermost of theirs.

Promises: no line of code that was given out is named, since nothing there is to be changed. In a file with marked
places the lines between the markers are the student's; a file without markers is theirs, unless it was given out as it
is. Nothing here reads beyond the staged tree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from harness.intake.blocks import blocks
from harness.sandbox import Frame, RemoteError

_LARGEST_SOURCE = 1 << 20


def where(error: RemoteError | None, tree: Path, given: Collection[str] = ()) -> str:
    """A place such as `at submission/helper.py:74 in finetune`, or no more than the function; empty where none is.

    Args:
        error: what the student's code raised.
        tree: holds the package folder.
        given: names of the files that were given out as they are.
    """
    frames = error.frames if error is not None else ()
    for frame in reversed(frames):
        if is_own(frame, tree, given):
            return f"at {frame.file}:{frame.line} in {frame.function}"
    return _outside(frames, given)


def is_own(frame: Frame, tree: Path, given: Collection[str] = ()) -> bool:
    """Whether a line is the student's to change."""
    if PurePosixPath(frame.file).name in given:
        return False
    places = _places(tree, frame.file)
    return places is None or any(first <= frame.line <= last for first, last in places)


def _outside(frames: Sequence[Frame], given: Collection[str]) -> str:
    """The function around the student's place, or the file that was given out, without a line."""
    for frame in reversed(frames):
        if PurePosixPath(frame.file).name not in given:
            return f"in {frame.function} of {frame.file}, outside of your places"
    return f"in {frames[-1].file}, on behalf of your code" if frames else ""


def _places(tree: Path, file: str) -> list[tuple[int, int]] | None:
    """First and last line of each marked place; None in a file without any."""
    return blocks(_lines(tree, file)) or None


def _lines(tree: Path, file: str) -> Sequence[str]:
    path = tree / file
    try:
        inside = ".." not in Path(file).parts and path.resolve() == tree.resolve() / file
        if not inside or path.stat().st_size > _LARGEST_SOURCE:
            return ()
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return ()
