"""Whose an OSError is: what the bytes and names of an upload cause is the upload's, what the machine lacks is not."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from harness.errors import InternalError
from harness.intake import archive, upload
from harness.intake.staging import UploadError
from harness.intake.upload import FolderSource

OURS = ["EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS", "ESTALE", "ETIMEDOUT"]
THEIRS = ["ENAMETOOLONG", "ELOOP", "EINVAL", "EILSEQ", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "ENXIO", "EISDIR"]


def failing(name: str):
    return OSError(getattr(errno, name), os.strerror(getattr(errno, name)))


@pytest.mark.parametrize(
    "name",
    ["a" * 300, "a" * 253, "a" * 60_000, "ü" * 130, "模" * 90, "\U0001d4d0" * 70],
    ids=["300", "one too many", "60000", "umlauts", "three bytes each", "four bytes each"],
)
def test_a_module_whose_name_no_disk_takes_is_left_out_with_a_sentence(name, files, zipped, put, messages):
    submission = put(zipped({**files, f"{name}.py": b"x = 1\n", "mine.py": b"y = 1\n"}))
    assert messages(submission) == {}
    assert submission.extras == ("mine.py",)
    (note,) = [note for note in submission.notes if note.startswith("left out")]
    assert "cannot be stored under this name (File name too long); give it a short one of its own" in note
    assert len(note) < 300


def test_the_longest_name_that_a_disk_takes_is_taken(files, zipped, put, messages):
    name = "a" * 252 + ".py"
    submission = put(zipped({**files, name: b"x = 1\n"}))
    assert messages(submission) == {}
    assert submission.extras == (name,)


def test_a_long_name_is_left_out_of_a_half_upload_as_well(files, zipped, put):
    """Where a stand-in puts the package together."""
    submission = put(zipped({"model.py": files["model.py"], f"{'a' * 300}.py": b""}))
    assert list(submission.present) == ["model.py"]


@pytest.mark.parametrize("name", ["ENAMETOOLONG", "EINVAL", "EILSEQ", "ELOOP", "EEXIST"])
def test_what_a_name_of_the_uploads_causes_is_the_uploads(name, files, zipped, put, monkeypatch):
    """As on disks that take less than Linux's: shorter names, fewer characters, no difference between two forms."""
    _fail_to_make(monkeypatch, "mine.py", failing(name))
    submission = put(zipped({**files, "mine.py": b"x = 1\n"}))
    assert "mine.py" not in submission.extras
    assert any(note.startswith("left out 'mine.py': cannot be stored") for note in submission.notes)


@pytest.mark.parametrize("name", [*OURS, "EACCES", "EPERM"])
def test_what_our_disk_lacks_is_ours_whoever_chose_the_name(name, files, zipped, put, monkeypatch):
    _fail_to_make(monkeypatch, "mine.py", failing(name))
    with pytest.raises(InternalError, match="cannot be written"):
        put(zipped({**files, "mine.py": b"x = 1\n"}))


@pytest.mark.parametrize("name", ["ENAMETOOLONG", "EINVAL", "EEXIST", "ENOSPC"])
def test_a_name_of_ours_that_fails_is_ours(name, files, zipped, put, monkeypatch):
    """A deliverable's name is the assignment's: only the folder that we chose can make it too long."""
    _fail_to_make(monkeypatch, "model.py", failing(name))
    with pytest.raises(InternalError, match="cannot be written"):
        put(zipped(files))


def _fail_to_make(monkeypatch, name, problem):
    opened = Path.open

    def open_(path, mode="r"):
        if mode == "xb" and path.name == name:
            raise problem
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", open_)


def test_nothing_that_was_there_before_is_removed_for_a_name_that_is_taken(files, zipped, put, monkeypatch):
    kept = files["model.py"]
    opened = Path.open

    def same(path, mode="r"):
        return opened(path.with_name("model.py") if path.name == "mine.py" else path, mode)

    monkeypatch.setattr(Path, "open", same)
    submission = put(zipped({**files, "mine.py": b"other"}))
    assert submission.present["model.py"].read_bytes() == kept


@pytest.mark.parametrize("name", THEIRS)
def test_a_file_that_cannot_be_opened_is_the_uploads(name, files, folder, put, messages, monkeypatch):
    _fail_to_read(monkeypatch, failing(name))
    found = messages(put(folder(files)))
    assert found == {"model.py": f"model.py: cannot be read ({failing(name).strerror}); upload it again"}


@pytest.mark.parametrize("name", OURS)
def test_a_file_that_this_machine_cannot_open_is_ours(name, files, folder, put, monkeypatch):
    _fail_to_read(monkeypatch, failing(name))
    with pytest.raises(InternalError, match="cannot be read here"):
        put(folder(files))


def _fail_to_read(monkeypatch, problem):
    opened = FolderSource._open_file

    def open_file(source, parts):
        if parts[-1] == "model.py":
            raise problem
        return opened(source, parts)

    monkeypatch.setattr(FolderSource, "_open_file", open_file)


def _fail_to_list(monkeypatch, problem):
    listed = FolderSource._list

    def list_(source, folder):
        if folder:
            raise problem
        return listed(source, folder)

    monkeypatch.setattr(FolderSource, "_list", list_)


@pytest.mark.parametrize("name", THEIRS)
def test_a_folder_that_cannot_be_listed_counts_as_empty(name, files, folder, put, messages, monkeypatch):
    _fail_to_list(monkeypatch, failing(name))
    assert messages(put(folder({**files, "more/notes.txt": b""}))) == {}


@pytest.mark.parametrize("name", OURS)
def test_a_folder_that_this_machine_cannot_list_is_ours(name, files, folder, put, monkeypatch):
    """Else a student whose files lie in it would lose all points without a word."""
    _fail_to_list(monkeypatch, failing(name))
    with pytest.raises(InternalError, match="cannot be read here"):
        put(folder({f"src/{path}": data for path, data in files.items()}))


class Broken(io.BytesIO):
    """A zip whose disk fails from its second read on."""

    def __init__(self, data: bytes, problem: OSError) -> None:
        super().__init__(data)
        self.problem: OSError | None = None
        self.later = problem

    def read(self, length: int | None = -1) -> bytes:
        if self.problem:
            raise self.problem
        return super().read(length)


@pytest.mark.parametrize("name", [*OURS, "EINVAL", "EISDIR"])
@pytest.mark.parametrize("moment", ["listing", "opening", "reading"])
def test_a_zip_that_cannot_be_read_on(name, moment, files, pack):
    stream = Broken(pack(files), failing(name))
    ours = InternalError if name in OURS else (UploadError if moment == "listing" else upload.RefusedError)
    if moment == "listing":
        stream.problem = stream.later
        with pytest.raises(ours):
            archive.ZipSource(stream, "upload.zip", upload.Caps())
        return
    source = archive.ZipSource(stream, "upload.zip", upload.Caps())
    entry = next(entry for entry in source.entries() if entry.name == "model.py")
    if moment == "opening":
        stream.problem = stream.later
        with pytest.raises(ours):
            source.open(entry)
        return
    opened = source.open(entry)
    stream.problem = stream.later
    with pytest.raises(ours):
        list(archive.chunks(opened, 1 << 20))


@pytest.mark.parametrize("given", ["a" * 300, "a/" * 3000, "loop"])
def test_a_path_that_cannot_be_looked_at_is_a_sentence(given, put, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UploadError):
        put(tmp_path / given)
