"""Assignments that differ from the shipped one in a word or two."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from harness.assignment import Assignment, Part
from harness.manifest import load


def with_problem(name: str, assignment: Assignment | None = None, **changes: Any) -> Assignment:
    """The assignment with other fields of one problem."""
    assignment = assignment or load()
    problems = (dataclasses.replace(p, **changes) if p.name == name else p for p in assignment.problems)
    return dataclasses.replace(assignment, problems=tuple(problems))


def with_parts(change: Callable[[Part], Part]) -> Assignment:
    """The assignment with every part changed."""
    told = load()
    problems = (dataclasses.replace(p, parts=tuple(change(part) for part in p.parts)) for p in told.problems)
    return dataclasses.replace(told, problems=tuple(problems))


def without(*names: str) -> Assignment:
    """The assignment with these problems switched off."""
    told = load()
    off = tuple(dataclasses.replace(each, enabled=False) for each in told.problems if each.name in names)
    on = tuple(each for each in told.problems if each.name not in names)
    return dataclasses.replace(told, problems=on, disabled=(*told.disabled, *off))


def with_only(*names: str) -> Assignment:
    """The assignment with these problems alone, whatever is on as shipped."""
    told = load()
    problems = [dataclasses.replace(each, enabled=each.name in names) for each in (*told.problems, *told.disabled)]
    on, off = (tuple(each for each in problems if each.enabled is wanted) for wanted in (True, False))
    return dataclasses.replace(told, problems=on, disabled=off)
