"""The release list: what loads, and what is refused."""

import pytest

from harness.assignment import ROOT
from harness.errors import UsageError
from harness.release import lists

GOOD = """
[template]
files = ["README.md"]
staff_only = ["*.tsv"]
[student]
files = ["harness/cli.py"]
[autograder]
files = ["harness/*.py"]
[names]
width_of = "stands in the handout's text"
"""


def load(tmp_path, text):
    path = tmp_path / "allow.toml"
    path.write_text(text, encoding="utf-8")
    return lists.load(path)


def test_good_list_loads(tmp_path):
    loaded = load(tmp_path, GOOD)
    assert (loaded.template, loaded.student) == (("README.md",), ("harness/cli.py",))
    assert loaded.names == (lists.Excuse("width_of", "stands in the handout's text"),)
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
        load(tmp_path, GOOD.replace(old, new))
    assert str(tmp_path / "allow.toml") in str(problem.value)


def test_missing_list_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"allow\.toml: cannot read the release list"):
        lists.load(tmp_path / "allow.toml")


def test_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"'harness/\*\.py' matches no file"):
        lists.expand(tmp_path, ["harness/*.py"])


def test_projects_own_list_names_what_the_basic_graded_tests_import():
    """The modules that the students' grader imports when it starts, followed from file to file."""
    given = set(lists.expand(ROOT, lists.load().student))
    needed = imported_modules(["harness.cli", "harness.__main__", "harness.grading.session"], given)
    assert sorted(needed - given) == []


def test_projects_own_list_gives_students_no_probe_that_only_hidden_graded_tests_use():
    given = {path for path in lists.expand(ROOT, lists.load().student) if path.startswith("harness/probes/")}
    used = imported_modules(["harness.probes"], {path for path in given if "tests_basic" in path})
    places = (*(ROOT / "harness" / "tests_basic").glob("*.py"), *(ROOT / "harness" / "problems").glob("*/checks.py"))
    graded_tests = "".join(path.read_text(encoding="utf-8") for path in places)
    for path in given - used:
        topic = path.rpartition("/")[2].removesuffix(".py")
        if topic in ("__init__", "forms"):
            continue  # the words in which replies are declared
        assert topic in graded_tests, f"{path} is released, but no basic graded test mentions it"


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
