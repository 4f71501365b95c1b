"""Whether predictions are the uploaded model's: the grader asks the uploaded numbers, and no word of the student's code.

Every test answer stands in wiki.txt, so a file of right answers is no sign of a model. The lines of a predictions file
count where the model in the uploaded params file writes them. Probe `uploaded.answers` finds that out from the tensors
alone, by our own code in a worker without the student's; nothing there can raise, nap or lie in the student's favour.

What is asked: `questions` lines of the file, drawn when the file is there: half of them among the right ones, as far as
there are so many, and the rest among the others. What is required, in each half: the share `agreement`; of few right
lines all but one.

How sure that is, with 120 lines and a share of 0.9:

- *Files made by other means*: a params file without the training writes one and the same few lines, or none; it agrees
  with a looked-up file in none of 240 lines. A model that was trained without the text agrees with the right answers in
  1 to 4 of 100; that 108 of 120 agree has a probability below 1e-100.
- *Files made in part by other means*: where the model gives at most 0.70 of all lines, or 0.58 of more than 60 right
  lines, the file passes with a probability below 1e-6 (Chernoff: exp(-n KL(0.9, q))). Of 60 right lines or fewer all are
  asked: no more than a tenth of them, or one, may be looked up, and at least one must be the model's.
- *Honest files*: measured over 1,440 lines each on a CPU, float32 in other batches, with and without a cache, gives the
  very lines; bfloat16 changes at most 1 in 100, most of which `_lines.TIE` takes for ties. With 1 in 50 disagreeing,
  13 of 120 do so with a probability below 1e-6.

Students have no hidden probe: for them the same check asks their own code (`provenance.answers`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from harness.assignment import Assignment, Provenance
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.problems.birthplaces.gold import Gold
from harness.problems.birthplaces.predictions import Question, parse

#: Computing time for the answers of the student's own code.
SECONDS = 10.0

#: Wall time for them, on a grader: they are a note for staff there.
NOTE_SECONDS = 20.0

#: Right answers above this share without pretraining, and above the other with it, are worth a look.
ODD_SHARES = {"vanilla.nopretrain": 0.10, "vanilla.pretrain": 0.95, "perceiver.pretrain": 0.95}


@dataclass(frozen=True)
class Model:
    """A model that students train: as its predictions files begin, and the params file that answers."""

    name: str
    variant: str
    params: str
    command: str  #: of run.sh, that writes its predictions, for a split


MODELS = {
    each.name: each
    for each in (
        Model("vanilla.nopretrain", "vanilla", "vanilla.model.params", "vanilla_eval_{}_without_pretrain"),
        Model("vanilla.pretrain", "vanilla", "vanilla.finetune.params", "vanilla_eval_{}_with_pretrain"),
        Model("perceiver.pretrain", "perceiver", "perceiver.finetune.params", "perceiver_eval_{}_with_pretrain"),
    )
}


@dataclass(frozen=True)
class Sample:
    """Lines of a predictions file that are asked for again, the right ones first."""

    questions: list[str]
    lines: list[str]
    right: int

    @classmethod
    def draw(cls, lines: Sequence[str], gold: Sequence[Question], count: int, rng: np.random.Generator) -> Sample:
        """`count` lines, half of them right ones if there are so many."""
        right = [at for at, question in enumerate(gold) if lines[at] == question.place]
        others = [at for at, question in enumerate(gold) if lines[at] != question.place]
        first = _some(right, max(count // 2, count - len(others)), rng)
        chosen = [*first, *_some(others, count - len(first), rng)]
        return cls([gold[at].text for at in chosen], [lines[at] for at in chosen], len(first))

    def holds(self, given: Sequence[bool], share: float) -> bool:
        """Whether enough of the lines are the model's: of all, and of the right ones."""
        right = sum(given[: self.right])
        spare = max(1, math.floor((1 - share) * self.right))
        return sum(given) >= share * len(given) and right >= min(self.right, max(1, self.right - spare))


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

    The file is one that `checks.judge` accepted. Leaves for staff what was found, and nothing else where assignment.toml
    says "report"; where it says "off", nothing is asked.
    """
    stem, split, _ = name.rsplit(".", 2)
    model, rules, questions = MODELS[stem], assignment.provenance, getattr(gold, split)
    lines = parse(student.file(name).read_bytes())
    if rules.mode == "off":
        return
    _note_odd(stem, lines, questions, for_staff)
    sample = Sample.draw(lines, questions, rules.questions, rng)
    try:
        _compare(student, model, name, sample, gold.vocabulary, rules, for_staff)
    except Failure as failure:
        for_staff["provenance"] = {**for_staff.get("provenance", {}), "doubt": failure.seen[:300]}
        if rules.mode == "score":
            raise


def _note_odd(stem: str, lines: Sequence[str], questions: Sequence[Question], for_staff: dict[str, Any]) -> None:
    right = sum(line == question.place for line, question in zip(lines, questions, strict=False))
    if right > ODD_SHARES[stem] * len(questions):
        for_staff["look"] = f"{right} of {len(questions)} right is more than this training reaches: read the upload"


def _compare(
    student: Student,
    model: Model,
    name: str,
    sample: Sample,
    vocabulary: list[str],
    rules: Provenance,
    for_staff: dict[str, Any],
) -> None:
    student.file(model.params)
    staff = has_hidden_probe()
    found = (
        _from_numbers(student, model, sample, vocabulary, rules.agreement)
        if staff
        else _from_code(student, model, sample, vocabulary)
    )
    given = found["given"]
    for_staff["provenance"] = {"asked": len(given), "given": sum(given), "reading": found.get("reading", "")}
    if not sample.holds(given, rules.agreement):
        if staff and model.variant == "perceiver":
            for_staff["provenance"]["own_code"] = _note_of_own_code(student, model, sample, vocabulary)
        raise _failure(model, name, sample, given, hidden=student.hidden)


def has_hidden_probe() -> bool:
    """Whether this is staff's grader. Students have no probe that knows what a perceiver's blocks compute."""
    return find_spec("harness.probes.uploaded") is not None


def _from_numbers(
    student: Student, model: Model, sample: Sample, vocabulary: list[str], share: float
) -> dict[str, Any]:
    found = student.read(
        "uploaded.answers", name=model.params, variant=model.variant, vocabulary=vocabulary, questions=sample.questions,
        lines=sample.lines, share=share,
    )  # fmt: skip
    if found["problem"]:
        raise Failure(
            expected=f"{model.params}: the params of a {model.variant} model, as train() writes them",
            seen=f"{model.params}: {found['problem']}",
            hint=f"predictions count for what {model.params} answers: upload the file that they were made with",
            public=True,
        )
    return {"given": [each is True for each in found["given"]], "reading": found["reading"]}


def _from_code(student: Student, model: Model, sample: Sample, vocabulary: list[str]) -> dict[str, Any]:
    """The student's own code, which is asked with the vocabulary and the questions, and never the text or the lines."""
    found = student.run(
        "provenance.answers", params=model.params, variant=model.variant, vocabulary=vocabulary,
        questions=sample.questions, seconds=SECONDS,
    )  # fmt: skip
    answered = [each for each in found.values() if _is_answers(each)] if isinstance(found, dict) else []
    counts = [[own == line for own, line in zip(each, sample.lines, strict=False)] for each in answered]
    best = max(counts, key=lambda each: (sum(each), len(each)), default=[])
    return {"given": best + [False] * (len(sample.lines) - len(best))}


