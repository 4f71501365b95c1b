"""What problem 1 gives the machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.assignment import Deliverable
from harness.predictions import PredictionsError, parse, wrong_lines
from harness.problem import Problem
from harness.problems.birthplaces import answers, questions
from harness.problems.birthplaces.questions import Gold
from harness.settings import Table


def _generate(numbers: Mapping[str, Any], secret: bytes) -> Mapping[str, bytes]:
    from harness.problems.birthplaces.dataset import generate, render  # staff's: students have no generator

    return render(generate(numbers, secret))


def _misfit(student: Any) -> Callable[[Path], str]:
    from harness.problems.birthplaces.vocabulary import misfit  # staff's

    return misfit(student)


def _check_settings(settings: Table) -> None:
    settings.only(["provenance"])
    provenance = settings.table("provenance")
    provenance.only(["mode", "questions", "agreement"])
    provenance.text("mode", among=("off", "report", "score"))
    provenance.whole("questions")
    provenance.number("agreement", 0, 1, "a share of equal answers, above 0 and at most 1,")


def _check_upload(file: Deliverable, content: bytes, data: Path) -> str | None:
    """Predictions that cannot be for the questions in `data`; nothing is said where the questions are not there."""
    if file.kind != "predictions" or not (data / file.answers).is_file():
        return None
    questions = len(parse((data / file.answers).read_bytes()))
    try:
        lines = len(parse(content))
    except PredictionsError as problem:
        return f"{file.name}: {problem}"
    if lines == questions:
        return None
    asked = f"data/{file.answers} asks {questions} questions"
    return f"{file.name}: has {lines} lines, but {asked}; run {file.typed} again"


def _wrong_answers(file: Deliverable, data: Path) -> Callable[[bytes], dict[int, str]]:
    gold = Gold(data)
    asked = gold.dev if file.answers == "birth_dev.tsv" else gold.test
    places = answers.places_of(asked)
    return lambda content: wrong_lines(content, places)


PROBLEM = Problem(
    fixtures={"gold": Gold},
    misfit=_misfit,
    generate=_generate,
    check_settings=_check_settings,
    check_data=questions.check_data,
    check_upload=_check_upload,
    wrong_answers=_wrong_answers,
    accuracies=answers.accuracies,
    fit=answers.fit,
    exports={
        "attention": ("CausalCrossAttention", "CausalSelfAttention"),
        "dataset": ("CharCorruptionDataset", "NameDataset"),
        "helper": ("finetune", "initialize_perceiver_model", "initialize_vanilla_model", "pretrain", "train"),
        "model": ("GPT", "GPTConfig"),
        "trainer": ("Trainer", "TrainerConfig"),
        "utils": ("evaluate_places", "sample"),
    },
)
