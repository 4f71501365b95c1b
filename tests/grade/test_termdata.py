"""Which data a grade judges with: the release's, told with every grade, and never that of two terms at once."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from harness.assignment import load
from harness.errors import UsageError
from harness.grading import termdata


@pytest.fixture
def release(tmp_path, data):
    """A checkout with a release of the demo data in dist/."""
    (tmp_path / "dist").mkdir()
    with zipfile.ZipFile(tmp_path / "dist" / "autograder.zip", "w") as archive:
        for path in data.iterdir():
            archive.write(path, f"data/{path.name}")
    return tmp_path


def test_the_data_of_the_release_are_used(release, data):
    found = termdata.released(release, load())
    assert found is not None
    assert found.parent == release / "build"
    assert {path.name: path.read_bytes() for path in found.iterdir()} == {
        p.name: p.read_bytes() for p in data.iterdir()
    }
    assert termdata.released(release, load()) == found
    assert [path.name for path in (release / "build").iterdir()] == [found.name]


def test_another_release_has_a_folder_of_its_own(release):
    first = termdata.released(release, load())
    with zipfile.ZipFile(release / "dist" / "autograder.zip", "w") as archive:
        for name in load().data_names():
            archive.writestr(f"data/{name}", b"another term")
    assert termdata.released(release, load()) not in {None, first}


def test_without_a_release_there_are_none(tmp_path):
    assert termdata.released(tmp_path, load()) is None


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18])
def test_a_release_that_cannot_be_read_is_told(release, content):
    (release / "dist" / "autograder.zip").write_bytes(content)
    with pytest.raises(UsageError, match=r"its data cannot be read .*; `make release` again, or give --data"):
        termdata.released(release, load())


def test_questions_and_answers_of_two_terms_are_refused_with_their_line(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    lines = (tmp_path / "data" / "birth_test.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "data" / "birth_test.tsv").write_text("".join([lines[1], lines[0], *lines[2:]]), encoding="utf-8")
    termdata.check(data, load())
    with pytest.raises(UsageError, match=r"birth_test_inputs\.tsv:1: asks '.*', but birth_test\.tsv answers '"):
        termdata.check(tmp_path / "data", load())


def test_data_are_named_by_digest_and_place(data, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(data, other)
    assert termdata.named(data, load()).split()[0] == termdata.named(other, load()).split()[0]
    assert termdata.named(other, load()).endswith(f" from {other}")
    (other / "wiki.txt").write_text("changed", encoding="utf-8")
    assert termdata.named(data, load()).split()[0] != termdata.named(other, load()).split()[0]
