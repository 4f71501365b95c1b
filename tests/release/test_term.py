"""A term's life: try a release out, mend one under its students, make the next term's with another key."""

import functools
import io
import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

import build
from harness.assignment import ROOT
from harness.errors import ReleaseRefusedError, UsageError
from harness.manifest import load
from harness.problems.birthplaces.answers import Score, meets, score
from harness.problems.birthplaces.questions import Question, load_gold
from harness.release import inputs, previous, release, selfcheck, template, termdata, training
from harness.release.handouts import handouts, staff
from harness.release.keys import DEMO_KEY
from harness.release.selfcheck import Marks
from harness.release.termdata import generate, write

FOLDERS = ("harness", "handouts", "reference_solution", "student_template")
FILES = ("assignment.toml", "pyproject.toml", "constraints.txt", "setup.sh", "run_autograder")
KEYS = ["8c1f0e6f5b4a49d2a7c3905d2e61b7f4", "1b9d4c7730e2586fa91c24d06b8fe355"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A copy of the project to release from; grades, leak check and typesetting are tested on their own."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    for number, key in enumerate(KEYS):
        (tmp_path / f"{number}.key").write_text(f"{key}\n")
    points = {part.id: float(part.points) for part in load().parts}
    monkeypatch.setattr(training, "ready", lambda *_: tmp_path / "upload")
    monkeypatch.setattr(selfcheck, "check", lambda *_: [Marks("reference", points, points, (), fault=False)])
    monkeypatch.setattr(release, "check", lambda *_, **__: [])
    monkeypatch.setattr(handouts, "context_of", lambda *_: {})
    monkeypatch.setattr(handouts, "handout", lambda *told: {"a.html": f"release {told[-1]}".encode()})
    monkeypatch.setattr(staff, "handout", lambda *_: {"staff.html": b"answers"})
    monkeypatch.setattr(termdata, "generate", dataset_of)
    return tmp_path


@functools.cache
def _dataset(preset: str, key: bytes):
    return generate(load(), preset, key)


def dataset_of(_assignment, preset, key):
    """The same dataset each time it is asked for: making one takes a while."""
    return _dataset(preset, key)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def run(root, console, **changed) -> dict[str, bytes]:
    """Release; what lies in dist/ after it."""
    request = replace(inputs.Request(root, key_file=root / "0.key"), **changed)
    release.release(request, console)
    return contents(root)


def contents(root) -> dict[str, bytes]:
    return {path: (root / "dist" / path).read_bytes() for path in template.files_below(root / "dist")}


def said(console) -> str:
    return console.file.getvalue()


def edit(root, path: str, more: str) -> None:
    file = root / path
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")


HIDDEN, BASIC = "harness/tests_hidden/test_part_e.py", "harness/tests_basic/test_part_e.py"


# A dry run.


def test_dry_run_checks_and_shows_everything_and_writes_nothing(root, console):
    edit(root, "student_template/src/run.py", "# stale\n")
    before = {path: (root / path).read_bytes() for path in template.files_below(root)}
    assert run(root, console, dry_run=True) == {}
    assert {path: (root / path).read_bytes() for path in template.files_below(root)} == before
    assert "student_template/src/run.py" in said(console)
    assert "autograder.zip" in said(console)
    assert ": nothing was written" in said(console)


def test_dry_run_leaves_the_release_that_is_there(root, console):
    made = run(root, console)
    edit(root, HIDDEN, "# better\n")
    assert run(root, console, dry_run=True) == made


def test_dry_run_names_the_release_that_follows(root, console):
    run(root, console, dry_run=True)
    stamp = json.loads(run(root, console)["manifest.json"])["release"]
    assert f"dry run of release {stamp}" in said(console)


def test_dry_run_that_leaks_is_refused(root, console, monkeypatch):
    monkeypatch.setattr(release, "check", lambda *_, **__: ["LEAK"])
    with pytest.raises(ReleaseRefusedError):
        run(root, console, dry_run=True)


def test_dry_run_trains_nothing(root, console, monkeypatch):
    monkeypatch.setattr(training, "untrained", lambda *_: "never trained")
    monkeypatch.setattr(training, "ready", lambda *_: pytest.fail("trained"))
    run(root, console, dry_run=True)
    assert "a release would train it now: never trained" in said(console)


# A hotfix.


def test_hotfix_of_hidden_graded_tests_leaves_students_what_they_have(root, console):
    first = run(root, console)
    edit(root, HIDDEN, "# mended\n")
    second = run(root, console, hotfix=root / "dist")
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"autograder.zip", "manifest.json"}
    assert f"autograder.zip!/{HIDDEN}: changed" in said(console)
    assert "what students have stays as it is, to the byte" in said(console)


