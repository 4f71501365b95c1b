"""Zips, stamp and manifest: equal for equal files, and telling what they are."""

import hashlib
import io
import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness.intake.zips import zipped
from harness.release import package
from harness.release.termdata import TermData
from tests.release.shapes import GOLD

DATA = {
    "wiki.txt": b"text\n",
    "birth_places_train.tsv": b"train\n",
    "birth_dev.tsv": b"dev\n",
    "birth_test_inputs.tsv": b"inputs\n",
    "birth_test.tsv": GOLD.encode(),
}


@pytest.fixture
def data():
    return TermData(Path("data"), DATA, None, "laptop", frozenset({"birth_test.tsv"}), frozenset())


def entries_of(data: bytes) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.infolist()


def test_zip_does_not_depend_on_order_time_or_umask():
    one = zipped({"b.txt": b"b", "a.sh": b"#!/bin/sh\n"})
    two = zipped({"a.sh": b"#!/bin/sh\n", "b.txt": b"b"})
    assert one == two
    assert [(each.filename, each.date_time, each.external_attr >> 16) for each in entries_of(one)] == [
        ("a.sh", (1980, 1, 1, 0, 0, 0), 0o100755),
        ("b.txt", (1980, 1, 1, 0, 0, 0), 0o100644),
    ]


def test_zip_is_stored_so_that_no_compressor_decides_its_bytes():
    data = zipped({"a.txt": b"a" * 1000})
    assert [each.compress_type for each in entries_of(data)] == [zipfile.ZIP_STORED]


def test_students_get_the_template_their_grader_and_no_answers(repository, lists, data):
    files = package.student_files(repository, lists, {"README.md": b"# Shapes\n", "src/model.py": b"x\n"})
    stamped = package.stamped_student(files, data, package.make_stamp(repository, data, files))
    assert set(stamped) == {
        "holdout-assignment/README.md",
        "holdout-assignment/src/model.py",
        "holdout-assignment/src/harness/cli.py",
        "holdout-assignment/src/release.json",
        *(f"holdout-assignment/src/data/{name}" for name in DATA if name != "birth_test.tsv"),
    }


def test_pattern_that_reaches_a_staff_room_brings_nothing_of_it(repository, lists):
    wide = replace(lists, student=("harness/*.py", "harness/*/*.py"), staff=("harness/tests_hidden/*",))
    assert set(package.student_files(repository, wide, {})) == {"src/harness/cli.py"}


def test_autograder_has_its_files_at_the_root(repository, lists, data):
    files = package.autograder_files(repository, lists)
    stamped = package.stamped_autograder(files, data, package.make_stamp(repository, data, files))
    assert set(stamped) == {
        "setup.sh",
        "harness/cli.py",
        "harness/tests_hidden/test_area.py",
        "release.json",
        "seeds.secret",
        *(f"data/{name}" for name in DATA),
    }


def test_release_id_follows_code_and_data(repository, data):
    def release(code=b"x", answers=b"y"):
        files = TermData(
            data.folder, {**DATA, "birth_test.tsv": answers}, None, "laptop", frozenset({"birth_test.tsv"}), frozenset()
        )
        return package.make_stamp(repository, files, {"a.py": code}).release

    assert release() == release()
    assert len({release(), release(code=b"z"), release(answers=b"z")}) == 3
    assert release().startswith("unknown-")


def test_the_secret_behind_the_seeds_follows_the_key_and_is_staffs_alone(repository, data):
    one, other = (replace(data, key=key) for key in (b"k" * 20, b"l" * 20))
    later = replace(one, files={**DATA, "wiki.txt": b"other"})
    without = [replace(data, files={**DATA, "birth_test.tsv": gold}).secret for gold in (b"a", b"b")]
    assert one.secret == later.secret
    assert len({one.secret, other.secret, *without}) == 4
    stamp = package.make_stamp(repository, one, {})
    told = package.stamped_autograder({}, one, stamp)
    assert told["seeds.secret"] == one.secret
    assert not any(one.secret in each for each in package.stamped_student({}, one, stamp).values())
    with zipfile.ZipFile(io.BytesIO(zipped(told, private={"seeds.secret"}))) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes["seeds.secret"] == 0o600
    assert set(modes.values()) == {0o600, 0o644}


def test_stamp_in_both_zips_names_the_release(repository, data):
    stamp = package.make_stamp(repository, data, {})
    assert stamp.fields()["release"] == stamp.release
    assert stamp.fields()["version"] == "1.2.3"
    assert package.Stamp.of(stamp.fields()) == stamp
    files = package.stamped_autograder({}, data, stamp)
    assert files["release.json"] == package.stamped_student({}, data, stamp)["holdout-assignment/src/release.json"]


def test_manifest_describes_every_file(repository, data):
    stamp = package.make_stamp(repository, data, {})
    entries = {"student.zip": {"a.txt": b"a"}}
    artefacts = {"student.zip": zipped(entries["student.zip"]), "handouts/handout.pdf": b"pdf"}
    raw = json.loads(package.manifest(stamp, stamp, data, artefacts, entries))
    assert (raw["release"], raw["key"], raw["demo_key"]) == (stamp.release, None, False)
    assert raw["artefacts"]["handouts/handout.pdf"] == {"sha256": hashlib.sha256(b"pdf").hexdigest(), "size": 3}
    listed = raw["artefacts"]["student.zip"]["files"]
    assert listed == {"a.txt": {"sha256": hashlib.sha256(b"a").hexdigest(), "size": 1}}


def git(folder: Path, *command: str) -> str:
    names = ["-c", "user.name=staff", "-c", "user.email=staff@example.org"]
    done = subprocess.run(["git", *names, *command], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "first")
    return root


def test_commit_is_that_of_the_branch(checkout):
    assert package.commit_of(checkout) == git(checkout, "rev-parse", "HEAD")
    git(checkout, "pack-refs", "--all")
    assert package.commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_commit_of_a_linked_work_tree_is_its_own(checkout, tmp_path):
    git(checkout, "worktree", "add", "--quiet", "--detach", str(tmp_path / "side"))
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert package.commit_of(tmp_path / "side") == git(checkout, "rev-parse", "HEAD~1")


def test_commit_is_unknown_outside_a_checkout_and_before_the_first_commit(checkout, tmp_path):
    (checkout / "unpacked").mkdir()
    assert package.commit_of(checkout / "unpacked") == "unknown"
    git(tmp_path, "init", "--quiet", "new")
    assert package.commit_of(tmp_path / "new") == "unknown"


def test_commit_is_unknown_without_git(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert package.commit_of(checkout) == "unknown"


def test_commit_is_this_checkouts_inside_a_hook_of_another(checkout, tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert package.commit_of(checkout) != "unknown"


def test_version_is_the_projects_whatever_another_table_says(repository, data):
    text = '[tool.other]\nversion = "9"\n[project]\nname = "x"\nversion = \'1.2.4\'\n'
    (repository / "pyproject.toml").write_text(text)
    assert package.make_stamp(repository, data, {}).version == "1.2.4"
