"""Seeds: who may know them, and what follows from which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import InternalError
from harness.grading import catalogue
from harness.grading.seeds import DEMO_SECRET, SECRET, Seeds, generator, release_secret, seed_of
from harness.manifest import load
from tests.grade.test_grading import grade

DIGEST = "0f" * 32


def test_a_hidden_seed_follows_from_upload_and_secret_and_a_basic_one_from_the_upload() -> None:
    here, again, elsewhere, other = (
        Seeds.of(digest, secret)
        for digest, secret in ((DIGEST, b"a"), (DIGEST, b"a"), (DIGEST, b"b"), ("1e" * 32, b"a"))
    )
    assert here == again
    assert len({here.hidden, elsewhere.hidden, other.hidden}) == 3
    assert here.basic == elsewhere.basic == DIGEST[:16] != other.basic
    assert len(here.hidden) == 32


def test_a_given_seed_repeats_the_hidden_graded_tests() -> None:
    first = Seeds.of(DIGEST, b"a")
    assert Seeds.of(DIGEST, b"another secret", first.hidden) == first


def test_the_three_streams_of_a_graded_test_differ_from_each_other_and_from_all_others() -> None:
    seeds = [
        seed_of("run", graded_test.id, stream)
        for graded_test in catalogue.collect(load())
        for stream in ("inputs", "unseen", "workers")
    ]
    assert len(set(seeds)) == len(seeds)
    assert generator("run", "1e-2-hidden").random() == generator("run", "1e-2-hidden").random()


def test_a_checkout_has_the_public_secret_and_a_release_must_have_its_own(tmp_path: Path) -> None:
    assert release_secret(tmp_path) == DEMO_SECRET
    (tmp_path / "release.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InternalError, match="build the release again"):
        release_secret(tmp_path)
    (tmp_path / SECRET).write_text("\n", encoding="utf-8")
    with pytest.raises(InternalError, match="is empty"):
        release_secret(tmp_path)
    (tmp_path / SECRET).write_text("a1b2\n", encoding="utf-8")
    assert release_secret(tmp_path) == b"a1b2"


def test_students_see_the_seed_that_they_can_repeat_with_and_staff_alone_the_hidden_one(
    upload: Path, data: Path, tmp_path: Path
) -> None:
    (upload / "dataset.py").write_text("raise ValueError\n", encoding="utf-8")
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1e")
    hidden = document["extra_data"]["seed"]
    shown = "\n".join([document["output"], *(test["output"] for test in document["tests"])])
    (basic,) = set(re.findall(r"\(seed (\w+)\)", shown))
    assert len(hidden) == 32
    assert hidden not in shown
    assert basic not in hidden