def test_manifest_of_a_hotfix_names_both_releases(root, console):
    first = json.loads(run(root, console)["manifest.json"])
    assert first["students"]["release"] == first["release"]
    edit(root, HIDDEN, "# mended\n")
    second = json.loads(run(root, console, hotfix=root / "dist" / "manifest.json")["manifest.json"])
    assert second["students"] == first["students"]
    assert second["release"] != first["release"]
    assert (second["key"], second["data"]) == (first["key"], first["data"])


def test_hotfix_of_a_hotfix_leaves_students_what_they_have(root, console):
    first = run(root, console)
    for fix in ("# one\n", "# two\n"):
        edit(root, HIDDEN, fix)
        last = run(root, console, hotfix=root / "dist")
    assert last["student.zip"] == first["student.zip"]
    assert last["handouts/a.html"] == first["handouts/a.html"]


def test_hotfix_that_changes_what_students_have_is_refused_by_file_and_keeps_dist(root, console):
    first = run(root, console)
    edit(root, BASIC, "# other\n")
    with pytest.raises(ReleaseRefusedError) as refusal:
        run(root, console, hotfix=root / "dist")
    assert str(refusal.value).splitlines() == [
        "this hotfix would change what students have (--students-too allows it):",
        f"student.zip!/holdout-assignment/src/{BASIC}: changed",
    ]
    assert contents(root) == first


def test_hotfix_that_changes_points_in_the_handout_is_refused(root, console, monkeypatch):
    run(root, console)
    monkeypatch.setattr(handouts, "handout", lambda *_: {"a.html": b"other points"})
    with pytest.raises(ReleaseRefusedError, match=r"handouts/a\.html: changed"):
        run(root, console, hotfix=root / "dist")


def test_hotfix_may_change_what_students_have_when_staff_say_so(root, console):
    run(root, console)
    edit(root, BASIC, "# other\n")
    made = run(root, console, hotfix=root / "dist", students_too=True)
    told = json.loads(made["manifest.json"])
    assert told["students"]["release"] == told["release"]
    assert f"student.zip!/holdout-assignment/src/{BASIC}: changed" in said(console)
    assert "students need the new files" in said(console)


def test_hotfix_with_another_key_is_refused_and_keeps_dist(root, console):
    first = run(root, console)
    with pytest.raises(UsageError, match=r"was made with the key [0-9a-f]{12}, this release with [0-9a-f]{12}"):
        run(root, console, hotfix=root / "dist", key_file=root / "1.key")
    with pytest.raises(UsageError, match="give the same --key-file"):
        run(root, console, hotfix=root / "dist", key_file=None)
    assert contents(root) == first


def test_hotfix_with_other_data_is_refused_by_file(root, console):
    dataset = root / "dataset"
    write(generate(load(), "laptop", DEMO_KEY), dataset)
    run(root, console, data=dataset, key_file=None)
    edit(root, "dataset/wiki.txt", "One more line.\n")
    with pytest.raises(UsageError, match=r"has other data \(wiki\.txt changed\); that is a new release"):
        run(root, console, data=dataset, key_file=None, hotfix=root / "dist")


def test_hotfix_takes_the_preset_of_its_release(root, console):
    run(root, console, preset="full")
    edit(root, HIDDEN, "# mended\n")
    assert json.loads(run(root, console, hotfix=root / "dist")["manifest.json"])["preset"] == "full"


