"""Predictions count where the numbers in the uploaded params file give them, whatever the uploaded code says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.intake.staging import discard, stage
from harness.manifest import load
from harness.problems.birthplaces import origin
from harness.problems.birthplaces.origin import Rules, Sample, expect_own
from harness.problems.birthplaces.questions import Gold, Question
from tests.conftest import reference_package, write_predictions
from tests.judging import cases
from tests.judging.court import TENSORS, Court, change_tensors

ASSIGNMENT = load()
SPLITS = ("dev", "test")
STEMS = ("vanilla.nopretrain", "vanilla.pretrain", "perceiver.pretrain")

Change = Callable[[Path], object]
Judge = Callable[..., Mapping[str, Any]]


@pytest.fixture
def judged(court: Court, honest_upload: Path, data: Path, tmp_path: Path) -> Judge:
    """(change, name, mode) -> what a predictions file's check says of a changed copy of the upload, and leaves."""

    def judged(change: Change = lambda _: None, name: str = "", mode: str = "score", code: str = "") -> dict[str, Any]:
        upload = tmp_path / "upload"
        shutil.copytree(honest_upload, upload)
        change(upload)
        if code:
            with (upload / "__init__.py").open("a", encoding="utf-8") as file:
                file.write(f"\n\n{code}\n")
        submission = stage(upload, court.scratch / f"provenance-{tmp_path.name}", ASSIGNMENT.deliverables)
        student = Student(court.sandbox, submission.tree, court.limits, 7, submission=submission, hidden=True)
        for_staff: dict[str, Any] = {}
        try:
            name = name or "vanilla.pretrain.test.predictions"
            expect_own(student, name, Gold(data), with_mode(mode), np.random.default_rng(5), for_staff)
        except Failure as failure:
            return {"failure": failure, **for_staff}
        finally:
            discard(submission.tree)
            shutil.rmtree(upload)
        return {"failure": None, **for_staff}

    return judged


def with_mode(mode: str) -> Any:
    """The assignment with this mode."""
    problems = tuple(
        replace(each, settings={**each.settings, "provenance": {**each.settings["provenance"], "mode": mode}})
        if "provenance" in each.settings
        else each
        for each in ASSIGNMENT.problems
    )
    return replace(ASSIGNMENT, problems=problems)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("stem", STEMS)
def test_a_models_own_answers_agree(stem: str, split: str, judged: Judge) -> None:
    """In every line, but for one whose best two letters are so close that another order of sums swaps them."""
    found = judged(name=f"{stem}.{split}.predictions")
    assert found["failure"] is None
    assert found["provenance"]["asked"] in {60, 120}
    assert found["provenance"]["given"] >= found["provenance"]["asked"] - 1


