"""The answers and the text, read when a graded test first asks: after the upload was staged and the zygote started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.problems.birthplaces.predictions import Question, load_documents, load_gold
from harness.problems.birthplaces.spans import expected_vocabulary


@dataclass(frozen=True)
class Gold:
    """The answers and the text of one dataset."""

    data: Path

    @cached_property
    def dev(self) -> tuple[Question, ...]:
        """Questions and answers of birth_dev.tsv."""
        return load_gold(self.data / "birth_dev.tsv")

    @cached_property
    def test(self) -> tuple[Question, ...]:
        """Questions and answers of birth_test.tsv, which no student has."""
        return load_gold(self.data / "birth_test.tsv")

    @cached_property
    def documents(self) -> tuple[str, ...]:
        """The pretraining text, a document a line."""
        return load_documents(self.data / "wiki.txt")

    @cached_property
    def vocabulary(self) -> list[str]:
        """The characters that a model of this text knows, by index."""
        return expected_vocabulary(self.documents)
