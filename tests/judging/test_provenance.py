"""Answers of the uploaded models are compared with the uploaded predictions, for staff, and cost nothing by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from harness.assignment import load
from harness.errors import UsageError
from harness.grading import catalogue
from harness.grading.seeds import generator, seed_of
from harness.grading.student import Student
from harness.intake.staging import discard, stage
from harness.problem import Findings, Judged
from harness.problems.birthplaces.provenance import MODELS, Provenance, settle
from tests.conftest import reference_package
from tests.judging.cases import copy_reference
from tests.judging.court import LIMITS, Court

ASSIGNMENT = load()
GRADED_TESTS = tuple(
    graded_test
    for graded_test in catalogue.collect(load())
    if any(graded_test.id in model.graded_tests for model in MODELS)
)

Settle = Callable[..., Findings]
Mode = Literal["off", "report", "score"]

#: Questions for each model.
ASKED = 8


@pytest.fixture(scope="module")
def few(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo dataset with a dozen questions each in dev and test."""
    folder = shutil.copytree(data, tmp_path_factory.mktemp("few") / "data")
    for name in ("birth_dev.tsv", "birth_test.tsv", "birth_test_inputs.tsv"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:12]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference's code, five small models with random weights, and the answers that they really give."""
    folder = copy_reference(tmp_path_factory.mktemp("trained") / "submission")
    with reference_package() as submission:
        write_models(submission, folder, few)
    return folder


def write_models(submission: Any, folder: Path, data: Path) -> None:
    import torch

    torch.manual_seed(0)
    dataset = submission.CharCorruptionDataset((data / "wiki.txt").read_text("utf-8").rstrip("\n"), 128)
    for model in MODELS:
        for name in filter(None, (model.before, model.params)):
            config = submission.GPTConfig(dataset.vocab_size, 128, n_layer=3, n_head=4, n_embd=16)
            extra = (12,) if model.variant == "perceiver" else ()
            network = getattr(submission, f"initialize_{model.variant}_model")(config, *extra)
            for parameter in network.parameters():
                torch.nn.init.normal_(parameter, 0.0, 0.5)
            torch.save(network.state_dict(), folder / name)
        for split, file in (("dev", "birth_dev.tsv"), ("test", "birth_test_inputs.tsv")):
            questions = [line.split("\t")[0] for line in (data / file).read_text("utf-8").splitlines()]
            answers = submission.utils.answer_questions(network.eval(), questions, dataset)
            lines = "".join(f"{answer}\n" for answer in answers)
            (folder / f"{model.name}.{split}.predictions").write_text(lines, encoding="utf-8")


@pytest.fixture
def settled(court: Court, few: Path, trained: Path, tmp_path: Path) -> Settle:
    """Change a copy of the upload, then settle its provenance over graded tests that all passed."""

    def settled(change: Callable[[Path], object] = lambda _: None, mode: Mode = "report") -> Findings:
        shutil.copytree(trained, tmp_path / "upload")
        change(tmp_path / "upload")
        submission = stage(tmp_path / "upload", court.scratch / f"provenance-{tmp_path.name}", ASSIGNMENT.deliverables)
        ids = frozenset(graded_test.id for graded_test in GRADED_TESTS)

        def student(label: str, _: float) -> Student:
            seed = seed_of("first", label, "workers")
            return Student(court.sandbox, submission.tree, LIMITS, seed, submission=submission, hidden=True)

        settings = {"provenance": {"mode": mode, "questions": ASKED, "agreement": 0.5}}
        try:
            return settle(
                Judged(student, student, settings, few, ids, ids, lambda label: generator("first", label, "unseen"))
            )
        finally:
            discard(submission.tree)

    return settled


def findings(found: Findings) -> dict[str, dict[str, Any]]:
    return dict(found.extra["provenance"])


def test_models_give_their_own_answers_again(settled: Settle) -> None:
    found = findings(settled())
    assert [(each["asked"], each["agree"], each["note"]) for each in found.values()] == [(ASKED, ASKED, "")] * 3


def exchange_predictions(upload: Path) -> None:
    for split in ("dev", "test"):
        shutil.copyfile(
            upload / f"vanilla.nopretrain.{split}.predictions", upload / f"vanilla.pretrain.{split}.predictions"
        )


def test_answers_of_another_model_are_seen_and_cost_nothing(settled: Settle) -> None:
    document = settled(exchange_predictions)
    found = findings(document)
    assert found["vanilla.pretrain"]["asked"] == ASKED
    assert found["vanilla.pretrain"]["agree"] <= 1
    assert found["vanilla.nopretrain"]["agree"] == found["perceiver.pretrain"]["agree"] == ASKED
    assert document.failures == {}


def test_they_cost_the_points_of_that_model_where_the_manifest_says_so(settled: Settle) -> None:
    document = settled(exchange_predictions, mode="score")
    assert set(document.failures) == {"1f-2-basic", "1f-7-hidden"}
    assert "vanilla.finetune.params" in document.failures["1f-7-hidden"]


@pytest.mark.parametrize(
    ("source", "target", "model", "note"),
    [
        ("vanilla.finetune.params", "perceiver.finetune.params", "perceiver.pretrain", "holds no perceiver's basis"),
        ("perceiver.finetune.params", "vanilla.model.params", "vanilla.nopretrain", "holds a perceiver's basis"),
        ("vanilla.pretrain.params", "vanilla.finetune.params", "vanilla.pretrain", "hold the same weights"),
        ("model.py", "vanilla.model.params", "vanilla.nopretrain", "not a file that torch.save wrote"),
    ],
)
def test_params_that_cannot_be_right_are_named(
    source: str, target: str, model: str, note: str, settled: Settle
) -> None:
    document = settled(lambda upload: shutil.copyfile(upload / source, upload / target), mode="score")
    found = findings(document)
    assert note in found[model]["note"]
    assert [each["agree"] for name, each in found.items() if name != model] == [ASKED, ASKED]
    assert document.failures == {}


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("def sample(*_, **__): raise OSError('no')", "it raised"),
        ("def sample(*_, **__): return 1 / 0", "it raised"),
        ("def sample(*_, **__):\n    import os\n    os._exit(1)", "process ended"),
    ],
)
def test_code_that_cannot_answer_is_a_note_and_no_fault(code: str, note: str, settled: Settle) -> None:
    def change(upload: Path) -> None:
        with (upload / "__init__.py").open("a", encoding="utf-8") as file:
            file.write(f"\n\n{code}\n")

    document = settled(change)
    assert all(note in each["note"] and each["asked"] == 0 for each in findings(document).values())
    assert document.failures == {}


def test_missing_files_are_a_note(settled: Settle) -> None:
    def change(upload: Path) -> None:
        (upload / "vanilla.model.params").unlink()
        for split in ("dev", "test"):
            (upload / f"perceiver.pretrain.{split}.predictions").unlink()

    found = findings(settled(change))
    assert found["vanilla.nopretrain"]["note"] == "vanilla.model.params was not uploaded"
    assert found["perceiver.pretrain"]["note"] == "no predictions to compare with"


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="choose off, report or score"):
        Provenance("maybe", 20, 0.5)  # type: ignore[arg-type]  # the point of the test