def pad(upload: Path) -> None:
    """Spaces and PADs behind each answer, as tools and older evaluations leave them."""
    for path in upload.glob("*.predictions"):
        lines = path.read_text("utf-8").splitlines()
        path.write_text("".join(f"{line} \u25a1\u25a1\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("hidden", [True, False])
def test_what_stands_behind_an_answer_makes_it_no_other(hidden: bool, judged: Judge, monkeypatch) -> None:
    if not hidden:
        monkeypatch.setattr(origin, "has_hidden_probe", lambda: False)
    found = judged(pad)
    assert found["failure"] is None
    assert found["provenance"]["given"] >= 0.95 * found["provenance"]["asked"]  # a model's own last space is gone, too


def look_up(upload: Path, data: Path, stem: str, share: float = 1.0) -> None:
    """Right answers for a share of the questions, as a regular expression over the text finds them; own ones else."""
    for split in SPLITS:
        path = upload / f"{stem}.{split}.predictions"
        own, gold = path.read_text("utf-8").splitlines(), getattr(Gold(data), split)
        known = int(share * len(gold))
        lines = [each.place for each in gold[-known:]] if known else []
        path.write_text("".join(f"{line}\n" for line in (*own[: len(gold) - known], *lines)), encoding="utf-8")


@pytest.mark.parametrize(
    ("stem", "share"),
    [
        pytest.param(stem, share, marks=pytest.mark.slow if stem.startswith("perceiver") and share < 1.0 else ())
        for stem in STEMS
        for share in (1.0, 0.5, 0.3)
    ],
)
def test_answers_that_were_looked_up_count_for_nothing(stem: str, share: float, judged: Judge, data: Path) -> None:
    found = judged(lambda upload: look_up(upload, data, stem, share), name=f"{stem}.test.predictions")
    assert found["failure"] is not None
    assert f"{stem}.test.predictions" in found["failure"].expected


def test_a_few_looked_up_answers_among_wrong_ones_are_seen(judged: Judge, data: Path) -> None:
    """A tenth of the lines, by which a model that knows little would reach the threshold."""

    def change(upload: Path) -> None:
        path = upload / "vanilla.nopretrain.test.predictions"
        lines = path.read_text("utf-8").splitlines()
        wrong = [at for at, question in enumerate(Gold(data).test) if lines[at] != question.place]
        for at in wrong[:20]:
            lines[at] = Gold(data).test[at].place
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    assert judged(change, name="vanilla.nopretrain.test.predictions")["failure"] is not None


@pytest.mark.parametrize(
    "how", [each for each in TENSORS if each not in ("with the optimiser's", "of a compiled model")]
)
def test_params_that_are_no_trained_model_give_no_line(how: str, judged: Judge) -> None:
    found = judged(lambda upload: change_tensors(upload / "vanilla.finetune.params", how))
    assert found["failure"] is not None
    assert "vanilla.finetune.params" in found["failure"].expected


def test_names_that_a_wrapper_put_before_them_are_read_as_without(judged: Judge) -> None:
    found = judged(lambda upload: change_tensors(upload / "vanilla.finetune.params", "of a compiled model"))
    assert found["failure"] is None


@pytest.mark.parametrize(
    ("source", "target", "name", "word"),
    [
        ("vanilla.finetune.params", "perceiver.finetune.params", "perceiver.pretrain", "no perceiver's blocks"),
        ("perceiver.finetune.params", "vanilla.model.params", "vanilla.nopretrain", "a perceiver's blocks"),
        ("vanilla.pretrain.params", "vanilla.finetune.params", "vanilla.pretrain", "too many lines"),
        ("vanilla.model.params", "vanilla.finetune.params", "vanilla.pretrain", "too many lines"),
        ("model.py", "vanilla.model.params", "vanilla.nopretrain", "not a file that torch.save wrote"),
    ],
)
def test_params_of_another_model_are_named(source: str, target: str, name: str, word: str, judged: Judge) -> None:
    change: Change = lambda upload: shutil.copyfile(upload / source, upload / target)  # noqa: E731
    found = judged(change, name=f"{name}.test.predictions")
    assert word in found["failure"].seen
    assert found["failure"].public


def test_answers_of_the_vanilla_model_are_not_the_perceivers(judged: Judge) -> None:
    def change(upload: Path) -> None:
        for split in SPLITS:
            shutil.copyfile(
                upload / f"vanilla.pretrain.{split}.predictions", upload / f"perceiver.pretrain.{split}.predictions"
            )

    assert judged(change, name="perceiver.pretrain.test.predictions")["failure"] is not None


@pytest.mark.parametrize(
    "code",
    [
        "raise OSError('no')",
        "import time\ntime.sleep(60)",
        "import numpy\ndef sample(*_, **__): return numpy.zeros((20, 2))",
        "import os\nos._exit(0)",
    ],
)
@pytest.mark.parametrize("stem", ["vanilla.pretrain", pytest.param("perceiver.pretrain", marks=pytest.mark.slow)])
def test_no_code_makes_looked_up_answers_count(code: str, stem: str, judged: Judge, data: Path) -> None:
    found = judged(lambda upload: look_up(upload, data, stem), name=f"{stem}.test.predictions", code=code)
    assert found["failure"] is not None


@pytest.mark.parametrize("code", ["raise OSError('no')", "import os\nos._exit(0)"])
def test_no_code_is_asked_about_an_honest_file(code: str, judged: Judge) -> None:
    assert judged(code=code, name="perceiver.pretrain.test.predictions")["failure"] is None


def test_a_report_costs_nothing_and_off_asks_nothing(judged: Judge, data: Path) -> None:
    found = judged(lambda upload: look_up(upload, data, "vanilla.pretrain"), mode="report")
    assert found["failure"] is None
    assert found["provenance"]["doubt"]
    assert "provenance" not in judged(lambda upload: look_up(upload, data, "vanilla.pretrain"), mode="off")


def test_more_right_answers_than_a_training_reaches_are_a_note(judged: Judge, data: Path) -> None:
    found = judged(
        lambda upload: write_all_right(upload, data), name="vanilla.nopretrain.test.predictions", mode="report"
    )
    assert "200 of 200 right" in found["look"]
    assert "look" not in judged(name="vanilla.nopretrain.test.predictions")


def write_all_right(upload: Path, data: Path) -> None:
    write_predictions(upload / "vanilla.nopretrain.test.predictions", data, right=1.0)


def test_a_missing_params_file_is_named(judged: Judge) -> None:
    found = judged(lambda upload: (upload / "vanilla.finetune.params").unlink())
    assert "vanilla.finetune.params among the uploaded files" in found["failure"].expected


def test_students_ask_their_own_code(judged: Judge, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "has_hidden_probe", lambda: False)
    assert judged()["provenance"] == {"asked": 40, "given": 40, "reading": ""}
    assert judged(lambda upload: look_up(upload, data, "vanilla.pretrain"))["failure"] is not None
    assert judged(code="GPT.forward = lambda *_, **__: 'no'")["failure"] is not None


def test_student_code_never_gets_the_text(
    judged: Judge, data: Path, court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    run = court.sandbox.run
    monkeypatch.setattr(origin, "has_hidden_probe", lambda: False)

    def watched(*rest: Any, **more: Any) -> Any:
        sent.append(rest)
        return run(*rest, **more)

    monkeypatch.setattr(court.sandbox, "run", watched)
    judged()
    told = [arguments for _, probe, arguments in sent if probe == "provenance.answers"]
    assert told
    assert not any(Gold(data).documents[0] in str(each) for each in told)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="choose off, report or score"):
        Rules("maybe", 20, 0.5)  # type: ignore[arg-type]  # the point of the test


# --- blocks that are put together in another way ----------------------------------------------------------------------


def variants_of_the_model() -> list[cases.Case]:
    """Those whose model is other code than the reference's."""
    return [each for each in cases.load_all(cases.VARIANTS) if {"model.py", "attention.py"} & set(each.sources)]


#: The ways in which the perceivers of all the others are put together take many seconds to try.
QUICK = ("given_2023_09", "raw_query")


@pytest.mark.parametrize(
    "case",
    [pytest.param(each, marks=() if each.name in QUICK else pytest.mark.slow) for each in variants_of_the_model()],
    ids=lambda case: case.name,
)
def test_every_variants_perceiver_is_read_as_it_computes(case: cases.Case, tmp_path: Path) -> None:
    """The variant's own model with random weights, and our reading of its file, give the same logits."""
    from tests.judging import provenance_rates as rates

    case.build(tmp_path / "submission")
    found = rates.compare_random(tmp_path, seed=3)
    assert found == {"vanilla": True, "perceiver": True}


# --- the sample -------------------------------------------------------------------------------------------------------


def sample_of(right: int, wrong: int, count: int = 120) -> Sample:
    gold = [Question(f"Where was {at} born?", "here") for at in range(right + wrong)]
    lines = ["here"] * right + ["there"] * wrong
    return Sample.draw(lines, gold, count, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("right", "wrong", "asked"), [(200, 40, 80), (150, 90, 60), (20, 220, 20), (0, 240, 0), (5, 5, 5), (240, 0, 120)]
)
def test_half_of_the_sample_are_right_lines(right: int, wrong: int, asked: int) -> None:
    found = sample_of(right, wrong)
    assert (found.right, len(found.lines)) == (asked, min(120, right + wrong))
    assert set(found.lines[: found.right]) <= {"here"}


@pytest.mark.parametrize(
    ("right", "wrong", "asked"), [(200, 40, 30), (20, 220, 20), (0, 240, 0), (5, 5, 5), (240, 0, 60), (100, 20, 40)]
)
def test_so_are_half_of_those_that_are_asked_first(right: int, wrong: int, asked: int) -> None:
    found = sample_of(right, wrong)
    first = found.part(60)
    assert (first.right, len(first.lines)) == (asked, min(60, right + wrong))
    assert first.lines == ["here"] * asked + ["there"] * (len(first.lines) - asked)
    assert len(set(first.questions)) == len(first.questions)
    assert set(first.questions) <= set(found.questions)


@pytest.mark.parametrize(
    ("right", "lost", "holds"),
    [(60, 6, True), (60, 7, False), (10, 2, True), (10, 3, False), (2, 1, True), (1, 1, False)],
)
def test_so_many_right_lines_may_be_anothers(right: int, lost: int, holds: bool) -> None:
    found = sample_of(right, 240 - right)
    given = [at >= lost for at in range(len(found.lines))]
    assert found.holds(given, 0.9) is holds


def test_the_models_of_the_miniature_differ(honest_upload: Path) -> None:
    """Else tests that exchange their files would see nothing."""
    import torch

    with reference_package():
        states = [torch.load(path, weights_only=True) for path in sorted(honest_upload.glob("vanilla.*.params"))]
    assert not torch.equal(states[0]["head.weight"], states[1]["head.weight"])


@pytest.mark.parametrize(("lost", "asks"), [(0, [60]), (1, [60, 120]), (12, [60, 120]), (13, [60])])
def test_all_lines_are_asked_where_they_can_change_the_verdict(
    lost: int, asks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def given(_: object, __: object, sample: Sample, ___: object) -> tuple[list[bool], str]:
        seen.append(len(sample.lines))
        return [at >= lost for at in range(len(sample.lines))], ""

    monkeypatch.setattr(origin, "_given", given)
    found = sample_of(120, 120)
    predictions = ASSIGNMENT.uploads_by_name["vanilla.pretrain.dev.predictions"]
    student: Any = SimpleNamespace(file=lambda _: None, hidden=True)
    told: dict[str, Any] = {}
    with pytest.raises(Failure) if lost > 6 else nullcontext():
        origin._compare(student, predictions, found, [], Rules("score", 120, 0.9), told)
    assert seen == asks
    assert told["provenance"]["asked"] == asks[-1]
