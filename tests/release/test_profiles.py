"""Other courses: a few lines laid over assignment.toml, checked as it is, and released as it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import build
from harness import cli, manifest
from harness.assignment import ROOT, Assignment, Grade
from harness.errors import SettingsError, UsageError
from harness.grading import catalogue, supervisor
from harness.grading.results import NoteKind, Outcome, Results
from harness.manifest import PROFILE, PROFILE_VARIABLE, load
from harness.points import shared
from harness.release import inputs, package, training
from harness.release import lists as release_list
from harness.release.handouts import handouts, staff

MANIFEST = ROOT / "assignment.toml"
PROFILES = sorted((ROOT / "profiles").glob("*.toml"))
COPIED = ("harness", "reference_solution", "student_template", "handouts", "profiles", "build.py", "assignment.toml",
          "pyproject.toml", "constraints.txt", "setup.sh", "run_autograder")  # fmt: skip


def translates(path: Path) -> bool:
    """Whether a profile trains other models than those of birth places."""
    return "translation" in {entry.name for entry in load(MANIFEST, path).problems}


def laid(folder: Path, text: str) -> Assignment:
    (folder / "other.toml").write_text(text, encoding="utf-8")
    return load(MANIFEST, folder / "other.toml")


# What ships.


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profile_is_complete_in_itself(path):
    told = load(MANIFEST, path)
    graded = catalogue.collect(told)
    catalogue.check_points(graded, told)
    assert all(each.points * 2 == int(each.points * 2) for each in graded)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 30
    listed = release_list.load(told)
    assert package.profile_files(told) == {PROFILE: path.read_bytes()}
    for entries in package.listed_entries(ROOT, listed, told).values():
        assert [name for name in entries if name.endswith(PROFILE)]


@pytest.mark.parametrize(("name", "points", "extra", "parts"), [
    ("cs224n", 80, 0, {"1g": 8, "3a": 4, "3b": 4, "3c": 5, "3d": 3, "3e": 6}),
    ("marks", 80, 0, {"1e": 20, "3a": 5, "3b": 10, "3c": 20, "3e": 15}),
    ("winter", 30, 0, {"3a": 2, "3b": 4, "3c": 5, "3d": 3, "4b": 9, "4c": 7}),
    ("encoder", 10, 0, {"3a": 2, "3c": 4, "4a": 4}),
])  # fmt: skip
def test_profile_gives_the_points_that_it_says(name, points, extra, parts):
    told = load(MANIFEST, ROOT / "profiles" / f"{name}.toml")
    assert (told.points, told.extra_points) == (points, extra)
    assert {part.id: part.points for part in told.parts if part.id in parts} == parts
    assert told.optional == ()  # what counts must be uploaded


def test_thresholds_and_scale_are_the_courses():
    course, marks = (load(MANIFEST, ROOT / "profiles" / f"{name}.toml") for name in ("cs224n", "marks"))
    titles = {each.id: each.title for each in catalogue.collect(course)}
    assert "at least 5% of the dev questions" in titles["1g-2-basic"]
    assert "at least 10% of the dev questions" in titles["1f-2-basic"]
    assert marks.grades == (Grade(30, "3"), Grade(50, "4"), Grade(70, "5"))
    assert [marks.grade_of(points) for points in (0, 29.5, 30, 49, 50, 70, 80)] == ["", "", "3", "3", "4", "5", "5"]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_handouts_follow(path):
    told = load(MANIFEST, path)
    graded = catalogue.collect(told)
    context = handouts.context_of(graded, told)
    page = handouts.handout(context, handouts.SOURCES, handouts.DRAFT)["assignment.html"].decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert told.title in text
    assert "xtra credit" not in text
    assert not re.search(r"\{#|\B##\b|<%|>>|<<", text)  # a heading that did not become one
    assert ("Points make the grade: 3 from 30 points on, 4 from 50 points on, 5 from 70 points on." in text) == (
        path.stem == "marks"
    )
    assert staff.handout(context, graded, told, handouts.SOURCES, staff.REFERENCE, handouts.DRAFT)["staff.html"]


def test_titles_say_extra_credit_where_it_is_some():
    plain, course = ({each.id: each.title for each in catalogue.collect(told)} for told in
                     (load(MANIFEST), load(MANIFEST, ROOT / "profiles" / "cs224n.toml")))  # fmt: skip
    assert plain["3a-0-basic"].startswith("Extra credit: with the query of copying_query")
    assert course["3a-0-basic"].startswith("With the query of copying_query")
    assert plain["3e-0-basic"].startswith("Practice, no points: attention_weights returns")
    assert course["3e-0-basic"].startswith("attention_weights returns")
    assert not [title for title in course.values() if "xtra credit" in title or "ractice" in title]


# How it is laid over.


def test_what_a_profile_does_not_say_stays(tmp_path):
    plain, told = load(MANIFEST), laid(tmp_path, "[problems.birthplaces]\nparts.1g = { points = 7 }\n")
    assert told.parts_by_id["1f"] == plain.parts_by_id["1f"]
    assert (told.title, told.limits, told.thresholds, told.grades) == (plain.title, plain.limits, plain.thresholds, ())
    assert laid(tmp_path, "").points == plain.points


def test_problem_and_parts_are_switched(tmp_path):
    told = laid(tmp_path, "[problems.attention]\nenabled = false\n[problems.birthplaces.parts.1g]\nenabled = false\n")
    assert told.off - load(MANIFEST).off == {"3a", "3b", "3c", "3d", "3e", "1g"}


def test_students_see_the_points_of_basic_tests_that_count(monkeypatch):
    """They have no hidden ones to add up."""
    told = load(MANIFEST, ROOT / "profiles" / "cs224n.toml")
    whole = {each.id: each.points for each in catalogue.collect(told)}
    monkeypatch.setitem(catalogue.PACKAGES, "hidden", "harness.tests_that_are_not_here")
    basic = {each.id: each.points for each in catalogue.collect(told, ("basic",))}
    assert basic == {each: points for each, points in whole.items() if each.endswith("basic")}


@pytest.mark.parametrize(("total", "weights", "shares"), [
    (8, [1, 1, 2], [2, 2, 4]),
    (3, [1, 1], [1.5, 1.5]),
    (5, [1, 2], [1.5, 3.5]),
    (1, [9, 1], [0.5, 0.5]),
    (4, [0, 0, 0], [1.5, 1.5, 1]),
    (4, [0, 1], [0, 4]),
    (0, [1, 2], [0, 0]),
])  # fmt: skip
def test_points_are_shared_in_halves_and_add_up(total, weights, shares):
    assert sorted(shared(total, weights)) == sorted(shares)


# What cannot be.

MISTAKES = [
    ("titel = 'x'\n", 1, "titel = 'x': no such key; the keys are title, hidden_tests, grades, problems"),
    ("\n[problems.birthplace]\n", 2, "no such problem; assignment.toml has birthplaces, attention"),
    ("[problems.birthplaces]\nparts.1h = { points = 1 }\n", 2, "no such part; birthplaces has 1c, 1d, 1e, 1f, 1g"),
    ("[problems.birthplaces]\nparts.1g = { point = 1 }\n", 2, "no such key; the keys are title, points"),
    ("[problems.birthplaces]\nparts.1g = { points = 7.5 }\n", 2, "a whole number of at least 0 is needed"),
    ("[problems.birthplaces]\nparts.1g = { points = 3 }\n", 2, "basic graded tests: 1 in all is too little for 3"),
    ("[problems.birthplaces]\nparts.1g = 3\n", 2, "a table is needed"),
    ("[problems.birthplaces]\nparts.1e = { enabled = false }\n", 2, "part 1f needs 1e, and that is off"),
    ("[problems.birthplaces]\nthresholds.perceiver = 5\n", 2, "a fraction of the questions"),
    (
        "[problems.birthplaces]\nthresholds.percever = 0.05\n",
        2,
        "no such threshold; birthplaces has perceiver, vanilla",
    ),
    ("[problems.birthplaces]\npackage = 'os'\n", 2, "no such key; the keys are enabled, parts, thresholds"),
    ("hidden_tests = 'never'\n", 1, "one of visible, after_due_date, after_published is needed"),
    ("grades = [\n  { from = 50, grade = '4' },\n  { from = 30, grade = '3' },\n]\n", 3, "more than the 50 points"),
    ("grades = [{ from = 30 }]\n", 1, "'grade' is missing"),
    ("grades = [{ from = 300, grade = '3' }]\n", 1, "given from 300 points on, but the parts that are on give 74"),
    ("[problems.birthplaces\n", 1, "not valid TOML"),
]


@pytest.mark.parametrize(("text", "line", "expected"), MISTAKES)
def test_mistake_is_named_with_file_and_line(tmp_path, text, line, expected):
    with pytest.raises(SettingsError) as refused:
        catalogue.collect(laid(tmp_path, text))
    assert expected in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / 'other.toml'}:{line}: ")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("assignment.toml", "handouts", "profiles"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, tmp_path / name)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


def test_bad_profile_ends_with_1_before_anything_is_built(checkout, capsys):
    (checkout / "profiles" / "bad.toml").write_text("[problems.birthplaces]\nparts.1g = { points = 3 }\n")
    before = sorted(checkout.rglob("*"))
    for name, told in (
        ("bad", r"bad\.toml:2: part 1g: points = 3"),
        ("none", "no such profile; .* bad, cs224n, encoder, marks, winter"),
    ):
        assert build.main(["release", "--profile", name]) == 1
        assert re.match(rf"error: .*{told}", capsys.readouterr().err)
    assert sorted(checkout.rglob("*")) == before
    with pytest.raises(SystemExit):
        build.main(["template", "--profile", "cs224n"])


def test_hotfix_keeps_the_profile_and_takes_no_other(checkout):
    before = SimpleNamespace(terms={"profile": "marks"})

    def named(profile):
        return inputs._profile_named(inputs.Request(checkout, profile=profile), before)  # type: ignore[arg-type]

    assert named(None) == named("marks") == "marks"
    with pytest.raises(UsageError, match="--profile cs224n: the release to mend has marks"):
        named("cs224n")


# How a grade finds it.


def test_grader_takes_the_profile_that_lies_beside_it(tmp_path, monkeypatch):
    shutil.copyfile(MANIFEST, tmp_path / "assignment.toml")
    shutil.copyfile(ROOT / "profiles" / "marks.toml", tmp_path / PROFILE)
    monkeypatch.setattr(manifest, "ROOT", tmp_path)
    assert load().points == 80
    assert load(tmp_path / "assignment.toml").points == 64


def test_grade_in_a_checkout_goes_by_the_profile_of_the_live_release(tmp_path, monkeypatch):
    (tmp_path / "dist").mkdir()
    shutil.copyfile(ROOT / "profiles" / "marks.toml", tmp_path / "dist" / PROFILE)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    with cli._profile_of_the_release():
        assert load().points == 80
        assert PROFILE_VARIABLE in supervisor._environment()
    assert load().points == 64
    (tmp_path / "data").mkdir()  # inside a release: what lies beside the grader counts
    with cli._profile_of_the_release():
        assert load().points == 64


def test_grade_tells_the_mark_of_the_scale(tmp_path):
    told = load(MANIFEST, ROOT / "profiles" / "marks.toml")
    results = Results.of(catalogue.collect(told))
    for each in catalogue.collect(told):
        results.record(each.id, Outcome.PASS if each.part.startswith("3") else Outcome.FAIL, "")
    supervisor._tell_grade(results, told, tmp_path / "results.json")
    said = "50 points: grade 4 (3 from 30, 4 from 50, 5 from 70)."
    assert [(note.kind, note.text) for note in results.notes] == [(NoteKind.GRADE, said)]
    assert said in json.loads((tmp_path / "results.json").read_bytes())["output"]
    supervisor._tell_grade(results, load(MANIFEST), None)
    assert len(results.notes) == 1


def test_upload_that_was_trained_serves_every_profile(honest_upload, translated_upload):
    """What nothing is trained for is taken from the reference."""
    for path in PROFILES:
        training.check_folder(translated_upload if translates(path) else honest_upload, ROOT, load(MANIFEST, path))


# Whole releases.


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("courses") / "checkout"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def released(copy: Path, *options: str) -> str:
    command = [sys.executable, "build.py", "release", *options]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def everything(honest_upload, data, translated_upload, translation_data, tmp_path_factory):
    """The data of all problems, and an upload of the reference's with everything that is trained for them."""
    folder = tmp_path_factory.mktemp("everything")
    for name, parts in (("data", (data, translation_data)), ("upload", (honest_upload, translated_upload))):
        for part in parts:
            shutil.copytree(part, folder / name, dirs_exist_ok=True)
    return ("--trained", str(folder / "upload"), "--data", str(folder / "data"))


