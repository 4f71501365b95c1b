"""assignment.toml and course.toml, mistyped: file, line and what was expected; never a traceback, never a zip of it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import build
from harness import cli, settings
from harness.assignment import OVERHEAD_SECONDS, ROOT, Threshold
from harness.errors import SettingsError
from harness.grading import catalogue, grade
from harness.grading.results import Results
from harness.manifest import load
from harness.problem import check_settings
from harness.release.termdata import generate

MANIFEST = (ROOT / "assignment.toml").read_text(encoding="utf-8")

#: (what stands there, what stands there instead, what the complaint says beside file and line)
MISTAKES = [
    ("vanilla = 0.10", "vanilla = 10", "a fraction of the questions"),
    ("vanilla = 0.10", "vanilla = -1", "a fraction of the questions"),
    ("vanilla = 0.10", 'vanilla = "ten"', "a fraction of the questions"),
    ("vanilla = 0.10", "vanilla = 0", "a fraction of the questions"),
    ("vanilla = 0.10", "vanilla = nan", "a fraction of the questions"),
    ("vanilla = 0.10", "vanilla = true", "a fraction of the questions"),
    ("vanilla = 0.10", "vanilla = { dev = 0.1 }", "'test' is missing"),
    ("vanilla = 0.10", "vanilla = { dev = 0.1, test = 8 }", "a fraction of the questions"),
    ("vanilla = 0.10", "vanila = 0.10", "'vanilla' is missing; graded test 1f-2-basic asks for it"),
    ("run_seconds = 420", "run_seconds = 6000", "Gradescope ends a run at 600"),
    ("run_seconds = 420", f"run_seconds = {600 - OVERHEAD_SECONDS + 1}", "Gradescope ends a run at 600"),
    ("run_seconds = 420", "run_seconds = '7 minutes'", "Gradescope ends a run at 600"),
    ("run_seconds = 420", "runs_seconds = 420", "no such key"),
    ("run_seconds = 420 ", "#", "'run_seconds' is missing"),
    ("test_seconds = 90", "test_seconds = 421", "no more than run_seconds"),
    ("memory_mib = 384", "memory_mib = 0.5", "a whole number"),
    ("[limits]", "[limit]", "no such key"),
    ('title = "Self-attention, Transformers, pretraining"', "title = ''", "some text is needed"),
    ('hidden_tests = "visible"', 'hidden_tests = "hidden"', "one of visible, after_due_date, after_published"),
    ("enabled = true", 'enabled = "yes"', "true or false"),
    ("enabled = true", "", "'enabled' is missing"),
    ('title = "Span corruption", points = 20', 'title = "Span corruption", points = 21', "its graded tests give 20"),
    ('title = "Span corruption", points = 20', 'title = "Span corruption", points = "20"', "a whole number"),
    ('title = "Span corruption", points = 20', 'title = "Span corruption", point = 20', "no such key"),
    ('{ id = "1d", title', '{ id = "1z", title', "written_in = '1d' is none of"),
    ('    { id = "1e", title = "Span corruption", points = 20 },\n', "", "written_in = '1e' is none of"),
    ('{ id = "1e",', '{ id = "1e", enabled = 0,', "true or false"),
    ('needs = ["1c", "1e"] }', 'needs = ["1c", "1h"] }', "part 1f: needs = '1h' is none of"),
    ('{ id = "1d"', '{ id = "1c"', "stands there twice"),
    ('{ id = "1d"', '{ id = "d"', "a digit and a letter"),
    ('name = "wiki.txt", audience = "students"', 'name = "wiki.txt", audience = "all"', "one of students, staff"),
    ('name = "model.py", kind = "code"', 'name = "model.py", kind = "python"', "one of code, params, predictions"),
    ('made_from = "vanilla.pretrain.params"', 'made_from = "vanilla.params"', "is none of"),
    ("[problems.attention]", "[problems.attention", "not valid TOML"),
    ("dev = 200", "dev = [200]", "a number or a text"),
    ("agreement = 0.9", "agreement = 50", "a share of equal answers"),
    ('mode = "score"', 'mode = "scores"', "one of off, report, score"),
    ("questions = 120", "question = 120", "no such key ('questions' is missing)"),
    ("memory_mib = 384", "memory_mib = 402653184", "a whole number of at most 65536"),
    ("cpu_seconds = 60 ", "cpu_seconds = 60000 ", "a whole number of at most 420 is needed, as run_seconds says"),
    ("judge_cpu_seconds = 10", f"judge_cpu_seconds = {10**30}", "a whole number of at most 420"),
    ("harness.problems.birthplaces", "harness.problems.birthplace", "there is no such package"),
    ("harness.problems.birthplaces", "birthplaces", "there is no such package"),
    ("harness.problems.birthplaces", "..birthplaces", "there is no such package"),
]


def mistyped(folder: Path, old: str, new: str) -> int:
    """assignment.toml with a mistake, and the line in which it stands."""
    assert old in MANIFEST
    at = MANIFEST.index(old)
    (folder / "assignment.toml").write_text(MANIFEST.replace(old, new, 1), encoding="utf-8")
    return MANIFEST.count("\n", 0, at) + 1


def check(folder: Path) -> None:
    """What every command does that grades or releases."""
    assignment = load(folder / "assignment.toml")
    catalogue.check_points(catalogue.collect(assignment), assignment)
    check_settings(assignment)


#: Complaints about what is not there name the table or the list around it.
MISSING = ("is missing", "is none of")


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES)
def test_mistake_is_named_with_file_and_line(tmp_path, old, new, expected):
    line = mistyped(tmp_path, old, new)
    with pytest.raises(SettingsError) as told:
        check(tmp_path)
    assert expected in str(told.value)
    named = re.match(rf"{re.escape(str(tmp_path / 'assignment.toml'))}:(\d+): ", str(told.value))
    assert named is not None
    if not any(each in str(told.value) and "no such key" not in str(told.value) for each in MISSING):
        assert int(named[1]) == line


@pytest.mark.parametrize(("old", "new"), [("dev = 200", "dew = 200"), ("train = 240", "train = 0")])
def test_preset_that_the_generator_cannot_use_is_named_with_its_line(tmp_path, old, new):
    mistyped(tmp_path, old, new)
    header = MANIFEST[: MANIFEST.index("[problems.birthplaces.presets.laptop]")].count("\n") + 1
    with pytest.raises(SettingsError, match=rf"assignment\.toml:{header}: presets\.laptop: "):
        generate(load(tmp_path / "assignment.toml"), "laptop", b"any")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "wiki.txt"', 'name = "wikki.txt"', "data 'wikki.txt': no such file is made; files are wiki.txt,"),
        ('name = "birth_dev.tsv"', 'name = "dev.tsv"', "data 'dev.tsv': no such file is made"),
        (
            '    { name = "birth_places_train.tsv", audience = "students" },\n',
            "",
            "data: nothing says who gets birth_places_train.tsv",
        ),
    ],
)
def test_data_file_that_the_generator_does_not_make_is_named_with_its_line(tmp_path, old, new, expected):
    text = MANIFEST.replace('answers = "birth_dev.tsv"', 'answers = "birth_test_inputs.tsv"')
    line = text[: text.index(old)].count("\n") + 1 if new else text[: text.index("\ndata = [")].count("\n") + 2
    (tmp_path / "assignment.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"assignment\.toml:{line}: {re.escape(expected)}"):
        generate(load(tmp_path / "assignment.toml"), "laptop", b"any")


def test_missing_key_names_the_line_of_its_table(tmp_path):
    mistyped(tmp_path, "run_seconds = 420 ", "#")
    header = MANIFEST[: MANIFEST.index("[limits]")].count("\n") + 1
    with pytest.raises(
        SettingsError, match=rf"assignment\.toml:{header}: limits: 'run_seconds' is missing; the keys are"
    ):
        check(tmp_path)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """What build.py needs to see before it complains."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    shutil.copytree(ROOT / "handouts", tmp_path / "handouts")
    return tmp_path


