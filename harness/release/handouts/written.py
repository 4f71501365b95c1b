"""The questions of a written part, as the handout asks them where a course leaves space for answers by hand.

Promises: questions come from the LaTeX that students fill in, so that no second copy of them can go stale. Nothing of
an answer is looked at.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import settings
from harness.assignment import Assignment
from harness.errors import InternalError, SettingsError, UsageError

_CUT = "HOLDOUT CUTS HERE"
_QUESTION = re.compile(r"^\\question\{(?P<label>\d[a-z][^}]*)\}\{", re.MULTILINE)


def spaces(
    wanted: Mapping[str, float], assignment: Assignment, course: Path, reference: Path
) -> dict[str, list[dict[str, Any]]]:
    """Part -> the questions to ask below it: label, text as Markdown, centimetres of space.

    Raises:
        SettingsError: there is no such question, with the line in `course`.
        UsageError: a written part cannot be read.
    """
    if not wanted:
        return {}
    asked = [pair for entry in assignment.problems if entry.written for pair in questions(reference / entry.written)]
    known = {label: text for label, text in asked if label[:2] in assignment.parts_by_id}
    for label in wanted:
        if label not in known:
            told = f"no such question in a written part; there are {', '.join(known) or 'none'}"
            raise SettingsError(f"{settings.place(course, ('answer_space', label))}: answer_space.{label}: {told}")
    chosen = [label for label in known if label in wanted]
    found: dict[str, list[dict[str, Any]]] = {}
    for label, text in zip(chosen, as_markdown(course, [known[each] for each in chosen]), strict=True):
        found.setdefault(label[:2], []).append({"label": label, "text": text, "space": f"{wanted[label]:g}cm"})
    return found


def questions(tex: Path) -> Iterator[tuple[str, str]]:
    """Label and LaTeX of each question, in order; UsageError where the file cannot be read."""
    try:
        text = tex.read_text(encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{tex}: cannot read the written part ({problem.strerror})") from problem
    for match in _QUESTION.finditer(text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield match["label"], text[match.end() : at - 1]


def as_markdown(shown: Path, fragments: Sequence[str]) -> list[str]:
    """LaTeX fragments through pandoc, all at once; `shown` is the file that a complaint names."""
    import pypandoc

    command = [
        str(pypandoc.get_pandoc_path()),
        "--from=latex",
        "--to=markdown",
        "--wrap=preserve",
        "--fail-if-warnings",
    ]
    joined = f"\n\n{_CUT}\n\n".join(fragments)
    done = subprocess.run(command, input=joined.encode(), capture_output=True, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        raise InternalError(f"{shown}: pandoc does not read the written part: {told}")
    return [text.strip() for text in done.stdout.decode().split(_CUT)]
