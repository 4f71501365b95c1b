"""The answers, read when a graded test first asks: after the upload was staged and the zygote started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.problems.birthplaces.predictions import Question, load_gold


@dataclass(frozen=True)
class Gold:
    """The answers of one dataset."""

    data: Path

    @cached_property
    def dev(self) -> tuple[Question, ...]:
        """Questions and answers of birth_dev.tsv."""
        return load_gold(self.data / "birth_dev.tsv")

    @cached_property
    def test(self) -> tuple[Question, ...]:
        """Questions and answers of birth_test.tsv, which no student has."""
        return load_gold(self.data / "birth_test.tsv")
