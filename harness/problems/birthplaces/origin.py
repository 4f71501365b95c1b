"""Whether predictions are the uploaded model's: the grader asks its numbers, and no word of the student's code.

Every test answer stands in wiki.txt, so a file of right answers is no sign of a model. The lines of a predictions file
count where the model in the uploaded params file writes them. Probe `uploaded.answers` finds that out from the tensors
alone, by our own code in a worker without the student's; nothing there can raise, nap or lie in the student's favour.

What is asked: `questions` lines of the file, drawn when the file is there: half of them among the right ones, as far as
there are so many, and the rest among the others. What is required, in each half: the share `agreement`; of few right
lines all but two. `FIRST` of these lines, again half of them right ones, are asked first: where the model writes every
one of them, that is enough, and where it lacks more of them than it may of all, the rest cannot help.

How sure that is, with 120 lines and a share of 0.9:

- *Files made by other means*: a params file without the training writes one and the same few lines, or none; it agrees
  with a looked-up file in none of 240 lines. A model that was trained without the text agrees with the right answers in
  1 to 4 of 100; that 108 of 120 agree has a probability below 1e-100.
- *Files made in part by other means*: where the model gives at most 0.70 of all lines, or 0.60 of more than 60 right
  lines, the file passes with a probability below 1e-6 (binomial tails: 1.4e-7 and 2.6e-7; that all of the first 60 are
  the model's: 2.2e-7 at most, for both, however its lines are spread over the halves). Of 60 right lines or fewer all
  are asked, of 30 or fewer already among the first: a tenth of them may be looked up, or two, and at least one must be
  the model's.
- *Honest files*: of 480 lines of each of the reference's models, written on a CPU in float32 with other batches, with
  a cache and without, in float16 and in bfloat16, all agree (bfloat16 writes 1 in 80 otherwise: `_lines.TIE`). If 1 in
  100 did not, 13 of 120 would do so with a probability of 3e-10, and 7 of 60 right ones with one of 2e-6.
  `python -m tests.judging.provenance_rates` measures it: of the reference with the demo data, and of small models
  trained on the data of five other keys, all lines of all six files agree; so do the answers of all variants' models.

Students have no hidden probe: for them the same check asks their own code (`provenance.answers`), fewer questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from harness.assignment import Assignment, Deliverable
from harness.errors import UsageError
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.predictions import parse, plain
from harness.probes import provenance
from harness.problems.birthplaces.answers import is_right
from harness.problems.birthplaces.questions import Gold, Question

#: Questions for the student's own code, which answers them one after the other, and its computing time for them.
OWN_QUESTIONS, SECONDS = 40, 30.0

#: Lines that are asked first.
FIRST = 60

#: Of few right lines so many may be another's, by which no threshold worth the trouble is reached.
SPARE = 2

#: Right answers above this share without pretraining, and above the other with it, are worth a look.
ODD_SHARES = {"vanilla.nopretrain": 0.10, "vanilla.pretrain": 0.95, "perceiver.pretrain": 0.95}


@dataclass(frozen=True)
class Rules:
    """What assignment.toml says of it."""

    mode: Literal["off", "report", "score"]
    questions: int  #: lines of each file that are asked for again
    agreement: float  #: the share of them that must agree

    def __post_init__(self) -> None:
        if self.mode not in ("off", "report", "score"):
            raise UsageError(f"assignment.toml: provenance.mode = {self.mode!r}: choose off, report or score")


@dataclass(frozen=True)
class Sample:
    """Lines of a predictions file that are asked for again, the right ones first."""

    questions: list[str]
    lines: list[str]
    right: int

    @classmethod
    def draw(cls, lines: Sequence[str], gold: Sequence[Question], count: int, rng: np.random.Generator) -> Sample:
        """`count` lines, half of them right ones if there are so many."""
        right = [at for at, question in enumerate(gold) if is_right(lines[at], question)]
        others = [at for at, question in enumerate(gold) if not is_right(lines[at], question)]
        first = _some(right, _share_of_right(count, len(others)), rng)
        chosen = [*first, *_some(others, count - len(first), rng)]
        return cls([gold[at].text for at in chosen], [lines[at] for at in chosen], len(first))

    def part(self, count: int) -> Sample:
        """`count` of these lines, drawn like these. They stand in random order, the right ones and the others."""
        right = min(self.right, _share_of_right(count, len(self.lines) - self.right))
        chosen = [*range(right), *range(self.right, min(self.right + count - right, len(self.lines)))]
        return Sample([self.questions[at] for at in chosen], [self.lines[at] for at in chosen], right)

    def holds(self, given: Sequence[bool], share: float) -> bool:
        """Whether enough of the lines are the model's: of all, and of the right ones."""
        right = sum(given[: self.right])
        enough = min(math.ceil(share * self.right - 1e-9), self.right - SPARE)
        return sum(given) >= share * len(given) and right >= min(self.right, max(1, enough))


