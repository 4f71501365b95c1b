"""The release list: what loads, and what is refused."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.assignment import ROOT, Assignment, RunLimits
from harness.errors import UsageError
from harness.manifest import load
from harness.release import lists
from harness.release.leaks.rules import Excuse
from tests.assignments import without

GOOD = """
[template]
files = ["README.md"]
staff_only = ["*.tsv"]
[student]
files = ["harness/cli.py"]
staff = ["harness/tests_hidden/*"]
[autograder]
files = ["harness/*.py"]
[names]
width_of = "stands in the handout's text"
"""


#: No problem adds anything to a list.
NOTHING = Assignment("nothing", (), RunLimits(1, 1, 1, 1, 1, 1, 1, 1))


def listed(tmp_path, text):
    path = tmp_path / "allow.toml"
    path.write_text(text, encoding="utf-8")
    return lists.load(NOTHING, path)


def test_good_list_loads(tmp_path):
    loaded = listed(tmp_path, GOOD)
    assert (loaded.template, loaded.student) == (("README.md",), ("harness/cli.py",))
    assert loaded.names == (Excuse("width_of", "stands in the handout's text"),)
    assert loaded.stays("src/data/birth_test.tsv")
    assert not loaded.stays("README.md")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[template]", "[template", "not valid TOML"),
        ("[student]", "[pupil]", "missing or misshapen key: 'student'"),
        ('"README.md"', '"../README.md"', "leads out of the repository"),
        ('"README.md"', '"/etc/passwd"', "leads out of the repository"),
        ('"harness/cli.py"', '"harness/tests_hidden/test_part_e.py"', "cannot be listed for students"),
        ("stands in the handout's text", "because", "'width_of' is excused without a reason"),
    ],
)
def test_bad_list_is_refused_by_name(tmp_path, old, new, complaint):
    with pytest.raises(UsageError, match=complaint) as problem:
        listed(tmp_path, GOOD.replace(old, new))
    assert str(tmp_path / "allow.toml") in str(problem.value)


def test_missing_list_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"allow\.toml: cannot read the release list"):
        lists.load(load(), tmp_path / "allow.toml")


def test_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"'harness/\*\.py' matches no file"):
        lists.expand(tmp_path, ["harness/*.py"])


def test_projects_own_list_names_what_the_students_grader_imports():
    """The modules that it imports when it starts, followed from file to file."""
    given = set(lists.load(load()).student_paths(ROOT))
    needed = imported_modules(["harness.cli", "harness.__main__", "harness.grading.session"], given)
    assert sorted(needed - given) == []


def test_students_get_no_probe_that_only_hidden_graded_tests_use():
    given = lists.load(load()).student_paths(ROOT)
    probes = {Path(path).stem for path in given if path.startswith("harness/probes/")} - {"__init__", "forms"}
    text = "".join((ROOT / path).read_text() for path in given if "/probes/" not in path and path.endswith(".py"))
    assert {"corruption", "training"} <= probes
    named = {name for name in probes if name.startswith("_") or re.search(rf"import .*\b{name}\b", text)}
    assert probes - named == set()
    assert not probes & {"perceiver", "uploaded"}


def test_every_room_is_for_students_or_for_staff():
    """A new folder that no rule matches would be in no zip, or in the wrong one."""
    listed = lists.load(load())
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "harness").rglob("*.py")}
    rules = (*listed.student, *listed.staff)
    assert [room for room in sorted(rooms) if not any(fnmatchcase(f"{room}/x.py", rule) for rule in rules)] == []


@pytest.mark.parametrize(
    "room", ["harness/tests_hidden", "harness/release/strip", "harness/problems/birthplaces/dataset"]
)
def test_no_file_of_a_staff_room_goes_to_students(room):
    assert [path for path in lists.load(load()).student_paths(ROOT) if path.startswith(room)] == []


def test_nothing_of_a_problem_that_is_off_is_listed():
    listed = lists.load(without("attention"))
    paths = {*listed.template, *listed.student_paths(ROOT), *listed.autograder_paths(ROOT)}
    assert [path for path in sorted(paths) if "attention" in path] == [
        "reference_solution/src/submission/attention.py", "src/submission/attention.py",
    ]  # fmt: skip
    assert not {path for path in paths if "test_part_3" in path or path.endswith("probes/exploration.py")}
    assert listed.stays("src/submission/attention_exploration.py")


def imported_modules(start, given):
    """Paths of all harness modules that these import at import time; basic graded tests are started from, too."""
    waiting = [*start, *(path.removesuffix(".py").replace("/", ".") for path in given if "tests_basic" in path)]
    found = set()
    while waiting:
        module = waiting.pop()
        path = next((each for each in paths_of(module) if (ROOT / each).is_file()), None)
        if path is None or path in found:
            continue
        found.add(path)
        waiting += [module.rpartition(".")[0], *imports_of(ROOT / path)]
    return found


def paths_of(module):
    base = module.replace(".", "/")
    return (f"{base}.py", f"{base}/__init__.py")


def imports_of(path):
    import ast

    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("harness"):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("harness"))