@pytest.mark.slow
@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_each_profile_is_released_and_checks_itself(path, copy, everything):
    said = released(copy, "--profile", path.stem, *everything)
    told = load(MANIFEST, path)
    assert f"{told.points} of {told.points}" in said
    assert json.loads((copy / "dist" / "manifest.json").read_bytes())["profile"] == path.stem
    for name, inner in (("student.zip", f"{package.TOP}/src/{PROFILE}"), ("autograder.zip", PROFILE)):
        with zipfile.ZipFile(copy / "dist" / name) as archive:
            assert archive.read(inner) == path.read_bytes()
    status = subprocess.run(
        [sys.executable, "build.py", "status"], cwd=copy, capture_output=True, text=True, check=True
    )
    assert f"profile      {path.stem}" in status.stdout
    assert "nothing that a release holds has changed" in status.stdout


@pytest.mark.slow
def test_release_without_two_parts_checks_itself(copy, honest_upload, data):
    manifest = copy / "assignment.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(re.sub(r'\{ id = "(1g|3c)",', r'{ id = "\1", enabled = false,', text), encoding="utf-8")
    try:
        said = released(copy, "--trained", str(honest_upload), "--data", str(data))
    finally:
        manifest.write_text(text, encoding="utf-8")
    assert "50 of 50" in said
    assert not re.search(r"(?m)^\s+(1g|3c) ", said)