def _share_of_right(count: int, others: int) -> int:
    """How many of `count` lines are to be right ones, as far as there are so many: half, or what others do not fill."""
    return max(count // 2, count - others)


def _some(places: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    return [int(each) for each in rng.choice(places, min(count, len(places)), replace=False)] if places else []


def expect_own(
    student: Student,
    name: str,
    gold: Gold,
    assignment: Assignment,
    rng: np.random.Generator,
    for_staff: dict[str, Any],
) -> None:
    """A Failure unless the lines of predictions file `name` are what the uploaded model answers.

    The file is one that `checks.judge` accepted. Leaves for staff what was found; where assignment.toml says "report",
    that is all, and where it says "off", nothing is asked.
    """
    stem, split, _ = name.rsplit(".", 2)
    predictions, questions = assignment.uploads_by_name[name], getattr(gold, split)
    rules = Rules(**assignment.problem("birthplaces").settings["provenance"])
    lines = parse(student.file(name).read_bytes())
    if rules.mode == "off":
        return
    _note_odd(stem, lines, questions, for_staff)
    sample = Sample.draw(lines, questions, rules.questions if has_hidden_probe() else OWN_QUESTIONS, rng)
    try:
        _compare(student, predictions, sample, gold.vocabulary, rules, for_staff)
    except Failure as failure:
        for_staff["provenance"] = {**for_staff.get("provenance", {}), "doubt": failure.seen[:300]}
        if rules.mode == "score":
            raise


def _note_odd(stem: str, lines: Sequence[str], questions: Sequence[Question], for_staff: dict[str, Any]) -> None:
    right = sum(is_right(line, question) for line, question in zip(lines, questions, strict=False))
    if right > ODD_SHARES[stem] * len(questions):
        for_staff["look"] = f"{right} of {len(questions)} right is more than this training reaches: read the upload"


def _compare(
    student: Student,
    predictions: Deliverable,
    sample: Sample,
    vocabulary: list[str],
    rules: Rules,
    for_staff: dict[str, Any],
) -> None:
    student.file(predictions.made_from)
    asked = sample.part(FIRST)
    given, reading = _given_or_trimmed(student, predictions, asked, vocabulary)
    if asked != sample and 0 < given.count(False) <= (1 - rules.agreement) * len(sample.lines) + 1e-9:
        asked = sample
        given, reading = _given_or_trimmed(student, predictions, asked, vocabulary)
    for_staff["provenance"] = {"asked": len(given), "given": sum(given), "reading": reading}
    if not asked.holds(given, rules.agreement):
        raise _failure(predictions, asked, given, hidden=student.hidden)


def _given_or_trimmed(
    student: Student, predictions: Deliverable, sample: Sample, vocabulary: list[str]
) -> tuple[list[bool], str]:
    """As `_given`. What stands behind an answer may be the model's, or somebody's editor's."""
    given, reading = _given(student, predictions, sample, vocabulary)
    trimmed = replace(sample, lines=[*map(plain, sample.lines)])
    if trimmed != sample and not all(given):
        again, _ = _given(student, predictions, trimmed, vocabulary)
        given = [one or other for one, other in zip(given, again, strict=True)]
    return given, reading


def has_hidden_probe() -> bool:
    """Whether this is staff's grader: students have neither `provenance` nor the probe that it asks."""
    return find_spec("harness.problems.birthplaces.provenance") is not None


def _given(student: Student, predictions: Deliverable, sample: Sample, vocabulary: list[str]) -> tuple[list[bool], str]:
    """Which lines the model gives, and how its numbers were read; "" where its own code was asked."""
    if not has_hidden_probe():
        return _from_code(student, predictions, sample, vocabulary), ""
    from harness.problems.birthplaces.provenance import given

    variant = _variant(predictions)
    return given(student, predictions.made_from, variant, vocabulary, sample.questions, sample.lines)


def _from_code(student: Student, predictions: Deliverable, sample: Sample, vocabulary: list[str]) -> list[bool]:
    """The student's own code, which is asked with the vocabulary and the questions, and never the text or the lines."""
    found = student.run(
        provenance.answers, params=predictions.made_from, variant=_variant(predictions), vocabulary=vocabulary,
        questions=sample.questions, seconds=SECONDS,
    )  # fmt: skip
    counts = [[own == line for own, line in zip(each, sample.lines, strict=False)] for each in found.values()]
    best = max(counts, key=lambda each: (sum(each), len(each)), default=[])
    return best + [False] * (len(sample.lines) - len(best))


def _failure(predictions: Deliverable, sample: Sample, given: Sequence[bool], *, hidden: bool) -> Failure:
    wrong = next((at for at, each in enumerate(given) if not each), 0)
    return Failure(
        expected=f"{predictions.name}: the answers that {predictions.made_from} gives",
        seen="too many lines are others" if hidden else f"{sum(given)} of {len(given)} lines are",
        case="" if hidden else f"not {sample.lines[wrong]!r} to {sample.questions[wrong]!r}",
        hint=f"run {predictions.typed} again: params and predictions must be of one and the same training",
        public=True,
    )


def _variant(predictions: Deliverable) -> str:
    return predictions.name.partition(".")[0]