def test_hotfix_without_a_change_says_so(root, console):
    first = run(root, console)
    assert run(root, console, hotfix=root / "dist") == first
    assert "nothing has changed" in said(console)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"artefacts": {}}'])
def test_what_is_no_manifest_is_no_release_to_mend(root, text):
    path = root / "manifest.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json: (cannot be read|is no manifest of a release)"):
        previous.load(path)


def test_command_line_reaches_the_release(root, monkeypatch):
    asked = []
    monkeypatch.setattr(build, "ROOT", root)
    monkeypatch.setattr(release, "release", lambda request, _: asked.append(request))
    assert build.main(["release", "--hotfix", "dist", "--students-too", "--dry-run", "--trained", "x"]) == 0
    assert (asked[0].hotfix.name, asked[0].students_too, asked[0].dry_run, asked[0].trained.name) == (
        "dist",
        True,
        True,
        "x",
    )


def test_permission_to_change_belongs_to_a_hotfix(capsys):
    with pytest.raises(SystemExit):
        build.main(["release", "--students-too"])
    assert "--students-too: belongs to --hotfix" in capsys.readouterr().err


# The next term.


def test_next_terms_key_makes_all_data_new(root, console):
    first, second = (run(root, console, key_file=root / f"{number}.key") for number in range(2))
    assert json.loads(first["manifest.json"])["key"] != json.loads(second["manifest.json"])["key"]
    datasets = []
    for number in range(2):
        folder = next(
            (root / "build").glob(f"dataset-laptop-{json.loads((first, second)[number]['manifest.json'])['key']}")
        )
        datasets.append({path.name: set(path.read_text(encoding="utf-8").splitlines()) for path in folder.iterdir()})
    for name in datasets[0]:
        shared = datasets[0][name] & datasets[1][name]
        assert len(shared) <= 0.01 * len(datasets[0][name]), f"{name}: {len(shared)} lines in both terms"


@pytest.fixture(scope="module")
def terms(tmp_path_factory) -> list[tuple[Question, ...]]:
    """The test questions and answers of eight terms."""
    found = []
    for number in range(8):
        folder = tmp_path_factory.mktemp("terms") / "dataset"
        write(generate(load(), "laptop", bytes([number]) * 32), folder)
        found.append(load_gold(folder / "birth_test.tsv"))
    return found


def pairs(terms):
    return [(old, new) for old in terms for new in terms if old is not new]


def test_last_terms_answers_are_near_chance_and_below_every_bar(terms):
    """The best predictions that last term can hand on, all right then, against this term's questions.

    Chance is what the two terms' frequencies of places agree on, within three standard errors of all these questions.
    """
    threshold = min(entry.least_threshold for entry in load().problems if entry.thresholds)
    scores = [score([question.place for question in old], new) for old, new in pairs(terms)]
    chances = [_chance(old, new) for old, new in pairs(terms)]
    total = Score(sum(each.correct for each in scores), sum(each.total for each in scores))
    chance = sum(chances) / len(chances)
    assert abs(total.accuracy - chance) < 3 * (chance / total.total) ** 0.5
    assert max(each.accuracy for each in scores) < threshold
    london = [score(["London"] * len(new), new) for new in terms]
    assert total.accuracy < sum(each.accuracy for each in london) / len(london)


def _chance(old, new) -> float:
    """How often two people, one of each term, share a birth place."""
    frequencies = [Counter(question.place for question in term) for term in (old, new)]
    return sum(frequencies[0][place] * frequencies[1][place] for place in frequencies[0]) / (len(old) * len(new))


def test_people_of_last_term_are_not_asked_again(terms):
    """Not even a table of everyone's birth place helps: names that come again are rare, and born elsewhere."""
    for old, new in pairs(terms):
        known = {question.text: question.place for question in old}
        answered = score([known.get(question.text, "London") for question in new], new)
        fixed = score(["London"] * len(new), new)
        assert answered.correct <= fixed.correct + 2
        assert not meets(answered, load().thresholds["vanilla"].test)
