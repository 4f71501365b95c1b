"""Which data a grade judges with: the release's, told with every grade, and never that of two terms at once."""

from __future__ import annotations

import json
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from harness.errors import UsageError
from harness.grading import session, termdata
from harness.grading.results import Note, NoteKind, Results
from harness.grading.supervisor import GradeRequest, scratch_folder
from harness.intake.staging import stage
from harness.intake.zips import digest
from harness.manifest import load
from harness.problems.birthplaces.questions import expected_vocabulary
from harness.release.termdata import generate, write
from harness.sandbox import Sandbox


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


@pytest.mark.parametrize("demo", [True, False])
def test_the_release_is_told_and_whether_everyone_can_make_its_answers(release, demo):
    assert termdata.release_in(release) == "the release in dist/"
    told = json.dumps({"release": "0123", "demo_key": demo})
    (release / "dist" / "manifest.json").write_text(told, encoding="utf-8")
    assert termdata.release_in(release) == "release 0123 in dist/" + ", made with the public demo key" * demo


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
    assert termdata.named(data, load(), tmp_path).split()[0] == termdata.named(other, load(), tmp_path).split()[0]
    assert termdata.named(other, load(), tmp_path).endswith(f" from {other}")
    (other / "wiki.txt").write_text("changed", encoding="utf-8")
    assert termdata.named(data, load(), tmp_path).split()[0] != termdata.named(other, load(), tmp_path).split()[0]


# An upload for other data.


@pytest.fixture
def other(tmp_path):
    """The data of another term, kept in build/."""
    folder = tmp_path / "build" / "dataset-laptop-0123456789ab"
    write(generate(load(), "laptop", b"another term's key, sixteen bytes"), folder)
    return folder


@pytest.fixture
def upload(tmp_path, other):
    """Predictions that are right for the other term, every second line."""
    folder = tmp_path / "upload"
    folder.mkdir()
    for split in ("dev", "test"):
        answers = [line.partition("\t")[2] for line in (other / f"birth_{split}.tsv").read_text("utf-8").splitlines()]
        lines = [answer if number % 2 else "?" for number, answer in enumerate(answers)]
        (folder / f"vanilla.pretrain.{split}.predictions").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_upload_that_was_made_for_another_dataset_is_known_for_it(data, other, upload, tmp_path):
    said = termdata.made_for_other(upload, data, tmp_path, load())
    assert said is not None
    assert said.startswith("This upload was made for another dataset: 50% of the answers")
    assert said.endswith(f"Grade it with --data {other}")


def test_upload_for_this_data_or_for_none_that_is_known_is_told_nothing(data, other, upload, tmp_path):
    assert termdata.made_for_other(upload, other, tmp_path, load()) is None
    shutil.rmtree(other)
    assert termdata.made_for_other(upload, data, tmp_path, load()) is None
    shutil.rmtree(upload)
    assert termdata.made_for_other(upload, data, tmp_path, load()) is None


def test_releases_that_are_kept_are_known_and_damaged_ones_are_passed_over(data, other, upload, tmp_path):
    for name, folder in (("a", other), ("b", None)):
        (tmp_path / "releases" / name).mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / "releases" / name / "autograder.zip", "w") as archive:
            for path in folder.iterdir() if folder else ():
                archive.write(path, f"data/{path.name}")
    shutil.rmtree(other)
    assert "Grade it with --data" in str(termdata.made_for_other(upload, data, tmp_path, load()))


def test_what_explains_the_rest_is_said_first():
    results = Results.of(())
    results.add_note(NoteKind.ABSENT, "something is missing")
    results.add_note(NoteKind.OTHER_DATA, "made for another dataset")
    assert [note.kind for note in results.notes] == [NoteKind.OTHER_DATA, NoteKind.ABSENT]
    assert results.notes[0] == Note(NoteKind.OTHER_DATA, "made for another dataset")


def test_data_are_named_with_key_and_release(data, tmp_path):
    found = digest({name: (data / name).read_bytes() for name in load().data_names()})
    assert termdata.named(data, load(), tmp_path) == f"{found[:8]}, from {data}"
    (tmp_path / "dist").mkdir()
    stamp = {"data": found, "key": "8afaff0f7d82", "release": "aa-bb-cc"}
    (tmp_path / "dist" / "manifest.json").write_text(json.dumps(stamp))
    told = f"{found[:8]}, key 8afaff0f7d82, of release aa-bb-cc, the live one, from {data}"
    assert termdata.named(data, load(), tmp_path) == told


