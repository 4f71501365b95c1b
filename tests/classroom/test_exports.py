"""Every way in which a class's uploads come is read, and what is wrong with one of them leaves the others as they are."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness.classroom import exports, metadata
from harness.classroom.records import Submitter
from harness.errors import UsageError
from harness.intake.upload import UploadError
from tests.classroom.made_exports import ENTRY, gradescope, write_folder, write_zip

WANTED = ("model.py", "trainer.py")


def read(path: Path) -> exports.Export:
    return exports.read(path, WANTED)


def names(export: exports.Export) -> list[str]:
    return [upload.submission for upload in export.uploads]


def fetched(export: exports.Export, folder: Path) -> dict[str, dict[str, str]]:
    """Each upload's files, as they come to the grade."""
    found = {}
    for upload in export.uploads:
        if upload.place is None:
            continue
        path = export.source.fetch(upload.place, folder / upload.submission.replace("/", "_"))
        if path.is_dir():
            paths = [each for each in path.rglob("*") if each.is_file()]
            found[upload.submission] = {each.relative_to(path).as_posix(): each.read_text() for each in paths}
        else:
            with zipfile.ZipFile(path) as archive:
                found[upload.submission] = {name: archive.read(name).decode() for name in archive.namelist()}
    return found


@pytest.fixture(params=["folder", "zip", "folder in a folder", "folder in a zip"])
def written(request, tmp_path: Path):
    """Writes the files of an export in each of the forms in which it reaches people."""
    inside = "assignment_1_export/" if " in " in request.param else ""

    def write(files) -> Path:
        placed = {f"{inside}{name}": text for name, text in files.items()}
        if "zip" in request.param:
            return write_zip(tmp_path / "export.zip", placed)
        return write_folder(tmp_path / "export", placed)

    return write


def test_an_export_tells_whose_each_upload_is_and_what_became_of_it(written, tmp_path: Path) -> None:
    export = read(written(gradescope(1, 2)))
    assert names(export) == ["submission_1", "submission_2"]
    assert export.complaints == ()
    first = export.uploads[0]
    assert first.submitters == (Submitter("Student No1", "00000001", "student1@example.edu"),)
    assert first.created_at == datetime(2025, 1, 6, 2, 52, 7, 938335, tzinfo=timezone.utc)
    assert first.results == {
        "score": 1.0,
        "tests": [
            {
                "name": "one",
                "number": "1.10",
                "score": 1.0,
                "max_score": 2.0,
                "status": "failed",
                "output": "2025-01-06",
            }
        ],
    }
    (attempt,) = first.history
    assert attempt.created_at == datetime(2025, 1, 5, 2, 52, 7, tzinfo=timezone(timedelta(hours=2)))
    assert attempt.results is None
    json.dumps(first.results, allow_nan=False)
    assert fetched(export, tmp_path) == {
        "submission_1": {"model.py": "number = 1\n"},
        "submission_2": {"model.py": "number = 2\n"},
    }


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("submission_9:\n", "submission_9 has no details"),
        ("submission_9: [1, 2]\n", "submission_9 has no details"),
        ("submission_9:\n  :submitters:\n  :results:\n", "submission_9 names nobody"),
        ("submission_9: &a\n  :submitters: [*a]\n", "submission_9 says more than can be read"),
        (f"submission_9: {'[' * 150}{']' * 150}\n", "submission_9 says more than can be read"),
        (ENTRY.format(id=1, name="Again"), "submission_1 is listed twice; the last entry counts"),
        (
            ENTRY.format(id=9, name="Other").replace("00000009", "00000001"),
            "has the student number of submission_1, too",
        ),
    ],
)
def test_an_odd_entry_costs_a_sentence_and_the_rest_is_graded(written, more: str, told: str) -> None:
    export = read(written({**gradescope(1, 2, more=more), "submission_9/model.py": ""}))
    assert sorted(names(export)) == sorted({"submission_1", "submission_2", "submission_9"} & set(names(export)))
    assert {"submission_1", "submission_2"} <= set(names(export))
    assert any(told in complaint for complaint in export.complaints), export.complaints
    assert all("\n" not in complaint and "Student No" not in complaint for complaint in export.complaints)
    assert all(upload.place is not None for upload in export.uploads)