def _is_answers(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _note_of_own_code(student: Student, model: Model, sample: Sample, vocabulary: list[str]) -> str:
    """What the uploaded blocks say, where no way that we know explains the file. They may say anything: no verdict."""
    asked = Sample(sample.questions[:20], sample.lines[:20], 0)
    limits = replace(student.limits, test_seconds=min(student.used + NOTE_SECONDS, student.limits.test_seconds))
    try:
        given = _from_code(replace(student, limits=limits), model, asked, vocabulary)["given"]
    except Failure as failure:
        return f"cannot be asked: {failure.seen}"[:300]
    return f"{sum(given)} of {len(given)} lines, by its own account"


def _failure(model: Model, name: str, sample: Sample, given: Sequence[bool], *, hidden: bool) -> Failure:
    command = model.command.format(name.rsplit(".", 2)[1])
    wrong = next((at for at, each in enumerate(given) if not each), 0)
    return Failure(
        expected=f"{name}: the answers that {model.params} gives",
        seen="too many lines are others" if hidden else f"{sum(given)} of {len(given)} lines are",
        case="" if hidden else f"not {sample.lines[wrong]!r} to {sample.questions[wrong]!r}",
        hint=f"run ./run.sh {command} again, and upload {model.params} and {name} of one and the same training",
        public=True,
    )