@pytest.mark.parametrize("command", ["release", "template", "check", "handouts"])
@pytest.mark.parametrize("number", [0, 1, 2, 9, 20, 21])
def test_build_exits_1_and_makes_nothing(checkout, capsys, command, number):
    old, new, expected = MISTAKES[number]
    mistyped(checkout, old, new)
    if command in ("template", "check") and "graded tests" in expected:
        pytest.skip("neither looks at points")
    assert build.main([command]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {checkout / 'assignment.toml'}:")
    assert expected in said
    assert not (checkout / "dist").exists()


@pytest.mark.parametrize("number", [0, 9, 21, 24])
def test_grade_exits_2(tmp_path, monkeypatch, capsys, data, number):
    old, new, expected = MISTAKES[number]
    mistyped(tmp_path, old, new)
    broken = tmp_path / "assignment.toml"
    for module in ("harness.cli", "harness.grading.supervisor"):
        monkeypatch.setattr(f"{module}.load", lambda: load(broken))
    (tmp_path / "upload").mkdir()
    assert cli.main(["grade", str(tmp_path / "upload"), "--data", str(data)]) == 2
    assert expected in capsys.readouterr().err


def test_points_that_do_not_add_up_leave_results_that_say_so(tmp_path, data):
    """In the container nobody reads the terminal: the file must be there."""
    mistyped(tmp_path, *MISTAKES[21][:2])
    results = tmp_path / "results.json"
    with pytest.raises(SettingsError):
        grade(tmp_path, data, results=results, assignment=load(tmp_path / "assignment.toml"))
    assert json.loads(results.read_bytes())["extra_data"]["internal_error"] is True


def test_course_is_named_with_file_and_line(checkout, capsys):
    (checkout / "assignment.toml").write_text(MANIFEST, encoding="utf-8")
    course = checkout / "handouts" / "course.toml"
    text = course.read_text(encoding="utf-8")
    line = text[: text.index("paper =")].count("\n") + 1
    course.write_text(text.replace('paper = "us-letter"', 'paper = "letter"'), encoding="utf-8")
    assert build.main(["release"]) == 1
    assert f"{course}:{line}: paper = 'letter': one of us-letter, a4 is needed" in capsys.readouterr().err


# What the settings do.


def test_dev_and_test_have_thresholds_of_their_own(tmp_path):
    mistyped(tmp_path, "vanilla = 0.10", "vanilla = { dev = 0.125, test = 0.08 }")
    assignment = load(tmp_path / "assignment.toml")
    assert assignment.thresholds["vanilla"] == Threshold(0.125, 0.08)
    assert assignment.thresholds["vanilla"].told == "12.5% on dev and 8% on test"
    titles = {each.id: each.title for each in catalogue.collect(assignment)}
    assert "at least 12.5% of the dev questions" in titles["1f-2-basic"]
    assert "at least 8% of the test questions" in titles["1f-7-hidden"]
    assert assignment.problem("birthplaces").least_threshold == 0.06


def test_hidden_graded_tests_are_seen_when_the_setting_says(tmp_path):
    mistyped(tmp_path, 'hidden_tests = "visible"', 'hidden_tests = "after_published"')
    assignment = load(tmp_path / "assignment.toml")
    results = Results.of(catalogue.collect(assignment), hidden_tests=assignment.hidden_tests)
    seen = {(entry["number"].rpartition("-")[2], entry["visibility"]) for entry in results.as_json()["tests"]}
    assert seen == {("basic", "visible"), ("hidden", "after_published")}


def test_part_that_is_switched_off_with_its_problem_asks_for_no_threshold(tmp_path):
    text = MANIFEST.replace("enabled = true", "enabled = false", 1).replace("vanilla = 0.10\n", "")
    (tmp_path / "assignment.toml").write_text(text, encoding="utf-8")
    check(tmp_path)


# Lines.


TEXT = """\
title = "a # [not.a.table]"
[one]
key = 1  # [[[
list = [
    { a = "}{", b = 2 },  # { c = 3 }
    { a = 3 },
]
[one.two]
"quoted key" = 1
dotted.key = 2
nested = [
    ["four"]
]
last = 1
[[three]]
key = 4
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("title",), 1),
        (("one", "key"), 3),
        (("one", "list"), 4),
        (("one", "list", 0, "b"), 5),
        (("one", "list", 1), 6),
        (("one", "list", 1, "gone"), 6),
        (("one", "two"), 8),
        (("one", "two", "dotted", "key"), 10),
        (("one", "two", "gone"), 8),
        (("one", "two", "last"), 14),
        (("three", "key"), 16),
        (("gone",), None),
    ],
)
def test_line_of_a_key(keys, line):
    assert settings.line_of(TEXT, keys) == line


def test_catalogue_of_other_points_is_refused():
    first, *rest = catalogue.collect(load())
    with pytest.raises(SettingsError):
        catalogue.check_points([replace(first, points=first.points + 1), *rest], load())
