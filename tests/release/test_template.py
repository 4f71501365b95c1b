"""student_template/: made by the release list, found stale to the line."""

import os
import shutil
from dataclasses import replace

import pytest

from harness.errors import ReleaseRefusedError, UsageError
from harness.release import template
from tests.release.shapes import FILES


@pytest.fixture
def tree(repository, lists):
    made = template.make(repository, lists)
    template.write(made, repository, lists)
    return made


def test_template_holds_exactly_the_listed_files(tree, repository):
    found = set(template.files_below(repository / "student_template"))
    assert found == set(FILES)


def test_fresh_template_has_no_differences_and_is_not_written_again(tree, repository, lists):
    assert template.differences(tree, repository, lists) == []
    assert template.write(tree, repository, lists) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps no executable bit")
def test_scripts_stay_executable(tree, repository, lists):
    script = repository / "student_template" / "src" / "run.sh"
    assert os.access(script, os.X_OK)
    script.chmod(0o644)
    assert template.differences(tree, repository, lists) == ["student_template/src/run.sh: its mode is not 755"]


def test_edited_line_is_named(tree, repository, lists):
    edited = repository / "student_template" / "src" / "model.py"
    edited.write_text(edited.read_text().replace("import random", "import secrets"))
    assert template.differences(tree, repository, lists) == [
        "student_template/src/model.py:3: the reference gives 'import random', the template has 'import secrets'"
    ]


def test_lost_last_lines_are_named(tree, repository, lists):
    edited = repository / "student_template" / "README.md"
    edited.write_text("# Shapes")
    assert template.differences(tree, repository, lists) == [
        "student_template/README.md:2: the reference gives '', the template has the end of the file"
    ]


def test_missing_and_foreign_files_are_named(tree, repository, lists):
    (repository / "student_template" / "README.md").unlink()
    (repository / "student_template" / "solution.py").write_text("x = 1\n")
    assert template.differences(tree, repository, lists) == [
        "student_template/README.md: missing",
        "student_template/solution.py: not made from the reference",
    ]
    assert template.write(tree, repository, lists) == [
        "wrote student_template/README.md",
        "removed student_template/solution.py",
    ]
    assert template.differences(tree, repository, lists) == []


def test_what_a_trial_left_behind_is_left_alone(tree, repository, lists):
    left = repository / "student_template" / "src" / "__pycache__" / "model.pyc"
    left.parent.mkdir()
    left.write_bytes(b"x")
    assert template.differences(tree, repository, lists) == []
    assert template.write(tree, repository, lists) == []
    assert left.exists()


def test_every_file_of_the_reference_must_be_on_a_list(repository, lists):
    (repository / "reference_solution" / "src" / "extra.py").write_text("x = 1\n")
    (repository / "reference_solution" / "README.md").unlink()
    with pytest.raises(ReleaseRefusedError) as refusal:
        template.make(repository, lists)
    assert refusal.value.findings == (
        "reference_solution/README.md: on the release list (allow.toml), but missing",
        "reference_solution/src/extra.py: on no list; add it to [template] files or staff_only in allow.toml",
    )


def test_missing_reference_is_a_usage_problem(repository, lists):
    shutil.rmtree(repository / "reference_solution")
    with pytest.raises(UsageError, match="no reference solution here"):
        template.make(repository, lists)


def test_reference_without_blocks_is_a_usage_problem(repository, lists):
    with pytest.raises(UsageError, match="no file holds a solution block"):
        template.make(repository, replace(lists, template=("README.md",), staff_only=("*",)))


def test_problems_name_the_files_in_the_reference(repository, lists):
    model = repository / "reference_solution" / "src" / "model.py"
    model.write_text(model.read_text().replace("END_CODE_HERE", "END_CODE_HER"))
    with pytest.raises(ReleaseRefusedError) as refusal:
        template.make(repository, lists)
    assert refusal.value.findings == ("reference_solution/src/model.py:8: START without END",)
