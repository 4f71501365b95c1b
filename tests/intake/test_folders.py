"""What lies in a folder that should not, and what changes while it is read."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from harness.errors import InternalError
from harness.intake.layout import explain
from harness.intake.staging import Caps, UploadError, discard, stage
from harness.intake.upload import Entry, FolderSource, RefusedError
from harness.manifest import load

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")


def test_what_is_staged_is_read_only_and_the_upload_is_untouched(files, folder, put):
    upload = folder(files)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in upload.iterdir()}
    tree = put(upload).tree
    assert stat.S_IMODE(tree.stat().st_mode) == stat.S_IMODE((tree / "submission").stat().st_mode) == 0o555
    for path in (tree / "submission").iterdir():
        status = path.lstat()
        assert stat.S_ISREG(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o444
        assert (status.st_uid, status.st_nlink) == (os.getuid(), 1)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in upload.iterdir()} == before


def test_a_staged_tree_can_be_discarded(files, folder, deliverables, tmp_path):
    tree = stage(folder(files), tmp_path / "tree", deliverables).tree
    discard(tree)
    assert not tree.exists()


@posix
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.symlink_to("utils.py"), "is a symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "is a symbolic link"),
        (lambda path: path.symlink_to(path), "is a symbolic link"),
        (os.mkfifo, "is a pipe, a socket or a device"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
    ids=["link", "dangling", "loop", "pipe", "folder"],
)
def test_what_is_no_regular_file_is_refused_alone(make, says, files, folder, put, messages):
    upload = folder(files)
    (upload / "model.py").unlink()
    make(upload / "model.py")
    submission = put(upload)
    assert list(messages(submission)) == ["model.py"]
    assert messages(submission)["model.py"].startswith(f"model.py: 'model.py' {says}; upload ")
    assert len(submission.present) == 17


@posix
def test_a_socket_is_refused(files, folder, put, messages, tmp_path, monkeypatch):
    upload = folder(files)
    (upload / "model.py").unlink()
    monkeypatch.chdir(upload)  # a socket's path may be too long otherwise
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("model.py")
        assert "a socket" in messages(put(upload))["model.py"]


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_refused(files, folder, put, messages):
    upload = folder(files)
    (upload / "model.py").unlink()
    try:
        os.mknod(upload / "model.py", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert "a device" in messages(put(upload))["model.py"]


@posix
def test_a_hard_link_is_refused_and_says_how_many_names_there_are(files, folder, put, messages, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("gold")
    upload = folder(files)
    (upload / "model.py").unlink()
    os.link(secret, upload / "model.py")
    assert messages(put(upload)) == {
        "model.py": "model.py: has 2 names on this disk (a hard link); upload a copy of its own"
    }


@posix
def test_a_linked_folder_is_not_entered(files, folder, put, messages, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name, data in files.items():
        (outside / name).write_bytes(data)
    upload = folder({})
    (upload / "submission").symlink_to(outside)
    submission = put(upload)
    assert submission.present == {}
    assert len(messages(submission)) == 18


@posix
def test_a_link_to_the_real_file_in_another_folder_of_the_upload_is_no_harm(files, folder, put, messages):
    contents = dict(files)
    contents["weights/vanilla.model.params"] = contents.pop("vanilla.model.params")
    upload = folder(contents)
    (upload / "vanilla.model.params").symlink_to("weights/vanilla.model.params")
    submission = put(upload)
    assert messages(submission) == {}
    assert not submission.present["vanilla.model.params"].is_symlink()


@posix
def test_the_upload_itself_may_be_given_as_a_link(files, folder, put, messages, tmp_path):
    (tmp_path / "link").symlink_to(folder(files))
    assert messages(put(tmp_path / "link")) == {}


def test_a_folder_named_like_a_deliverable_may_hold_it(files, folder, put, messages):
    contents = dict(files)
    contents["model.py/model.py"] = contents.pop("model.py")
    submission = put(folder(contents))
    assert messages(submission) == {}
    assert submission.present["model.py"].read_bytes() == files["model.py"]


@posix
def test_a_huge_sparse_file_costs_nothing(files, folder, put, messages):
    upload = folder(files)
    with (upload / "vanilla.model.params").open("wb") as file:
        file.truncate(1 << 40)
    assert messages(put(upload)) == {
        "vanilla.model.params": "vanilla.model.params: is 1.049e+06 MiB, more than the 64 MiB that are read; save "
        "model.state_dict() alone, without the optimiser"
    }


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("model.py", "upload code only, no data in it"),
        ("vanilla.pretrain.dev.predictions", "it should hold one short line for each question"),
        ("vanilla.pretrain.params", "save model.state_dict() alone, without the optimiser"),
    ],
)
def test_each_kind_has_its_cap_to_the_byte(name, advice, files, folder, put, messages):
    caps = Caps(code=1 << 20, predictions=1 << 20, params=1 << 20)
    assert messages(put(folder(files | {name: b"x" * (1 << 20)}), caps)) == {}
    found = messages(put(folder(files | {name: b"x" * ((1 << 20) + 1)}), caps))
    assert found == {name: f"{name}: is 1 MiB, more than the 1 MiB that are read; {advice}"}


def test_the_cap_on_everything_together_leaves_out_what_comes_last(files, folder, put, messages):
    large = {name: b"x" * 300 for name in files if name.endswith(".params")}
    found = messages(put(folder(files | large), Caps(total=1300)))
    assert "perceiver.finetune.params" in found
    assert "model.py" not in found
    assert "more than 0.00124 MiB in all" in found["perceiver.finetune.params"]


def test_too_many_files_are_refused_with_a_number(files, folder, put, tmp_path):
    upload = folder(files)
    for number in range(100):
        (upload / f"junk{number}").touch()
    with pytest.raises(
        UploadError, match=r"^upload: holds more than 100 files and folders; upload the deliverables only"
    ):
        put(upload, Caps(entries=100))
    assert list((tmp_path / "staged-0").iterdir()) == []


def test_many_small_folders_count_together(folder, put):
    with pytest.raises(UploadError, match="more than 50 files"):
        put(folder({f"{a}/{b}/x": b"" for a in range(6) for b in range(6)}), Caps(entries=50))


def test_more_files_than_anyone_hands_in_are_refused_by_default(folder, put):
    upload = folder({})
    descriptor = os.open(upload, os.O_RDONLY)
    for number in range(20_001):
        os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    with pytest.raises(UploadError, match="more than 20,000 files"):
        put(upload)


@posix
def test_folders_deeper_than_any_path_are_survived(files, folder, put, messages):
    upload = folder(files)
    descriptor = os.open(upload, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=descriptor)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    assert messages(put(upload)) == {}


def test_what_lies_too_deep_is_not_found(files, folder, put, messages):
    assert messages(put(folder({f"a/b/c/{name}": data for name, data in files.items()}), Caps(depth=4))) == {}
    assert len(messages(put(folder({}), Caps(depth=3)))) == 18


@posix
def test_odd_names_are_shown_without_their_control_characters(folder, put):
    upload = folder({"e\u0301tude/\u202egpj.exe": b"x", "a\nb": b"x", "n" * 200: b"x"})
    (Path(os.fsdecode(os.fsencode(upload) + b"/\xff\xfe"))).write_bytes(b"x")
    submission = put(upload)
    notes = " ".join([*submission.notes, submission.ignored])
    assert notes.isprintable()
    assert "a?b" in notes
    assert "?gpj.exe" in notes
    assert len(notes) < 500


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_sentence(files, folder, put, messages):
    upload = folder(files)
    (upload / "model.py").chmod(0)
    assert messages(put(upload)) == {"model.py": "model.py: cannot be read (Permission denied); upload it again"}


def test_a_place_that_does_not_exist_is_a_sentence(put, tmp_path):
    with pytest.raises(UploadError, match=r"^nowhere: there is no such folder or zip; give one that holds"):
        put(tmp_path / "nowhere")


@posix
def test_a_pipe_given_as_upload_is_a_sentence(put, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UploadError, match=r"^pipe: there is no such folder or zip"):
        put(tmp_path / "pipe")


def test_a_folder_of_ours_that_is_not_empty_is_our_fault(files, folder, deliverables, tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(InternalError, match="is not empty"):
        stage(folder(files), tmp_path, deliverables)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_our_fault_and_not_the_students(files, folder, put, monkeypatch):
    opened = Path.open

    def full(path: Path, mode: str = "r"):
        return opened(Path("/dev/full"), "wb") if mode == "xb" else opened(path, mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InternalError, match=r"cannot be written \(No space left on device\)"):
        put(folder(files))


@posix
def test_files_that_are_swapped_after_listing_are_not_followed(files, folder, tmp_path):
    upload = folder({"inner/model.py": b"honest", "inner/utils.py": b"honest"})
    (tmp_path / "secret").write_bytes(b"gold")
    source = FolderSource(upload, Caps())
    listed = {entry.name: entry for entry in source.entries()}
    (upload / "inner" / "model.py").unlink()
    (upload / "inner" / "model.py").symlink_to(tmp_path / "secret")
    with pytest.raises(RefusedError, match="cannot be read"):
        source.open(listed["model.py"])
    (upload / "inner" / "model.py").unlink()
    os.mkfifo(upload / "inner" / "model.py")
    with pytest.raises(RefusedError, match="is a pipe"):
        source.open(listed["model.py"])
    (upload / "inner").rename(upload / "away")
    (upload / "inner").symlink_to(upload / "away")
    with pytest.raises(RefusedError, match="cannot be read"):
        source.open(listed["utils.py"])
    source.close()


def test_a_file_that_changes_its_size_after_listing_is_refused(files, folder, put, messages, monkeypatch):
    upload = folder(files)
    entries = FolderSource.entries

    def then_grow(source: FolderSource) -> tuple[Entry, ...]:
        listed = entries(source)
        (upload / "model.py").write_bytes(b"#" * 500)
        (upload / "utils.py").write_bytes(b"")
        (upload / "vanilla.model.params").write_bytes(b"#" * 5000)
        return listed

    monkeypatch.setattr(FolderSource, "entries", then_grow)
    found = messages(put(upload, Caps(params=4000)))
    assert found["model.py"].startswith("model.py: was listed with 11 bytes and has 500")
    assert found["utils.py"].startswith("utils.py: was listed with 11 bytes and has 0")
    assert found["vanilla.model.params"].startswith("vanilla.model.params: is more than the 0.003815 MiB that are read")
    assert len(found) == 3


@posix
def test_no_descriptor_is_left_open(files, folder, zipped, pack, put):
    uploads = [folder(files), zipped({"inner.zip": pack(files)})]
    put(uploads[1])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for upload in uploads:
        put(upload)
    with pytest.raises(UploadError):
        put(uploads[0], Caps(entries=3))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_where_folders_cannot_be_opened_paths_are_checked_instead(files, folder, put, messages, monkeypatch):
    """The way of Windows, taken here."""
    monkeypatch.setattr("harness.intake.upload._BY_DESCRIPTOR", False)
    upload = folder({f"src/submission/{name}": data for name, data in files.items()})
    assert messages(put(upload)) == {}
    (upload / "src" / "submission" / "model.py").unlink()
    (upload / "src" / "submission" / "model.py").symlink_to("utils.py")
    assert list(messages(put(upload))) == ["model.py"]
    assert explain(load().uploads_by_name["model.py"]) not in messages(put(upload))["model.py"]
