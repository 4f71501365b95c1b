"""A release is never lost: what a new one replaces, what archive keeps, and what status says of it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import build
from harness.assignment import ROOT
from harness.errors import UsageError
from harness.grading.seeds import SECRET
from harness.manifest import load
from harness.release import git, inputs, kept, package, release, status, template, training
from harness.release import lists as release_list
from harness.release.handouts import handouts
from harness.release.keys import DEMO_KEY
from harness.release.package import STAMP, TOP
from harness.release.termdata import TermData

DATA = TermData(Path("data"), {"wiki.txt": b"x\n"}, DEMO_KEY, "laptop", frozenset(), frozenset())


def artefacts(root: Path, told: str) -> dict[str, bytes]:
    """A release of nothing but a manifest and a zip that says `told`; other words, another release."""
    stamp = package.Stamp("unknown", told * 8, DATA.digest, DATA.key_fingerprint, "1")
    made = {"student.zip": told.encode(), "handouts/a.html": b"page"}
    terms = package.terms_of(handouts.course_of(ROOT / "handouts"), load(), {}, ROOT)
    return {**made, "manifest.json": package.manifest(stamp, stamp, DATA, made, {}, terms)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in template.files_below(folder)}


def test_release_that_is_replaced_goes_to_releases_with_the_record_of_its_training(tmp_path):
    first = artefacts(tmp_path, "a")
    assert kept.publish(first, tmp_path) is None
    for path in (
        training.folder_for(tmp_path, DATA).with_name(f"reference_upload{end}") for end in (".json", ".figures.json")
    ):
        path.write_text("{}")
    place = kept.publish(artefacts(tmp_path, "b"), tmp_path)
    assert place is not None
    assert place == tmp_path / "releases" / json.loads(first["manifest.json"])["release"]
    assert contents(place) == {
        **first, "training/reference_upload.json": b"{}", "training/reference_upload.figures.json": b"{}"
    }  # fmt: skip
    assert contents(tmp_path / "dist") == artefacts(tmp_path, "b")


def test_the_same_release_again_keeps_nothing(tmp_path):
    kept.publish(artefacts(tmp_path, "a"), tmp_path)
    assert kept.publish(artefacts(tmp_path, "a"), tmp_path) is None
    assert not (tmp_path / "releases").exists()


def test_other_files_under_a_name_that_is_taken_get_a_number(tmp_path):
    kept.publish(artefacts(tmp_path, "a"), tmp_path)
    first = kept.keep(tmp_path)
    assert first is not None
    assert kept.keep(tmp_path) == first
    (tmp_path / "dist" / "student.zip").write_bytes(b"mended by hand")
    second = kept.keep(tmp_path)
    assert (first / "student.zip").read_bytes() == b"a"
    assert second == first.with_name(f"{first.name}-2")
    assert kept.keep(tmp_path) == second


def test_what_has_no_manifest_is_kept_all_the_same(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "autograder.zip").write_bytes(b"of somebody")
    place = kept.publish(artefacts(tmp_path, "a"), tmp_path)
    assert place is not None
    assert place.name.startswith("without-manifest-")
    assert contents(place) == {"autograder.zip": b"of somebody"}


def test_drafts_alone_are_no_release(tmp_path):
    (tmp_path / "dist" / "handouts").mkdir(parents=True)
    (tmp_path / "dist" / "handouts" / "assignment.html").write_text("draft")
    assert kept.publish(artefacts(tmp_path, "a"), tmp_path) is None


def test_swap_that_fails_leaves_the_old_release(tmp_path, monkeypatch):
    first = artefacts(tmp_path, "a")
    kept.publish(first, tmp_path)
    rename = Path.rename

    def failing(path, target):
        if path.name == "new":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no"):
        kept.publish(artefacts(tmp_path, "b"), tmp_path)
    assert contents(tmp_path / "dist") == first


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout with a live release of its own files."""
    for name in ("harness", "handouts", "reference_solution"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assignment.toml", "pyproject.toml", "constraints.txt", "setup.sh", "run_autograder"):
        shutil.copy(ROOT / name, tmp_path / name)
    lists = release_list.load(load())
    student = {f"{TOP}/{path}": each for path, each in package.student_files(
        tmp_path, lists, template.make(tmp_path, lists).files).items()}  # fmt: skip
    entries = {
        "student.zip": {**student, f"{TOP}/src/{STAMP}": b"{}", f"{TOP}/src/data/wiki.txt": b"x\n"},
        "autograder.zip": {
            **package.autograder_files(tmp_path, lists),
            STAMP: b"{}",
            SECRET: b"x",
            "data/birth_test.tsv": b"x\n",
        },
    }
    made = {"student.zip": b"a", "autograder.zip": b"b"}
    stamp = package.make_stamp(tmp_path, DATA, {})
    terms = package.terms_of(handouts.course_of(tmp_path / "handouts"), load(), {}, tmp_path)
    kept.publish({**made, "manifest.json": package.manifest(stamp, stamp, DATA, made, entries, terms)}, tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


def told(root: Path) -> str:
    return "\n".join(status.lines(root))


def test_status_says_what_is_live_and_that_nothing_changed(root):
    text = told(root)
    assert f"{DATA.key_fingerprint}, THE PUBLIC DEMO KEY" in text
    assert DATA.digest[:12] in text
    assert "due 2027-04-04 23:59:00 Pacific Time" in text
    assert "vanilla" in text
    assert "nothing that a release holds has changed" in text
    assert "DAMAGED" not in text


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_status_names_what_has_changed_since(root):
    edit(root / "harness" / "tests_hidden" / "test_part_e.py", '"""', '"""Other. ')
    edit(root / "handouts" / "course.toml", "2027-04-04T23", "2027-04-05T23")
    text = told(root)
    assert "autograder.zip!/harness/tests_hidden/test_part_e.py: changed" in text
    assert "due: 2027-04-04T23:59:00 in the release, 2027-04-05T23:59:00 in handouts/course.toml" in text
    assert "handouts/course.toml: changed" in text
    assert "release.json" not in text
    assert "birth_test" not in text


def test_status_names_damage_and_what_is_kept(root):
    place = kept.keep(root)
    assert place is not None
    (root / "dist" / "student.zip").write_bytes(b"other")
    text = told(root)
    assert f"{root / 'dist' / 'student.zip'}: is not what the release put there" in text
    assert f"releases/{place.name}/" in text


def test_status_without_a_release_and_with_a_broken_checkout(root):
    edit(root / "assignment.toml", "[limits]", "[limit]")
    assert "a release could not be made now" in told(root)
    shutil.rmtree(root / "dist")
    assert "no release is live" in told(root)


def test_commands_archive_and_status(root, capsys):
    assert build.main(["archive"]) == 0
    assert build.main(["status"]) == 0
    assert "live release" in capsys.readouterr().out
    shutil.rmtree(root / "dist")
    assert build.main(["archive"]) == 2
    assert "dist/ holds no release" in capsys.readouterr().err


def test_drafts_of_the_handouts_leave_a_live_release_alone(root, monkeypatch):
    before = contents(root / "dist")
    monkeypatch.setattr(release, "_step_handouts", lambda *_: {"handouts/a.html": b"draft"})
    assert build.main(["handouts"]) == 0
    assert contents(root / "dist") == before
    assert (root / "build" / "drafts" / "handouts" / "a.html").read_bytes() == b"draft"


# The key.


def test_key_in_the_checkout_is_refused_unless_git_ignores_it(tmp_path):
    root = tmp_path / "checkout"
    (root / "keys").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for key in (root / "term.key", root / "keys" / "term.key"):
        key.write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
        with pytest.raises(UsageError, match="git does not ignore it"):
            git.refuse_committable(key, root)
    (tmp_path / "link.key").symlink_to(root / "term.key")
    with pytest.raises(UsageError, match="git does not ignore it"):
        git.refuse_committable(tmp_path / "link.key", root)
    (root / ".gitignore").write_text("*.key\n")
    git.refuse_committable(root / "keys" / "term.key", root)
    subprocess.run(["git", "-C", str(root), "add", "--force", "term.key"], check=True)
    with pytest.raises(UsageError, match="git does not ignore it"):
        git.refuse_committable(root / "term.key", root)


def test_key_outside_of_the_checkout_is_taken(tmp_path):
    root = tmp_path / "checkout"
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (tmp_path / "term.key").write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
    git.refuse_committable(tmp_path / "term.key", root)


def test_release_asks_whether_the_key_can_be_committed(root):
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / "term.key").write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
    with pytest.raises(UsageError, match="git does not ignore it"):
        inputs.check(inputs.Request(root, key_file=root / "term.key"))
