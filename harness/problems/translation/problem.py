"""What problem 4 gives the machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.assignment import Deliverable
from harness.predictions import PredictionsError, parse, wrong_lines
from harness.problem import Problem
from harness.problems.translation import bleu, sentences
from harness.settings import Table


def _generate(numbers: Mapping[str, Any], secret: bytes) -> Mapping[str, bytes]:
    from harness.problems.translation.dataset import generate, render  # staff's: students have no generator

    return render(generate(numbers, secret))


def _convert(place: Path, numbers: Mapping[str, Any], secret: bytes) -> Mapping[str, bytes]:
    from harness.problems.translation.dataset import convert, render  # staff's, too

    return render(convert(place, numbers, secret))


def _check_settings(settings: Table) -> None:
    settings.only(["provenance", "perplexity"])
    provenance = settings.table("provenance")
    provenance.only(["mode", "agreement"])
    provenance.text("mode", among=("off", "report", "score"))
    provenance.number("agreement", 0, 1, "a share of equal lines, above 0 and at most 1,")
    perplexity, models = settings.table("perplexity"), ("encoder", "decoder", "pretrained")
    perplexity.only(models)
    for model in models:
        perplexity.number(model, 1, 1e6, "a perplexity, above 1,")


def _check_upload(file: Deliverable, content: bytes, data: Path) -> str | None:
    """Predictions that cannot be for the sentences in `data`; nothing is said where the sentences are not there."""
    if file.kind != "predictions" or not (data / file.answers).is_file():
        return None
    asked = len(parse((data / file.answers).read_bytes()))
    try:
        lines = len(parse(content, bleu.WRITER))
    except PredictionsError as problem:
        return f"{file.name}: {problem}"
    if lines == asked:
        return None
    told = f"data/{file.answers} has {asked} sentences"
    return f"{file.name}: has {lines} lines, but {told}; run ./translate.sh {file.command} again"


def _wrong_answers(file: Deliverable, data: Path) -> Callable[[bytes], dict[int, str]]:
    name = sentences.DEV if file.answers == sentences.DEV else sentences.TEST
    right = sentences.references(sentences.load_pairs(data / name))
    return lambda content: wrong_lines(content, right)


PROBLEM = Problem(
    fixtures={"translations": sentences.Gold},
    generate=_generate,
    convert=_convert,
    check_settings=_check_settings,
    check_data=sentences.check_data,
    check_upload=_check_upload,
    wrong_answers=_wrong_answers,
    accuracies=bleu.accuracies,
    fit=bleu.fit,
)
