"""Whether translations are the uploaded model's: the grader asks its numbers, and no word of the student's code.

Staff's alone: the probe knows what a decoder computes. All lines of a file are asked for again, each in one pass over
prompt and line together. Lines of the reference's models agree but for rounding (`_lines.TIE`); a file that somebody
else's model wrote, or that was improved by hand, does not.
"""

from __future__ import annotations

from typing import Any

from harness.assignment import Assignment, Deliverable
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.predictions import parse
from harness.probes import translated
from harness.problems.translation.models import LONGEST
from harness.problems.translation.sentences import Gold, Pair
from harness.problems.translation.vocabularies import Vocabulary, joint, prompt_of


def expect_own(student: Student, name: str, gold: Gold, assignment: Assignment, for_staff: dict[str, Any]) -> None:
    """A Failure unless the lines of predictions file `name` are what the uploaded model writes.

    The file is one that `checks.judge` accepted. Leaves for staff what was found; where assignment.toml says "report",
    that is all, and where it says "off", nothing is asked.
    """
    rules = assignment.problem("translation").settings["provenance"]
    if rules["mode"] == "off":
        return
    predictions, pairs = assignment.uploads_by_name[name], getattr(gold, name.split(".")[-2])
    student.file(predictions.made_from)
    try:
        given = _given(student, predictions, pairs, joint(gold), for_staff)
        if sum(given) < rules["agreement"] * len(pairs):
            raise _failure(predictions, sum(given), len(pairs))
    except Failure as failure:
        for_staff["provenance"] = {**for_staff.get("provenance", {}), "doubt": failure.seen[:300]}
        if rules["mode"] == "score":
            raise


def _given(
    student: Student, predictions: Deliverable, pairs: tuple[Pair, ...], words: Vocabulary, for_staff: dict[str, Any]
) -> list[bool]:
    """Which lines the model writes; a Failure where the file holds no decoder for this term's words."""
    lines = parse(student.file(predictions.name).read_bytes())[: len(pairs)]
    found = student.read(
        translated.lines,
        name=predictions.made_from,
        words=len(words),
        prompts=[prompt_of(pair.french, words) for pair in pairs],
        answers=[words.encode(line, unknown=-1)[: 4 * LONGEST] for line in lines],
        limit=LONGEST + 1,
    )
    if found["problem"]:
        raise Failure(
            expected=f"{predictions.made_from}: the params of a decoder, as train() writes them",
            seen=f"{predictions.made_from}: {found['problem']}",
            hint=f"translations count for what {predictions.made_from} writes: it must be the file they were made with",
            public=True,
        )
    given = [each is True for each in found["given"]]
    for_staff["provenance"] = {"asked": len(given), "given": sum(given), "heads": found["heads"]}
    return given


def _failure(predictions: Deliverable, given: int, asked: int) -> Failure:
    return Failure(
        expected=f"{predictions.name}: the translations that {predictions.made_from} writes",
        seen=f"too many lines are others ({given} of {asked} are its own)",
        hint=f"run {predictions.typed} again: params and translations must be of one and the same training",
        public=True,
    )
