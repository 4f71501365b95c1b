"""What problem 4 gives the machinery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.problem import Problem


def _generate(numbers: Mapping[str, Any], secret: bytes) -> Mapping[str, bytes]:
    from harness.problems.translation.dataset import generate, render  # staff's: students have no generator

    return render(generate(numbers, secret))


PROBLEM = Problem(generate=_generate)
