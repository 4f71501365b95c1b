"""What the counting problem gives the machinery."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.problem import Problem


def _generate(numbers: Mapping[str, Any], secret: bytes) -> Mapping[str, bytes]:
    draw = random.Random(secret)
    words = ["".join(draw.choices("abcdefgh", k=12)) for _ in range(int(numbers["words"]))]
    return {"words.tsv": "".join(f"{word}\t{len(set(word))}\n" for word in words).encode()}


def _words(data: Path) -> list[tuple[str, int]]:
    rows = (line.split("\t") for line in (data / "words.tsv").read_text(encoding="utf-8").splitlines())
    return [(word, int(count)) for word, count in rows]


PROBLEM = Problem(exports={"counting": ("distinct",)}, fixtures={"words": _words}, generate=_generate)
