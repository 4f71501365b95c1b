"""What problem 3 gives the machinery."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.problem import Problem


def _handout(root: Path) -> Mapping[str, Any]:
    from harness.problems.attention.pictures import for_handout  # needs matplotlib, which only staff have for sure

    return for_handout(root / "reference_solution" / "src" / "submission" / "attention_exploration.py")


PROBLEM = Problem(torch=False, handout=_handout)
