"""Whether predictions come from the uploaded models: some questions are answered again, from params and code.

A note for staff, in the `extra_data` of results.json. It costs no points unless assignment.toml says so, and a model
that fails here, or takes too long, is a note as well. What a worker answers is the student's own doing: agreement shows
that the upload can give its answers, and no more; disagreement shows that it was put together from several.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from harness.errors import HoldoutError, UsageError
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.probes import files, provenance
from harness.problem import Findings, Judged
from harness.problems.birthplaces.gold import Gold
from harness.problems.birthplaces.predictions import PredictionsError, parse

#: Computing time for the answers of one model.
SECONDS = 2.0

#: What is asked of all models together may take this long, on a machine with half a core.
WALL_SECONDS = 60.0

#: With less than this left of the whole run, nothing more is asked.
LEAST_SECONDS = 60.0


@dataclass(frozen=True)
class Model:
    """A model that students train, the params file that answers, and the graded tests about its predictions."""

    name: str  #: as the predictions files begin
    variant: str
    params: str
    part: str
    graded_tests: tuple[str, ...]
    before: str = ""  #: the params that it was finetuned from


MODELS = (
    Model("vanilla.nopretrain", "vanilla", "vanilla.model.params", "1d", ("1d-0-basic", "1d-1-hidden")),
    Model(
        "vanilla.pretrain", "vanilla", "vanilla.finetune.params", "1f", ("1f-2-basic", "1f-7-hidden"),
        "vanilla.pretrain.params",
    ),
    Model(
        "perceiver.pretrain", "perceiver", "perceiver.finetune.params", "1g", ("1g-2-basic", "1g-7-hidden"),
        "perceiver.pretrain.params",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """What assignment.toml says of it."""

    mode: Literal["off", "report", "score"]
    questions: int  #: for each model, half of them from dev
    agreement: float  #: the share of equal answers that "score" asks for

    def __post_init__(self) -> None:
        if self.mode not in ("off", "report", "score"):
            raise UsageError(f"assignment.toml: provenance.mode = {self.mode!r}: choose off, report or score")


@dataclass(frozen=True)
class Finding:
    """What came of one model."""

    asked: int
    agree: int
    note: str = ""  #: in our own words, why nothing was asked or something is odd

    def doubtful(self, least: float) -> bool:
        """Whether too few of the answers are the ones that were handed in."""
        return self.asked > 0 and self.agree < least * self.asked


def settle(judged: Judged) -> Findings:
    """Examine every model whose predictions are among the graded tests.

    In mode "score", predictions that their own model does not give lose their points.
    """
    settings = Provenance(**judged.settings["provenance"])
    if settings.mode == "off":
        return Findings()
    models = [each for each in MODELS if judged.judged.intersection(each.graded_tests)]
    student = judged.student("provenance", WALL_SECONDS)
    try:
        corpus = (judged.data / "wiki.txt").read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, UnicodeDecodeError) as problem:
        note = Finding(0, 0, f"not asked: wiki.txt cannot be read ({problem})")
        return _told({model.name: note for model in models})
    gold = Gold(judged.data)
    found = {
        model.name: _finding(student, model, gold, corpus, settings.questions, judged.rng(f"provenance:{model.name}"))
        for model in models
    }
    doubtful = [each for each in models if settings.mode == "score" and found[each.name].doubtful(settings.agreement)]
    return _told(found, {name: _text(model) for model in doubtful for name in model.graded_tests})


def _told(found: Mapping[str, Finding], failures: Mapping[str, str] | None = None) -> Findings:
    """The findings by model, for the results and in words."""
    said = (
        f"{name}: {each.note or f'{each.agree} of {each.asked} answers come again from its params'}"
        for name, each in found.items()
    )
    extra = {"provenance": {name: asdict(each) for name, each in found.items()}}
    return Findings(extra, tuple(said), failures or {})


def _finding(student: Student, model: Model, gold: Gold, corpus: str, count: int, rng: np.random.Generator) -> Finding:
    if student.deadline - time.monotonic() < LEAST_SECONDS:
        return Finding(0, 0, "not asked: the time for the whole grade is nearly over")
    try:
        return _examine(student, model, gold, corpus, count, rng)
    except Failure as failure:
        return Finding(0, 0, f"cannot be asked: {failure.expected}; {failure.seen}"[:300])
    except (LookupError, TypeError, ValueError, AttributeError) as problem:  # values that no honest worker sends
        return Finding(0, 0, f"cannot be asked: its answers have another form ({type(problem).__name__})")
    except HoldoutError as problem:  # a worker that cannot be had any more: the graded tests have their verdicts
        return Finding(0, 0, f"not asked: {problem}"[:300])


def _text(model: Model) -> str:
    return (
        f"expected: {model.params} and the uploaded code give the uploaded answers\n"
        "seen:     most answers to a sample of the questions are others\n"
        "hint:     upload code, params and predictions of one and the same run"
    )


def _examine(student: Student, model: Model, gold: Gold, corpus: str, count: int, rng: np.random.Generator) -> Finding:
    if model.params not in student.submission.present:
        return Finding(0, 0, f"{model.params} was not uploaded")
    asked, note = _sample(student, model, gold, count, rng), _files(student, model)
    if not asked or note:
        return Finding(0, 0, note or "no predictions to compare with")
    found = student.run(
        provenance.answers, params=model.params, variant=model.variant, corpus=corpus,
        questions=[question for question, _ in asked], seconds=SECONDS,
    )  # fmt: skip
    best = max((_agreement(answers, asked) for answers in found.values()), default=(0, 0))
    return Finding(best[1], best[0], "" if best[1] else "no answer in time")


def _agreement(answers: Sequence[str], asked: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """(how many answers are the predictions, how many there are)."""
    pairs = list(zip(answers, asked, strict=False))
    return sum(answer == prediction for answer, (_, prediction) in pairs), len(pairs)


def _sample(student: Student, model: Model, gold: Gold, count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Random questions with the predictions that were handed in for them, dev and test by turns."""
    rows = []
    for split in ("dev", "test"):
        path = student.submission.present.get(f"{model.name}.{split}.predictions")
        questions = getattr(gold, split)
        try:
            lines = parse(path.read_bytes()) if path else ()
        except PredictionsError:
            lines = ()
        if len(lines) >= len(questions):
            chosen = rng.choice(len(questions), min(count // 2, len(questions)), replace=False)
            rows.append([(questions[place].text, lines[place]) for place in chosen])
    longest = max(map(len, rows), default=0)
    return [row[place] for place in range(longest) for row in rows if place < len(row)]


def _files(student: Student, model: Model) -> str:
    """What speaks against the files before anything is asked: not what they should be, or not finetuned."""
    names = [name for name in (model.params, model.before) if name in student.submission.present]
    found: Mapping[str, Any] = student.read(files.state_dicts, names=names)
    if found[model.params]["problem"]:
        return f"{model.params}: {found[model.params]['problem']}"
    is_perceiver = any(name.startswith("down_block.") for name in found[model.params]["shapes"])
    if is_perceiver != (model.variant == "perceiver"):
        return f"{model.params} holds {'a' if is_perceiver else 'no'} perceiver's basis"
    if model.before in found and found[model.before]["digest"] == found[model.params]["digest"]:
        return f"{model.params} and {model.before} hold the same weights"
    return ""
