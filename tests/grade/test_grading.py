"""Whole grades through the command that staff and Gradescope use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.errors import InternalError
from harness.grading import catalogue, session
from harness.manifest import load
from harness.sandbox import system
from tests.conftest import TEMPLATE_CODE

QUESTIONS = int(load().problem("birthplaces").presets["laptop"]["dev"])
#: Graded tests about predictions, each with its file.
PREDICTIONS = {
    "1d-0-basic": "vanilla.nopretrain.dev.predictions",
    "1d-1-hidden": "vanilla.nopretrain.test.predictions",
    "1f-2-basic": "vanilla.pretrain.dev.predictions",
    "1f-7-hidden": "vanilla.pretrain.test.predictions",
    "1g-2-basic": "perceiver.pretrain.dev.predictions",
    "1g-7-hidden": "perceiver.pretrain.test.predictions",
}
CODE = tuple(d.name for d in load().deliverables if d.kind == "code")


def grade(upload: Path, data: Path, results: Path, *extra: str) -> tuple[int, dict[str, Any], str]:
    command = [
        sys.executable,
        "-m",
        "harness",
        "grade",
        str(upload),
        "--data",
        str(data),
        "--results",
        str(results),
        *extra,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    document = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    return done.returncode, document, done.stdout + done.stderr


def outcomes(document) -> dict[str, str]:
    return {test["number"]: test["extra_data"]["outcome"] for test in document["tests"]}


def failed(document) -> set[str]:
    extra = {part.id for part in load().parts if part.extra_credit}
    open_ = {n for n, outcome in outcomes(document).items() if outcome not in ("pass", "skipped")}
    return {n for n in open_ if n.split("-")[0] not in extra}


def outputs(document) -> str:
    return "\n".join(test["output"] for test in document["tests"])


def test_right_work_earns_every_point(honest_upload: Path, data: Path, tmp_path: Path) -> None:
    code, document, text = grade(honest_upload, data, tmp_path / "results.json")
    assert (code, document["score"]) == (0, 64), text
    assert document["extra_data"]["internal_error"] is False
    figures = {t["number"]: t["extra_data"]["correct"] for t in document["tests"] if "correct" in t["extra_data"]}
    assert figures == {each: right_answers(honest_upload / name, data) for each, name in PREDICTIONS.items()}
    spent = [test["extra_data"]["spent"] for test in document["tests"] if "score" in test]
    assert all(each["seconds"] > 0 for each in spent)
    assert all(each["peak_bytes"] > 10 << 20 for each in spent if "peak_bytes" in each)
    assert sys.platform != "linux" or sum("peak_bytes" in each for each in spent) > len(spent) / 2


def right_answers(predictions: Path, data: Path) -> int:
    """Counted here, line by line."""
    split = predictions.name.split(".")[2]
    answers = [line.split("\t")[1] for line in (data / f"birth_{split}.tsv").read_text("utf-8").splitlines()]
    return sum(a == b for a, b in zip(predictions.read_text("utf-8").splitlines(), answers, strict=True))


@pytest.mark.slow
def test_a_zipped_and_nested_upload_earns_the_same(honest_upload: Path, data: Path, tmp_path: Path) -> None:
    archive = tmp_path / "work.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for path in honest_upload.iterdir():
            stream.write(path, f"my work/src/submission/{path.name}")
    _, document, text = grade(archive, data, tmp_path / "results.json")
    assert document["score"] == 64, text


def test_the_template_earns_nothing(data: Path, tmp_path: Path) -> None:
    code, document, text = grade(TEMPLATE_CODE, data, tmp_path / "results.json")
    assert (code, document["score"]) == (0, 0), text
    assert "not written yet" in outputs(document)


def test_an_empty_folder_earns_nothing_and_names_the_files(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, document, _ = grade(tmp_path / "empty", data, tmp_path / "results.json")
    assert (code, document["score"]) == (0, 0)
    listed = [test["number"] for test in document["tests"]]
    graded = [each.id for each in catalogue.collect(load()) if not load().parts_by_id[each.part].extra_credit]
    assert listed == [*graded, "3"]  # one line for all the extra credit that nobody tried
    for deliverable in load().deliverables:
        assert deliverable.name in document["output"] + outputs(document)
    code_graded_tests = [
        test["output"] for test in document["tests"] if test["number"] in ("1c-0-basic", "1e-2-hidden")
    ]
    assert all(
        "what is not among the uploaded files (__init__.py, attention.py, " in output for output in code_graded_tests
    )


def test_a_corrupt_zip_earns_nothing_and_says_why(data: Path, tmp_path: Path) -> None:
    (tmp_path / "work.zip").write_bytes(b"PK\x03\x04 not really")
    code, document, _ = grade(tmp_path / "work.zip", data, tmp_path / "results.json")
    assert (code, document["score"]) == (0, 0)
    assert "zip" in document["output"]
    assert document["extra_data"]["internal_error"] is False


MISSING = [
    ("vanilla.model.params", {"1d-2-hidden", "1d-0-basic", "1d-1-hidden"}),
    ("vanilla.nopretrain.dev.predictions", {"1d-0-basic"}),
    ("vanilla.nopretrain.test.predictions", {"1d-1-hidden"}),
    ("vanilla.pretrain.params", {"1f-6-hidden"}),
    ("vanilla.finetune.params", {"1f-6-hidden", "1f-2-basic", "1f-7-hidden"}),
    ("vanilla.pretrain.dev.predictions", {"1f-2-basic"}),
    ("vanilla.pretrain.test.predictions", {"1f-7-hidden"}),
    ("perceiver.pretrain.params", {"1g-6-hidden"}),
    ("perceiver.finetune.params", {"1g-6-hidden", "1g-2-basic", "1g-7-hidden"}),
    ("perceiver.pretrain.dev.predictions", {"1g-2-basic"}),
    ("perceiver.pretrain.test.predictions", {"1g-7-hidden"}),
]


@pytest.mark.parametrize("files", [MISSING[::2], MISSING[1::2]], ids=["even", "odd"])
def test_each_missing_file_costs_its_own_graded_tests_only(upload: Path, data: Path, tmp_path: Path, files) -> None:
    removed, expected = set(), set()
    for name, graded_tests in files:
        (upload / name).unlink()
        removed.add(name)
        expected |= graded_tests
    _, document, text = grade(upload, data, tmp_path / "results.json")
    assert failed(document) == expected, text
    assert all(name in outputs(document) for name in removed)
    assert "run.sh" in outputs(document)


@pytest.mark.parametrize("name", [name for name in CODE if name != "utils.py"])
def test_a_missing_code_file_leaves_predictions_judged(upload: Path, data: Path, tmp_path: Path, name: str) -> None:
    (upload / name).unlink()
    code, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1d")
    assert code == 0
    assert outcomes(document) == {"1d-0-basic": "pass", "1d-1-hidden": "pass", "1d-2-hidden": "pass"}


@pytest.mark.parametrize("name", ["attention.py", "trainer.py", "utils.py", "model.py", "helper.py"])
def test_graded_tests_about_code_name_the_file_that_they_wait_for(
    upload: Path, data: Path, tmp_path: Path, name: str
) -> None:
    (upload / name).unlink()
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1g")
    waiting = {test["number"]: test["output"] for test in document["tests"] if test["score"] < test["max_score"]}
    assert {"1g-1-basic", "1g-4-hidden", "1g-5-hidden"} <= set(waiting)
    for number, output in waiting.items():
        assert name in output, number
        assert "this graded test waits until" in output, number


def test_a_syntax_error_is_shown_with_file_and_line_by_basic_graded_tests(
    upload: Path, data: Path, tmp_path: Path
) -> None:
    model = upload / "model.py"
    model.write_text("def broken(:\n" + model.read_text(encoding="utf-8"), encoding="utf-8")
    code, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1g")
    assert code == 0
    by_number = {test["number"]: test for test in document["tests"]}
    assert "model.py:1" in by_number["1g-0-basic"]["output"]
    assert "SyntaxError" in by_number["1g-0-basic"]["output"]
    assert "does not import" in by_number["1g-4-hidden"]["output"]
    assert by_number["1g-2-basic"]["status"] == "passed"


def test_an_unwritten_part_fails_its_own_graded_tests_only(upload: Path, data: Path, tmp_path: Path) -> None:
    shutil.copyfile(TEMPLATE_CODE / "dataset.py", upload / "dataset.py")
    _, document, text = grade(upload, data, tmp_path / "results.json")
    parts = {number.split("-")[0] for number in failed(document)}
    assert parts == {"1e", "1f"}, text  # pretraining learns from the dataset that is not written
    assert failed(document) & {"1f-5-hidden"} == {n for n in failed(document) if n.startswith("1f")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0"),
        (b"Oslo\n" * (QUESTIONS - 1), str(QUESTIONS - 1)),
        (b"Oslo\n" * (QUESTIONS + 1), str(QUESTIONS + 1)),
        (b"\xff\xfe\n" * QUESTIONS, "UTF-8"),
    ],
)
def test_malformed_predictions_say_what_is_wrong(
    upload: Path, data: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (upload / "vanilla.nopretrain.dev.predictions").write_bytes(content)
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1d-0-basic")
    (test,) = document["tests"]
    assert test["status"] == "failed"
    assert said in test["output"]
    assert "vanilla.nopretrain.dev.predictions" in test["output"]


@pytest.mark.parametrize("kind", ["text", "list", "cut"])
def test_params_that_are_no_state_dict_say_so(upload: Path, data: Path, tmp_path: Path, kind: str) -> None:
    import torch

    path = upload / "vanilla.model.params"
    if kind == "text":
        path.write_text("weights", encoding="utf-8")
    elif kind == "list":
        torch.save([1, 2, 3], path)
    else:
        path.write_bytes(path.read_bytes()[:5000])
    code, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1d-2-hidden")
    (test,) = document["tests"]
    assert (code, test["status"]) == (0, "failed")
    assert "vanilla.model.params" in test["output"]
    assert "state dict" in test["output"]


def test_a_vanilla_model_passed_off_as_a_perceiver_fails(upload: Path, data: Path, tmp_path: Path) -> None:
    shutil.copyfile(upload / "vanilla.pretrain.params", upload / "perceiver.pretrain.params")
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1g-6-hidden")
    assert document["tests"][0]["status"] == "failed"


def test_a_seed_repeats_a_run(upload: Path, data: Path, tmp_path: Path) -> None:
    _, first, _ = grade(upload, data, tmp_path / "a.json", "--only", "1c", "--seed", "abc")
    _, second, _ = grade(upload, data, tmp_path / "b.json", "--only", "1c", "--seed", "abc")
    assert first["extra_data"]["seed"] == second["extra_data"]["seed"] == "abc"
    for test in (*first["tests"], *second["tests"]):
        test["extra_data"].pop("spent", None)
    assert first["tests"] == second["tests"]


def test_the_page_for_people_escapes_what_students_wrote(upload: Path, data: Path, tmp_path: Path) -> None:
    source = upload / "model.py"
    source.write_text("raise ValueError('<script>alert(1)</script>')\n", encoding="utf-8")
    page = tmp_path / "page.html"
    grade(upload, data, tmp_path / "results.json", "--only", "1g-0-basic", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such/upload"], "no such folder or zip"),
        (["n" * 300], "no such folder or zip"),
        (["{upload}", "--data", "/no/such/data"], "not a dataset"),
        (["{upload}", "--results", "/no/such/folder/results.json"], "does not exist"),
        (["{upload}", "--only", "7q"], "no graded test '7q'"),
    ],
)
def test_unusable_arguments_exit_2_with_a_sentence(
    honest_upload: Path, data: Path, arguments: list[str], said: str
) -> None:
    filled = [argument.format(upload=honest_upload) for argument in arguments]
    if "--data" not in filled:
        filled += ["--data", str(data)]
    done = subprocess.run(
        [sys.executable, "-m", "harness", "grade", *filled], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_students_run_the_basic_graded_tests_on_their_own_files(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "reference_solution" / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for name in load().data_names(students=True):
        shutil.copyfile(data / name, source / "data" / name)
    (source / "harness").symlink_to(ROOT / "harness")
    shutil.copyfile(ROOT / "assignment.toml", source / "assignment.toml")
    done = subprocess.run(
        [sys.executable, "grader.py", "1e"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "5/5" in done.stdout
    assert "hidden" not in done.stdout


def test_a_copy_of_the_other_splits_predictions_loses_and_the_right_file_does_not(
    upload: Path, data: Path, tmp_path: Path
) -> None:
    dev, test = (upload / f"vanilla.pretrain.{split}.predictions" for split in ("dev", "test"))
    first, second = dev.read_bytes(), test.read_bytes()

    def said(graded_test: str) -> str:
        _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", graded_test)
        assert document["tests"][0]["extra_data"]["total"] == QUESTIONS
        return str(document["tests"][0]["output"])

    dev.write_bytes(second)
    assert "this looks like the test file" in said("1f-2-basic")
    assert "looks like" not in said("1f-7-hidden")
    test.write_bytes(first)
    assert "this looks like the dev file" in said("1f-7-hidden")
    dev.write_bytes(first)
    assert "this looks like the dev file" in said("1f-7-hidden")
    assert "looks like" not in said("1f-2-basic")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of a control group")
def test_a_container_with_too_little_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for enough in (None, 768 << 20):
        monkeypatch.setattr(system, "memory_limit", lambda limit=enough: limit)
        session._check_memory()
    monkeypatch.setattr(system, "memory_limit", lambda: 256 << 20)
    with pytest.raises(InternalError, match="may take 256 MiB of memory, and a grade needs 448"):
        session._check_memory()
