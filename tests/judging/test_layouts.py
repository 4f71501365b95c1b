"""Uploads as older and neighbouring courses pack them are graded on the parts that they have."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.judging.cases import VARIANTS, code_graded_tests, copy_reference, load
from tests.judging.court import Court

#: Quick graded tests about every part of the code; the slow ones look at the same functions more closely.
QUICK = (
    "1c-0-basic", "1c-1-basic", "1e-0-basic", "1e-1-basic", "1e-7-hidden", "1f-0-basic", "1f-1-basic", "1g-0-basic", "1g-1-basic",
    "1g-4-hidden", "1g-8-hidden",
)  # fmt: skip
OF_DATASET = {graded_test for graded_test in code_graded_tests() if graded_test.startswith("1e-")}
OF_BLOCKS = {"1g-0-basic", "1g-3-hidden", "1g-8-hidden"}


def failed(court: Court, upload: Path, graded_tests: frozenset[str] | tuple[str, ...]) -> dict[str, str]:
    return {
        name: each.message for name, each in court.judge_upload(upload, graded_tests, "first").items() if each.failure
    }


@pytest.mark.parametrize("prefix", ["", "submission/", "src/submission/"])
def test_where_the_package_lies_makes_no_difference(prefix: str, court: Court, tmp_path: Path) -> None:
    copy_reference(tmp_path / "upload" / prefix)
    assert failed(court, tmp_path / "upload", QUICK) == {}


def older(into: Path) -> Path:
    """src/ with run.py, without a package and without helper.py; modules import each other by their bare names."""
    source = copy_reference(into / "src")
    for name in ("__init__.py", "helper.py"):
        (source / name).unlink()
    for file in source.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"^(\s*)from \.(\w+) import", r"\1from \2 import", text, flags=re.MULTILINE), "utf-8")
    (source / "run.py").write_text("import model, dataset, trainer\n", encoding="utf-8")
    return into


def test_the_older_upload_earns_its_data_set_and_its_blocks(court: Court, tmp_path: Path) -> None:
    seen = failed(court, older(tmp_path / "upload"), code_graded_tests())
    assert not set(seen) & (OF_DATASET | OF_BLOCKS)
    assert set(seen) == code_graded_tests() - OF_DATASET - OF_BLOCKS


def test_what_the_older_upload_lacks_is_said_in_a_sentence(court: Court, tmp_path: Path) -> None:
    seen = failed(court, older(tmp_path / "upload"), code_graded_tests() - OF_DATASET - OF_BLOCKS)
    for graded_test, message in seen.items():
        assert "belongs to what is not among the uploaded files (__init__.py, helper.py)" in message, graded_test
        assert "this graded test waits until" in message, graded_test


def test_a_missing_init_alone_costs_nothing(court: Court, tmp_path: Path) -> None:
    (copy_reference(tmp_path / "upload") / "__init__.py").unlink()
    assert failed(court, tmp_path / "upload", QUICK) == {}


def test_a_missing_helper_costs_no_other_part_anything(court: Court, tmp_path: Path) -> None:
    (copy_reference(tmp_path / "upload") / "helper.py").unlink()
    seen = failed(court, tmp_path / "upload", QUICK)
    assert set(seen) == {"1c-0-basic", "1c-1-basic", "1f-0-basic", "1f-1-basic", "1g-1-basic", "1g-4-hidden"}


def test_a_package_that_does_without_a_module_keeps_its_own_init(court: Court, tmp_path: Path) -> None:
    folder = copy_reference(tmp_path / "upload")
    text = (folder / "helper.py").read_text(encoding="utf-8")
    (folder / "helper.py").unlink()
    (folder / "work.py").write_text(text, encoding="utf-8")
    own = (folder / "__init__.py").read_text(encoding="utf-8")
    (folder / "__init__.py").write_text(own.replace("from .helper import", "from .work import"), encoding="utf-8")
    assert failed(court, tmp_path / "upload", QUICK) == {}


def test_a_module_that_is_broken_itself_is_not_called_missing(court: Court, tmp_path: Path) -> None:
    folder = copy_reference(tmp_path / "upload")
    (folder / "helper.py").unlink()
    (folder / "model.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    seen = failed(court, tmp_path / "upload", ("1e-1-basic", "1g-0-basic"))
    assert set(seen) == {"1g-0-basic"}
    assert "nothing_of_that_name" in seen["1g-0-basic"]


@pytest.mark.parametrize("name", ["neighbouring_course", "older_handout"])
def test_packages_of_other_courses_pass_in_their_own_layout(name: str, court: Court, tmp_path: Path) -> None:
    shutil.copytree(load(VARIANTS / name).build(tmp_path / "code"), tmp_path / "upload" / "src" / "submission")
    assert failed(court, tmp_path / "upload", QUICK) == {}
