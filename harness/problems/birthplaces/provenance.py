"""What the numbers in an uploaded params file answer, asked without any of the student's code.

Staff's alone: the probe knows what a perceiver's blocks compute.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.probes import uploaded


def given(
    student: Student,
    params: str,
    variant: str,
    vocabulary: list[str],
    questions: Sequence[str],
    lines: Sequence[str],
) -> tuple[list[bool], str]:
    """For each line whether the model in the file `params` answers it to its question, and how the file was read.

    Raises:
        Failure: the file is no model of this variant and vocabulary.
    """
    found = student.read(
        uploaded.answers, name=params, variant=variant, vocabulary=vocabulary, questions=list(questions),
        lines=list(lines),
    )  # fmt: skip
    if found["problem"]:
        raise Failure(
            expected=f"{params}: the params of a {variant} model, as train() writes them",
            seen=f"{params}: {found['problem']}",
            hint=f"predictions count for what {params} answers: upload the file that they were made with",
            public=True,
        )
    return [each is True for each in found["given"]], found["reading"]
