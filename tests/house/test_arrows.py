"""The house stays a house: who may import whom, no circles, and the picture that shows it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from harness.assignment import ROOT
from scripts import house

HARNESS = ROOT / "harness"
HOUSE = house.read_house()

#: Inside a room: what may be imported from harness by modules that others stand on.
WITHIN = {
    "harness.problems.birthplaces.dataset": (
        "harness.problems.birthplaces.dataset",
        "harness.stream",
        "harness.errors",
        "harness.assignment",
    ),
    "harness.problems.translation.dataset": (
        "harness.problems.translation.dataset",
        "harness.problems.translation.sentences",
        "harness.predictions",
        "harness.stream",
        "harness.errors",
        "harness.assignment",
    ),
    "harness.grading.results": ("harness.grading.catalogue", "harness.errors", "harness.assignment"),
}


def imported(*names: str) -> set[tuple[str, str]]:
    """(module, what it imports) for all modules of these names or in these packages, whoever made what they import."""
    return {
        (name, target)
        for name, path in HOUSE.modules.items()
        if any(name == each or name.startswith(f"{each}.") for each in names)
        for target in house.names_in(path, name)
    }


def test_every_import_follows_an_arrow():
    assert [str(each) for each in HOUSE.forbidden()] == []


def test_importing_goes_in_no_circle():
    assert HOUSE.circle() is None


def test_the_picture_is_what_the_script_draws_today():
    assert house.PICTURE.read_text(encoding="utf-8") == house.drawn(HOUSE), "run python scripts/house.py"


def test_the_page_says_of_every_room_what_it_may_import():
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `([^`]+)` \| (.+) \|$", page))
    told = {kind: f"{room.told} | {', '.join(room.imports) or 'nothing'}" for kind, room in house.ROOMS.items()}
    assert rows == told


@pytest.mark.parametrize("room", WITHIN)
def test_a_module_that_others_stand_on_imports_little(room):
    found = {
        f"{each.source}: {each.target}"
        for each in HOUSE.imports
        if each.source == room or each.source.startswith(f"{room}.")
        if not any(each.target == allowed or each.target.startswith(f"{allowed}.") for allowed in WITHIN[room])
    }
    assert found == set()


def test_probes_need_nothing_but_torch_numpy_and_the_standard_library():
    known = {"torch", "numpy", "harness", *sys.stdlib_module_names}
    assert {found for found in imported("harness.probes") if found[1].split(".")[0] not in known} == set()


def test_basic_graded_tests_use_no_reference_and_nothing_hidden():
    for path in (HARNESS / "tests_basic").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "tests_hidden" not in text, path.name
        assert not re.search(r"\breference\b\s*:", text), path.name


def test_the_grader_never_unpickles():
    picklers = {"pickle", "dill", "shelve", "marshal", "cloudpickle"}
    beside = ("harness.probes", house.REFERENCE)
    found = {(name, target) for name, target in imported("harness") if target.split(".")[0] in picklers}
    assert {name for name, _ in found if not name.startswith(beside)} == set()


# The script itself, on houses in miniature.


@pytest.fixture
def built(tmp_path):
    """A house of some modules, by path below harness/."""

    def build(**files: str) -> house.House:
        for path, text in files.items():
            place = tmp_path / "harness" / f"{path.replace('__', '/')}.py"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return house.read_house(tmp_path)

    return build


@pytest.mark.parametrize(
    "text",
    [
        "import harness.problems.birthplaces.gold\n",
        "from harness.problems.birthplaces import gold\n",
        "from harness.problems.birthplaces.gold import answers\n",
        "from ..problems.birthplaces import gold\n",
        "def late():\n    from harness.problems.birthplaces import gold\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from harness.problems.birthplaces import gold\n",
    ],
)
def test_forbidden_import_is_found_however_it_is_written(built, text):
    made = built(grading__page=text, problems__birthplaces__gold="answers = ()\n")
    (found,) = made.forbidden()
    assert re.match(
        r"harness/grading/page\.py:\d: harness\.grading\.page imports harness\.problems\.birthplaces\.gold", str(found)
    )


def test_a_problem_may_use_the_fixtures_of_grading_and_no_other_problem(built):
    made = built(
        problems__one__checks="from harness.grading import feedback, page\nfrom harness.problems.two import data\n",
        problems__two__data="",
        grading__feedback="",
        grading__page="",
    )
    assert [each.target for each in made.forbidden()] == ["harness.grading.page", "harness.problems.two.data"]


def test_the_reference_may_import_nothing_of_the_harness(built, tmp_path):
    code = tmp_path / "reference_solution" / "src" / "submission" / "model.py"
    code.parent.mkdir(parents=True)
    code.write_text("import torch\nfrom harness import errors\n", encoding="utf-8")
    assert [each.rooms for each in built(errors="").forbidden()] == [("reference_solution", "base")]


@pytest.mark.parametrize(
    "late", ["from harness.intake import two\n", "def late():\n    from harness.intake import two\n"]
)
def test_circle_of_modules_is_found(built, late):
    made = built(
        intake__one=late, intake__two="from harness.intake.three import x\n", intake__three="from . import one\n"
    )
    assert made.circle() == [f"harness.intake.{name}" for name in ("one", "two", "three", "one")]


def test_circle_of_rooms_is_found_where_modules_go_in_none(built):
    made = built(
        intake__one="from harness.sandbox import two\n",
        sandbox__two="",
        sandbox__three="from harness.intake import four\n",
        intake__four="",
    )
    assert made.circle() == ["intake", "sandbox", "intake"]


def test_module_without_a_room_is_refused_with_advice(built):
    with pytest.raises(LookupError, match=r"harness/attic is no room of the house: say in scripts/house\.py"):
        house.drawn(built(attic=""))


def test_script_prints_what_is_wrong_and_exits_with_1(built, tmp_path, monkeypatch, capsys):
    made = built(sandbox__one="from harness.grading import page\n", grading__page="from harness.sandbox import one\n")
    monkeypatch.setattr(house, "read_house", lambda: made)
    monkeypatch.setattr(house, "PICTURE", tmp_path / "house.svg")
    assert house.main() == 1
    said = capsys.readouterr().out
    assert "FORBIDDEN harness/sandbox/one.py:1: harness.sandbox.one imports harness.grading.page" in said
    assert "CIRCLE harness.grading.page -> harness.sandbox.one -> harness.grading.page" in said
    assert "sandbox -> grading: one import page (1)" in said
    assert house.WRONG in (tmp_path / "house.svg").read_text(encoding="utf-8")


# What the repository says.


def test_the_project_speaks_of_itself_alone():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".sh", ".txt", ".j2", ".tex", ".jinja"}
            and path.is_file()
            and "tests/" not in name
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert "/root/" not in text or "constraints" in name or name in ("setup.sh", "run_autograder"), name
            assert "shared/data" not in text, name