@pytest.mark.parametrize("results", ["", " {output: The autograder failed.}", " [1]", " text", " {tests: null}"])
def test_null_results_and_those_of_a_failure_are_no_obstacle(written, results: str) -> None:
    entry = f"submission_9:\n  :submitters: [{{name: A}}]\n  :results:{results}\n"
    export = read(written({**gradescope(1, more=entry), "submission_9/model.py": ""}))
    assert export.uploads[1].results in (None, {"output": "The autograder failed."}, {"tests": None})
    assert export.complaints == ()


def test_a_group_is_one_upload_of_several_people(written) -> None:
    entry = (
        "submission_9:\n  :submitters:\n  - {name: Ada, sid: 012, role: x}\n  - {name: null, sid: null}\n"
        "  :results: !ruby/object:Thing {score: 0123, tests: !ruby/array:Set [], made: !ruby/sym 2001-01-01}\n"
    )
    upload = read(written({**gradescope(more=entry), "submission_9/model.py": ""})).uploads[0]
    assert upload.submitters == (Submitter("Ada", "012", None), Submitter(None, None, None))
    assert upload.results == {"score": 123, "tests": [], "made": "2001-01-01"}


def test_tags_of_python_build_nothing(written, tmp_path: Path) -> None:
    entry = f"submission_9:\n  :submitters: [{{name: !!python/object/apply:os.system ['touch {tmp_path}/built']}}]\n"
    export = read(written({**gradescope(1, more=entry), "submission_9/model.py": ""}))
    assert names(export) == ["submission_1", "submission_9"]
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize("text", ["a: [1", "\tx", "- a\n- b\n", "", "{" * 2000, "a: 1\n---\nb: 2\n"])
def test_broken_metadata_costs_the_names_alone(written, text: str) -> None:
    export = read(written({**gradescope(1, 2), "submission_metadata.yml": text}))
    assert names(export) == ["submission_1", "submission_2"]
    (complaint,) = export.complaints
    assert complaint.startswith("submission_metadata.yml: ")
    assert complaint.endswith("uploads are graded without names and earlier results")
    assert "\n" not in complaint


