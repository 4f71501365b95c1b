"""The staff handout: every question has an answer and a rubric, and none of it reaches students."""

from __future__ import annotations

import dataclasses
import html
import re
import shutil
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.grading.catalogue import GradedTest, collect
from harness.manifest import load
from harness.release import release
from harness.release.handouts import handouts, staff


@pytest.fixture(scope="module")
def graded_tests() -> tuple[GradedTest, ...]:
    return collect(load())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, graded_tests: tuple[GradedTest, ...]) -> Path:
    out = tmp_path_factory.mktemp("staff")
    staff.build(out, graded_tests, load())
    return out


@pytest.fixture(scope="module")
def text(built: Path) -> str:
    page = (built / "staff.html").read_text(encoding="utf-8")
    return " ".join(html.unescape(re.sub("<[^<>]*>", " ", page)).split())


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree(handouts.SOURCES, tmp_path / "sources"))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return Path(shutil.copy((staff.REFERENCE / "written" / "submission.tex"), tmp_path / "submission.tex"))


def test_both_files_are_there(built: Path):
    assert sorted(path.name for path in built.iterdir()) == sorted(staff.NAMES)
    assert (built / "staff.pdf").read_bytes().startswith(b"%PDF-")


def test_it_answers_every_question_of_the_written_part(text: str):
    asked = re.findall(
        r"(?m)^\\question\{([^}]+)\}", (staff.REFERENCE / "written" / "submission.tex").read_text(encoding="utf-8")
    )
    assert len(asked) == 9
    for label in asked:
        assert f"{label} " in text
    assert text.count("Answer. ") == text.count("Rubric") == len(asked)
    assert "the argument of 3b goes through" in text


def test_it_has_rubrics_for_problem_2_and_the_points_of_the_graded_tests(
    text: str, graded_tests: tuple[GradedTest, ...]
):
    assert all(words in text for words in ("Why pretraining helps", "look alike", "never read about"))
    for part in load().parts:
        if part.extra_credit and part.points:
            sums = [
                sum(c.points for c in graded_tests if (c.part, c.kind) == (part.id, kind))
                for kind in ("basic", "hidden")
            ]
            assert f"{part.id} {part.title} {sums[0]:g} {sums[1]:g}" in text
    assert f"give the programming assignment {load().points} points" in text
    assert f"can earn {load().points + load().extra_points}" in text


def test_students_get_none_of_it(built: Path, tmp_path: Path, graded_tests: tuple[GradedTest, ...]):
    assert release.for_students("student.zip")
    assert release.for_students("handouts/assignment.html")
    assert not release.for_students("staff/staff.html")
    assert not release.for_students("autograder.zip")
    handouts.build(tmp_path, graded_tests, load())
    handout = (tmp_path / "assignment.html").read_text(encoding="utf-8")
    assert "Rubric" not in handout
    assert "goes through" not in handout


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("points = 2", "points = 3", r"3a has 3 points here, 2 in assignment\.toml"),
        ('label = "3b"', 'label = "3b i"', r"3b, 3b i has a rubric here or an answer"),
        ("rubric =", "rubrik =", "missing or misshapen key: 'rubric'"),
        ("[[questions]]", "[[questions", "not valid TOML"),
    ],
)
def test_a_broken_rubric_is_named(sources: Path, tmp_path: Path, graded_tests, old: str, new: str, complaint: str):
    path = sources / "attention.rubric.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as problem:
        staff.build(tmp_path / "out", graded_tests, load(), sources)
    assert "rubric.toml" in str(problem.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("% ### END_CODE_HERE ###\n", "", "START inside the block"),
        (r"\begin{answer}{3b}", r"\begin{answer}{3a}", "no answer environment of its own"),
        (r"\begin{answer}{3a}", "", "no answer environment of its own"),
    ],
)
def test_a_broken_written_part_is_named(written: Path, old: str, new: str, complaint: str):
    written.write_text(written.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as problem:
        staff.load_answers(written)
    assert "submission.tex" in str(problem.value)


def test_points_follow_the_manifest():
    told = load().problem("attention").parts
    parts = tuple(dataclasses.replace(part, points=5) if part.id == "3d" else part for part in told)
    with pytest.raises(UsageError, match=r"3d has 3 points here, 5"):
        staff.load_rubric(handouts.SOURCES / "attention.rubric.toml", parts)