EVERYTHING = """\
title = "Everything"

[problems.attention]
parts.3a = { extra_credit = false }

[problems.translation]
enabled = true
"""


@pytest.mark.slow
def test_release_with_every_problem_and_part_checks_itself(copy, everything):
    """One course with all that there is: what the problems bring stands side by side in every artefact."""
    path = copy / "profiles" / "everything.toml"
    path.write_text(EVERYTHING, encoding="utf-8")
    try:
        told = load(MANIFEST, path)
        said = released(copy, "--profile", path.stem, *everything)
    finally:
        path.unlink()
    assert told.off == frozenset()
    assert f"{told.points} of {told.points}" in said
    assert f"0 of {told.points}" in said
    sections = re.findall(r"(?m)^\W*(\d[a-g]) +\S", said)
    assert {part.id for part in told.parts} <= set(sections)
    names = {}
    for name in ("student.zip", "autograder.zip"):
        with zipfile.ZipFile(copy / "dist" / name) as archive:
            names[name] = {Path(inner).name for inner in archive.namelist()}
    assert set(told.data_names()) <= names["autograder.zip"]
    assert set(told.data_names()) & names["student.zip"] == set(told.data_names(students=True))
    assert {"run.sh", "translate.sh", "attention_exploration.py", "translation.py", "model.py"} <= names["student.zip"]
