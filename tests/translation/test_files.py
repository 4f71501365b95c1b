"""Params and predictions of problem 4 that are not what they should be lose the points of what is wrong, and no others.

Judged as in a grade, with real workers; the upload they are laid on has small models that were really trained.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.judging.court import Court, Files, change_tensors
from tests.translation.support import ASSIGNMENT, GRADED_TESTS, OF_CODE

OF_FILES = GRADED_TESTS.keys() - OF_CODE

Change = Callable[[Path], object]


def of_lines(change: Callable[[int, str], str]) -> Change:
    """What each line of a predictions file becomes, by its number from 0."""

    def changed(path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("".join(f"{change(*each)}\n" for each in enumerate(lines)), encoding="utf-8")

    return changed


def untrained(path: Path) -> None:
    change_tensors(path, "untrained")


def copy_of(other: str) -> Change:
    return lambda path: shutil.copyfile(path.with_name(other), path)


BACKWARDS = of_lines(lambda _, line: " ".join(line.split()[::-1]))
#: Far above the threshold still, and not what the model wrote.
BY_HAND = of_lines(lambda number, line: line if number % 10 else "this is no sentence of a model .")

#: The file that is changed, how, and the graded tests that must fail.
WRONG: dict[str, tuple[str, Change, set[str]]] = {
    "an encoder without training": ("translation.encoder.params", untrained, {"4a-4-hidden"}),
    "a decoder for an encoder": ("translation.encoder.params", copy_of("translation.scratch.params"), {"4a-4-hidden"}),
    "a start without pretraining": ("translation.pretrain.params", untrained, {"4c-5-hidden"}),
    "a start that has seen pairs alone": (
        "translation.pretrain.params",
        copy_of("translation.scratch.params"),
        {"4c-5-hidden"},
    ),
    "finetuned params that are those from scratch": (
        "translation.finetune.params",
        copy_of("translation.scratch.params"),
        {"4c-5-hidden"},
    ),
    "params without training": (
        "translation.scratch.params",
        untrained,
        {"4c-1-basic", "4c-5-hidden", "4c-6-hidden"},
    ),
    "dev, backwards": ("translation.finetune.dev.predictions", BACKWARDS, {"4c-1-basic"}),
    "dev, mended by hand": ("translation.scratch.dev.predictions", BY_HAND, {"4c-1-basic"}),
    "test from scratch, backwards": ("translation.scratch.test.predictions", BACKWARDS, {"4c-6-hidden"}),
    "test from scratch, mended by hand": ("translation.scratch.test.predictions", BY_HAND, {"4c-6-hidden"}),
    "finetuned test, backwards": ("translation.finetune.test.predictions", BACKWARDS, {"4c-7-hidden"}),
    "finetuned test, mended by hand": ("translation.finetune.test.predictions", BY_HAND, {"4c-7-hidden"}),
    "test that is dev": (
        "translation.finetune.test.predictions",
        copy_of("translation.finetune.dev.predictions"),
        {"4c-7-hidden"},
    ),
}


@pytest.fixture(scope="module")
def court(translated_upload: Path, translation_data: Path) -> Iterator[Court]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to the users that workers run as
        Path(folder).chmod(0o711)
        with Court(Path(folder), Files(translated_upload, translation_data), ASSIGNMENT) as made:
            yield made


def failed(court: Court, upload: Path) -> dict[str, str]:
    """What is said by each graded test of files that does not hold."""
    verdicts = court.judge_upload(upload, sorted(OF_FILES), "first")
    return {name: verdict.message for name, verdict in verdicts.items() if verdict.failure}


def test_what_was_trained_passes(court: Court, translated_upload: Path) -> None:
    assert failed(court, translated_upload) == {}


def test_every_graded_test_of_files_is_failed_alone_by_something() -> None:
    assert {name for _, _, fails in WRONG.values() for name in fails if len(fails) == 1} == OF_FILES


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_costs_its_own_graded_tests(
    court: Court, translated_upload: Path, tmp_path: Path, what: str
) -> None:
    name, change, fails = WRONG[what]
    upload = shutil.copytree(translated_upload, tmp_path / "upload")
    change(upload / name)
    said = failed(court, upload)
    assert said.keys() == fails
    assert all(name in message for message in said.values())