# What the answers leave open.


@pytest.fixture
def of_more_characters(data, tmp_path):
    """A term whose people are spelled with characters that the demo data lack."""
    folder = tmp_path / "build" / "dataset-laptop-ba9876543210"
    shutil.copytree(data, folder)
    with (folder / "wiki.txt").open("a", encoding="utf-8") as wiki:
        wiki.write("\nØystein Ålund was born in Łódź \u0416.")
    return folder


class Asked:
    """A `student` with these files, whose params have embeddings of this many characters."""

    def __init__(self, folder, characters):
        self.submission = SimpleNamespace(present={path.name: path for path in folder.iterdir()})
        self.read = lambda probe, names: {n: {"shapes": {"tok_emb.weight": [characters, 64]}} for n in names}


def known_characters(folder):
    return len(expected_vocabulary((folder / "wiki.txt").read_text("utf-8").split("\n")))


@pytest.fixture
def params_alone(tmp_path):
    folder = tmp_path / "params"
    folder.mkdir()
    (folder / "vanilla.model.params").write_bytes(b"as the stand-in says")
    return folder


def test_upload_without_answers_is_known_by_how_many_characters_its_models_know(
    data, of_more_characters, params_alone, tmp_path
):
    here, there = known_characters(data), known_characters(of_more_characters)
    assert here < there
    said = termdata.made_for_other(params_alone, data, tmp_path, load(), Asked(params_alone, there))
    assert said is not None
    assert said.startswith(
        f"This upload seems to be made for another dataset: its models know {there} characters, not {here}. "
    )
    assert "a weak hint" in said
    assert said.endswith(f"grade it with --data {of_more_characters}")


@pytest.mark.parametrize("more", [0, 1000])
def test_characters_that_fit_this_data_or_none_that_is_known_are_told_nothing(
    data, of_more_characters, params_alone, tmp_path, more
):
    student = Asked(params_alone, known_characters(data) + more)
    assert termdata.made_for_other(params_alone, data, tmp_path, load(), student) is None


def test_answers_that_fit_decide_whatever_the_models_know(data, of_more_characters, tmp_path):
    folder = tmp_path / "upload"
    folder.mkdir()
    answers = [line.partition("\t")[2] for line in (data / "birth_dev.tsv").read_text("utf-8").splitlines()]
    (folder / "vanilla.pretrain.dev.predictions").write_text("\n".join(answers), encoding="utf-8")
    (folder / "vanilla.model.params").write_bytes(b"as the stand-in says")
    student = Asked(folder, known_characters(of_more_characters))
    assert termdata.made_for_other(folder, data, tmp_path, load(), student) is None


def test_answers_that_no_model_of_this_data_can_write_are_named(data, of_more_characters, tmp_path):
    folder = tmp_path / "upload"
    folder.mkdir()
    (folder / "vanilla.pretrain.dev.predictions").write_text("Łódź\n" * 5, encoding="utf-8")  # too few to be scored
    said = termdata.made_for_other(folder, data, tmp_path, load(), Asked(folder, 0))
    assert "its answers hold " in str(said)
    assert "Ł" in str(said)
    (folder / "vanilla.pretrain.dev.predictions").write_text("Łódź\nLondon\n", encoding="utf-8")
    assert termdata.made_for_other(folder, data, tmp_path, load(), Asked(folder, 0)) is None


def test_grade_says_it_first_and_takes_no_point_for_it(honest_upload, data, of_more_characters, tmp_path, monkeypatch):
    """The models of an honest upload, graded with the data of another term: read by a worker, told above all tests."""
    upload = tmp_path / "submission"
    shutil.copytree(honest_upload, upload, ignore=shutil.ignore_patterns("*.predictions"))
    shutil.copytree(data, tmp_path / "build" / "dataset")
    results = Results.of(())
    with scratch_folder() as scratch, Sandbox(scratch / "workers") as sandbox:
        submission = stage(upload, scratch / "staged", load().uploads)
        request = GradeRequest(
            str(upload), str(of_more_characters), str(scratch), (), with_reference=True, seed=None, gradescope=False
        )
        monkeypatch.setattr(session, "ROOT", tmp_path)
        session.note_other_data(request, load(), results, submission, sandbox)
    (note,) = results.notes
    assert note.kind is NoteKind.OTHER_DATA
    assert note.text.startswith("This upload seems to be made for another dataset: its models know")
    assert results.score == 0
