"""The nineteenth file: taken when it is there, never missed when it is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.grading import catalogue
from harness.intake.staging import Caps, Submission, discard, stage
from harness.manifest import load
from harness.problems.attention.checks import FILE
from tests.conftest import REFERENCE_CODE, TEMPLATE_CODE
from tests.grade.test_grading import failed, grade

POINTS, EXTRA = load().points, load().extra_points

Put = Callable[..., Submission]


@pytest.fixture
def put(tmp_path: Path) -> Iterator[Put]:
    """Stage an upload of these files; the tree is removed afterwards."""
    tree = tmp_path / "tree"

    def put(contents: dict[str, bytes], caps: Caps | None = None) -> Submission:
        upload = tmp_path / "upload"
        for path, data in contents.items():
            (upload / path).parent.mkdir(parents=True, exist_ok=True)
            (upload / path).write_bytes(data)
        return stage(upload, tree, load().uploads, caps or Caps())

    yield put
    if tree.exists():
        discard(tree)


def complete() -> dict[str, bytes]:
    return {wanted.name: wanted.name.encode() for wanted in load().deliverables}


def test_an_upload_without_it_is_complete(put: Put):
    submission = put(complete())
    assert len(submission.present) == 18
    assert submission.missing == ()
    assert submission.complaints == ()
    assert (submission.notes, submission.ignored) == ((), "")
    assert FILE not in submission.present


def test_it_is_staged_when_it_is_there(put: Put):
    submission = put({**complete(), FILE: b"import numpy\n"})
    assert submission.present[FILE].read_bytes() == b"import numpy\n"
    assert len(submission.present) == 19
    assert (submission.missing, submission.complaints, submission.extras) == ((), (), ())


def test_it_alone_is_taken(put: Put):
    submission = put({f"work/{FILE}": b"import numpy\n"})
    assert list(submission.present) == [FILE]
    assert len(submission.missing) == 18


def test_an_empty_upload_misses_the_others_only(put: Put):
    submission = put({"notes.txt": b""})
    assert len(submission.missing) == len(submission.complaints) == 18
    assert "none of the 18 deliverables" in submission.notes[0]


@pytest.mark.parametrize(
    "name", ["attention_exploration (1).py", "Attention_Exploration.py", "attention_explorations.py"]
)
def test_a_misspelt_name_is_told(put: Put, name: str):
    submission = put({**complete(), name: b"import numpy\n"})
    (problem,) = submission.complaints
    assert submission.missing == (FILE,)
    assert f"found '{name}': rename it to '{FILE}'" in problem.message


def test_one_that_is_too_large_is_told(put: Put):
    submission = put({**complete(), FILE: b"#" * 2000}, Caps(code=1000))
    (problem,) = submission.complaints
    assert problem.file == FILE
    assert "upload code only" in problem.message


def test_an_attention_py_is_not_taken_for_it(put: Put):
    contents = complete()
    del contents["attention.py"]
    submission = put({**contents, FILE: b"import numpy\n"})
    assert submission.missing == ("attention.py",)


def test_the_package_does_not_import_it():
    for folder in (REFERENCE_CODE, TEMPLATE_CODE):
        others = [path for path in folder.glob("*.py") if path.name != FILE]
        assert others
        assert not any("attention_exploration" in path.read_text(encoding="utf-8") for path in others)


# Whole grades.


def test_right_work_with_it_earns_all_points_and_the_extra_credit(upload: Path, data: Path, tmp_path: Path) -> None:
    shutil.copyfile(REFERENCE_CODE / FILE, upload / FILE)
    code, document, text = grade(upload, data, tmp_path / "results.json")
    assert (code, document["score"]) == (0, POINTS + EXTRA), text
    assert failed(document) == set()
    assert re.search(rf"^total +{POINTS}/{POINTS}$", text, re.MULTILINE)
    assert re.search(rf"^extra credit +{EXTRA}/{EXTRA}$", text, re.MULTILINE)


def test_an_upload_without_it_loses_the_extra_credit_only(upload: Path, data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, document, text = grade(upload, data, tmp_path / "results.json", "--html", str(page))
    assert (code, document["score"]) == (0, POINTS), text
    assert document["extra_data"]["internal_error"] is False
    assert FILE not in document["output"]
    assert failed(document) == set()
    (line,) = (test for test in document["tests"] if test["number"].startswith("3"))
    assert line["name"] == f"3a, 3b, 3c, 3d, 3e not tried (extra credit, {EXTRA} points on top): nothing is lost"
    assert not {"score", "max_score", "status"} & line.keys()  # neither green nor red
    optional = [each.id for each in catalogue.collect(load()) if each.id.startswith("3")]
    assert line["extra_data"]["tests"] == optional
    assert text.count("not tried") == 1
    assert page.read_text(encoding="utf-8").count("not tried") == 1


def test_the_template_of_it_earns_nothing_and_says_so(upload: Path, data: Path, tmp_path: Path) -> None:
    shutil.copyfile(TEMPLATE_CODE / FILE, upload / FILE)
    _, document, text = grade(upload, data, tmp_path / "results.json", "--only", "3b")
    assert document["score"] == 0
    assert [test["name"] for test in document["tests"]] == [
        "3b not tried (extra credit, 2 points on top): nothing is lost"
    ]
    assert text.count("not tried") == 1


def test_a_syntax_error_in_it_costs_nothing_else(upload: Path, data: Path, tmp_path: Path) -> None:
    (upload / FILE).write_text("def broken(:\n", encoding="utf-8")
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "3a")
    said = {test["number"]: test["output"] for test in document["tests"]}
    assert f"{FILE}:1" in said["3a-0-basic"] or "SyntaxError" in said["3a-0-basic"]
    _, document, _ = grade(upload, data, tmp_path / "results.json", "--only", "1c")
    assert failed(document) == set()