def test_metadata_far_too_large_costs_the_names_alone(written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_LARGEST_METADATA", 100)
    export = read(written(gradescope(1, 2)))
    assert names(export) == ["submission_1", "submission_2"]
    assert "far too large" in export.complaints[0]


def test_a_missing_folder_is_said_of_its_submission_and_a_folder_that_is_not_listed_is_graded(written) -> None:
    files = gradescope(1, 2, 3)
    del files["submission_2/model.py"]
    files["submission_4/model.py"] = ""
    export = read(written(files))
    assert names(export) == ["submission_1", "submission_2", "submission_3", "submission_4"]
    assert export.uploads[1].place is None
    assert "has no folder of that name" in export.uploads[1].problem
    assert [upload.problem for upload in export.uploads if upload.place] == ["", "", ""]
    assert export.complaints == ("submission_4: is not in submission_metadata.yml; it is graded without names",)


def test_what_systems_put_beside_uploads_is_none(written) -> None:
    junk = {
        "__MACOSX/submission_1/._model.py": "",
        ".DS_Store": "",
        "__MACOSX/._submission_1": "",
        "._submission_1": "",
    }
    export = read(written({**gradescope(1), **junk}))
    assert names(export) == ["submission_1"]
    assert export.complaints == ()


def zipped(tmp_path: Path, name: str, files) -> bytes:
    return write_zip(tmp_path / name, files).read_bytes()


def test_folders_and_zips_are_uploads_nested_or_flat(written, tmp_path: Path) -> None:
    zip_of_one = zipped(tmp_path, "one.zip", {"model.py": "zipped"})
    export = read(
        written(
            {
                "alice/model.py": "alice",
                "bob/submission/model.py": "bob",
                "bob/trained/trainer.py": "bob",
                "carol.zip": zip_of_one,
                "monday/dora/model.py": "dora",
                "monday/erik/model.py": "erik",
                "tuesday/fred.zip": zip_of_one,
                "tuesday/gina.zip": zip_of_one,
                "grades.csv": "",
            }
        )
    )
    expected = [
        "alice", "bob", "carol.zip", "monday/dora", "monday/erik", "tuesday/fred.zip", "tuesday/gina.zip",
    ]  # fmt: skip
    assert [name.removeprefix("assignment_1_export/") for name in names(export)] == expected
    assert any("grades.csv: is neither a folder nor a zip" in complaint for complaint in export.complaints)
    assert any("has no submission_metadata.yml" in complaint for complaint in export.complaints)
    found = fetched(export, tmp_path)
    files = {name.removeprefix("assignment_1_export/"): held for name, held in found.items()}
    assert files["carol.zip"] == files["tuesday/gina.zip"] == {"model.py": "zipped"}
    assert files["bob"] == {"submission/model.py": "bob", "trained/trainer.py": "bob"}


def test_a_single_upload_is_no_class(tmp_path: Path) -> None:
    for path in (
        write_folder(tmp_path / "alice", {"model.py": "", "notes/readme.md": ""}),
        write_zip(tmp_path / "alice.zip", {"model.py": "", "notes/readme.md": ""}),
    ):
        with pytest.raises(UsageError, match="is one upload; `python -m harness grade` grades it"):
            read(path)


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"no zip"), lambda path: None]
)
def test_what_is_no_export_is_said_in_a_sentence(tmp_path: Path, make) -> None:
    make(tmp_path / "export")
    with pytest.raises(UsageError) as refused:
        read(tmp_path / "export")
    assert str(refused.value).startswith(str(tmp_path / "export"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "path", ["../../escaped.py", "submission_1/../../escaped.py", "/escaped.py", "submission_1\\..\\..\\escaped.py"]
)
def test_a_path_that_leaves_the_zip_is_left_out(tmp_path: Path, path: str) -> None:
    export = read(write_zip(tmp_path / "export.zip", {**gradescope(1, 2), path: "x"}))
    (tmp_path / "uploads").mkdir()
    found = fetched(export, tmp_path / "uploads")
    assert found["submission_1"] == {"model.py": "number = 1\n"}
    assert list(found) == ["submission_1", "submission_2"]
    (complaint,) = export.complaints
    assert "leaves the zip" in complaint
    assert [path for path in tmp_path.rglob("*") if "escaped" in path.name] == []


def test_an_upload_far_too_large_is_said_and_the_others_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "LARGEST_UPLOAD", 1 << 20)
    files: dict[str, str | bytes] = {**gradescope(1, 2), "submission_2/data.bin": bytes(2 << 20)}
    export = read(write_zip(tmp_path / "export.zip", files))
    with pytest.raises(UploadError, match=r"submission_2: is 2 MiB unpacked, more than the 1 MiB"):
        export.source.fetch(export.uploads[1].place or (), tmp_path / "two")
    assert export.source.fetch(export.uploads[0].place or (), tmp_path / "one").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip", "one.zip"]


def test_a_damaged_upload_in_a_zip_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", {**gradescope(1), "submission_2/model.py": "abc" * 1000})
    data = bytearray(path.read_bytes())
    at = data.index(b"submission_2/model.py") + len("submission_2/model.py")
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)
    export = read(path)
    with pytest.raises(UploadError, match="submission_2: is damaged in the export"):
        export.source.fetch(export.uploads[1].place or (), tmp_path / "two")
    assert [each.name for each in tmp_path.iterdir()] == ["export.zip"]


def test_a_link_in_a_zip_stays_a_link(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", gradescope(1))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("submission_1/trainer.py")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    export = read(path)
    with zipfile.ZipFile(export.source.fetch(export.uploads[0].place or (), tmp_path / "one")) as copied:
        assert copied.getinfo("trainer.py").external_attr >> 16 == 0o120777


def test_a_date_that_is_none_is_no_date() -> None:
    assert metadata.date("2025-02-30 00:00:00 Z") is None
    assert metadata.date("yesterday") is None
    assert metadata.date(None) is None
