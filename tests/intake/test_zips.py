"""Zips: ordinary, damaged and hostile."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from harness.intake.staging import Caps, UploadError


def info(name: str, *, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.compress_type = method
    return made


def patch(path: Path, old: bytes, new: bytes, *, expected: int) -> None:
    data = path.read_bytes()
    assert data.count(old) == expected
    path.write_bytes(data.replace(old, new))


def directory_field(path: Path, name: str, offset: int, layout: str, value: int) -> None:
    """Change a field of the central directory's record of `name`."""
    data = bytearray(path.read_bytes())
    at = -1
    while True:
        at = data.index(b"PK\x01\x02", at + 1)
        if data[at + 46 : at + 46 + len(name)] == name.encode():
            break
    struct.pack_into(layout, data, at + offset, value)
    path.write_bytes(bytes(data))


def test_backslashes_and_leading_dots_are_ordinary(files, zipped, put, messages):
    names = {
        f".\\submission\\{name}" if number % 2 else f"./submission/{name}": data
        for number, (name, data) in enumerate(files.items())
    }
    assert messages(put(zipped(names))) == {}


@pytest.mark.parametrize(
    "name",
    [
        "a/../../model.py",
        "../a/../model.py",
        "/etc/model.py",
        "C:\\x\\model.py",
        "C:/x/model.py",
        "\\\\server\\model.py",
    ],
)
def test_a_path_that_leaves_the_zip_refuses_it_whole(name, files, zipped, put, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        UploadError, match=r"^upload\.zip: holds '.*', a path that leaves the zip; zip the files again$"
    ):
        put(zipped(files, (info(name), b"x")))
    left = {path.name for path in tmp_path.rglob("*")} - {path.name for path in before}
    assert left == {"upload.zip", "staged-0"}


def test_a_name_with_a_zero_byte_is_refused(files, zipped, put):
    upload = zipped(files | {"modelX.pyXevil": b"x"})
    patch(upload, b"modelX.pyXevil", b"modelX.py\0evil", expected=2)
    with pytest.raises(UploadError, match="a path that leaves the zip"):
        put(upload)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (stat.S_IFLNK, "is a symbolic link"),
        (stat.S_IFIFO, "is a pipe"),
        (stat.S_IFCHR, "is a pipe, a socket or a device"),
    ],
)
def test_an_entry_that_is_no_regular_file_is_refused_alone(kind, says, files, zipped, put, messages):
    contents = {name: data for name, data in files.items() if name != "model.py"}
    submission = put(zipped(contents, (info("model.py", mode=kind | 0o777), b"/etc/passwd")))
    assert list(messages(submission)) == ["model.py"]
    assert says in messages(submission)["model.py"]


def test_links_among_what_nobody_wants_do_no_harm(files, zipped, put, messages):
    assert messages(put(zipped(files, (info(".venv/bin/python", mode=stat.S_IFLNK | 0o777), b"/usr/bin/python")))) == {}


def test_a_folder_named_like_a_deliverable_is_refused_alone(files, zipped, put, messages):
    contents = {name: data for name, data in files.items() if name != "model.py"}
    submission = put(zipped(contents | {"model.py/notes.txt": b"x"}))
    assert messages(submission) == {"model.py": "model.py: 'model.py' is a folder; upload a file of that name"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("other", ["model.py", "./model.py", ".\\model.py", "../model.py"])
def test_the_last_of_a_name_counts(other, files, zipped, put, messages):
    """As tools append a file that was corrected, and as they unpack it."""
    submission = put(zipped(files, (info(other), b"second")))
    assert messages(submission) == {}
    assert submission.present["model.py"].read_bytes() == b"second"
    assert "upload.zip: holds 'model.py' twice; the last one counts" in submission.notes


@pytest.mark.parametrize("prefix", ["../sub/", "../../a/b/", "..\\sub\\"])
def test_a_zip_of_a_folder_beside_is_read_with_a_note(prefix, files, zipped, put, messages):
    submission = put(zipped({prefix + name: data for name, data in files.items()}))
    assert messages(submission) == {}
    (note,) = submission.notes
    assert note.startswith("upload.zip: '..' in front of '")


@pytest.mark.parametrize("prefix", ["A:B final/", "10:30/", "C: my homework/", "Homework 3: final/a:b/"])
def test_a_colon_is_a_character_of_a_folders_name(prefix, files, zipped, put, messages):
    submission = put(zipped({prefix + name: data for name, data in files.items()}))
    assert (messages(submission), submission.notes) == ({}, ())


def test_notes_on_a_zip_are_few(files, zipped, put):
    with pytest.warns(UserWarning, match="Duplicate name"):
        upload = zipped(files, *((info(name), data) for name, data in files.items()))
    assert len([note for note in put(upload).notes if "twice" in note]) == 4


def test_an_encrypted_entry_is_a_sentence(files, zipped, put, messages):
    upload = zipped(files)
    directory_field(upload, "model.py", 8, "<H", 1)
    assert messages(put(upload)) == {"model.py": "model.py: is encrypted; zip the files without a password"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_whose_output_has_no_bound_are_not_read(method, files, zipped, put, messages):
    contents = {name: data for name, data in files.items() if name != "model.py"}
    assert (
        "compressed in a way that is not read here"
        in messages(put(zipped(contents, (info("model.py", method=method), b"x"))))["model.py"]
    )


@pytest.mark.parametrize("method", [9, 93, 98, 999])
def test_unknown_compressions_are_a_sentence(method, files, zipped, put, messages):
    upload = zipped(files)
    directory_field(upload, "model.py", 10, "<H", method)
    assert list(messages(put(upload))) == ["model.py"]


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 17, b"PK\x03\x04" * 100])
def test_what_is_no_zip_is_a_sentence(data, put, tmp_path):
    upload = tmp_path / "work.zip"
    upload.write_bytes(data)
    with pytest.raises(UploadError, match=r"^work\.zip: is not a zip that can be read \(.*\); zip the files again$"):
        put(upload)


def test_a_truncated_zip_is_a_sentence(files, zipped, put):
    upload = zipped(files)
    upload.write_bytes(upload.read_bytes()[:-100])
    with pytest.raises(UploadError, match=r"^upload\.zip: is not a zip that can be read"):
        put(upload)


def test_a_damaged_entry_is_refused_alone(files, zipped, put, messages):
    noise = os.urandom(5000)
    upload = zipped(files, (info("x/junk"), b""), (info("blocks.py"), noise))
    patch(upload, noise[:40], b"\0" * 40, expected=1)
    submission = put(upload)
    assert messages(submission) == {}
    assert submission.extras == ()
    assert any(note.startswith("left out 'blocks.py': is damaged (Bad CRC-32") for note in submission.notes)


def test_a_wrong_checksum_is_a_sentence(files, zipped, put, messages):
    upload = zipped(files)
    directory_field(upload, "model.py", 16, "<I", 12345)
    assert messages(put(upload)) == {
        "model.py": "model.py: is damaged (Bad CRC-32 for file 'model.py'); upload it again"
    }


@pytest.mark.parametrize(("claimed", "says"), [(5, "damaged"), (5000, "was listed with 5000 bytes and has 11")])
def test_a_lying_size_is_a_sentence(claimed, says, files, zipped, put, messages):
    upload = zipped(files)
    directory_field(upload, "model.py", 24, "<I", claimed)
    assert says in messages(put(upload))["model.py"]


def test_a_lying_offset_is_a_sentence(files, zipped, put):
    upload = zipped(files)
    directory_field(upload, "model.py", 42, "<I", 7)
    with pytest.raises(UploadError, match="overlap"):
        put(upload)
    directory_field(upload, "model.py", 42, "<I", 1 << 30)
    submission = put(upload)
    assert "model.py" in submission.missing
    assert len(submission.present) == 17


def test_two_names_for_the_same_bytes_are_an_overlap(files, zipped, put):
    """The way of the bombs that need no nesting: many entries, one kernel of zeros."""
    upload = zipped({"model.py": b"0" * 1000, "utils.py": b"0" * 1000})
    directory_field(upload, "utils.py", 42, "<I", 0)
    with pytest.raises(
        UploadError, match=r"^upload\.zip: its files overlap at '(model|utils)\.py'; zip the files again$"
    ):
        put(upload)


def test_a_bomb_is_stopped_by_what_it_yields_and_not_by_what_it_says(files, zipped, put, messages):
    bomb = b"\0" * (8 << 20)
    upload = zipped(files | {"vanilla.model.params": bomb})
    assert upload.stat().st_size < 100_000
    caps = Caps(params=1 << 20)
    assert "is 8 MiB, more than the 1 MiB" in messages(put(upload, caps))["vanilla.model.params"]
    directory_field(upload, "vanilla.model.params", 24, "<I", 1000)
    assert "damaged" in messages(put(upload, caps))["vanilla.model.params"]


def test_bombs_nobody_wants_are_not_opened(files, zipped, put, messages):
    assert (
        messages(put(zipped(files | {f"bomb{n}.txt": b"\0" * (4 << 20) for n in range(4)}), Caps(total=1 << 20))) == {}
    )


def test_a_wrapped_bomb_is_capped(zipped, pack, put):
    inner = pack({}, (info("zeros", method=zipfile.ZIP_STORED), b"\0" * (4 << 20)))
    with pytest.raises(UploadError, match=r"^inner\.zip: is more than the 1 MiB that are read"):
        put(zipped({"inner.zip": inner}), Caps(total=1 << 20))


def test_a_wrapped_zip_that_is_damaged_is_named(zipped, folder, put):
    for upload in (zipped({"work/inner.zip": b"nonsense"}), folder({"work/inner.zip": b"nonsense"})):
        with pytest.raises(UploadError, match=r"^work/inner\.zip: is not a zip that can be read"):
            put(upload)


def test_a_zip_within_itself_ends(zipped, pack, put):
    data = pack({"model.txt": b""})
    for _ in range(30):
        data = pack({"r.zip": data})
    with pytest.raises(UploadError, match="zips within zips"):
        put(zipped({"r.zip": data}))


def test_too_many_entries_are_a_sentence(files, zipped, put):
    with pytest.raises(UploadError, match=r"^upload\.zip: holds more than 50 files and folders"):
        put(zipped(files | {f"junk/{number}": b"" for number in range(50)}), Caps(entries=50))


def test_an_environment_inside_the_zip_does_not_count(files, zipped, put, messages):
    junk = {f".venv/lib/{number}/__init__.py": b"" for number in range(300)}
    junk |= {"env/pyvenv.cfg": b""} | {f"env/lib/{number}.py": b"" for number in range(20)}
    assert messages(put(zipped(junk | files), Caps(entries=25))) == {}


def test_deep_and_long_names_are_survived(files, zipped, put, messages):
    deep = {"d/" * 20_000 + "model.py": b"x", "n" * 60_000: b"x", "日本語/модель.py": b"x"}
    submission = put(zipped(files | deep))
    assert messages(submission) == {}
    assert sum(map(len, (*submission.notes, submission.ignored))) < 1000


def test_undecodable_names_are_a_sentence(files, zipped, put):
    upload = zipped(files | {"mödel": b"x"})
    patch(upload, "mödel".encode(), b"m\xff\xffdel", expected=2)
    with pytest.raises(UploadError, match="is not a zip that can be read"):
        put(upload)


def test_a_zip_after_other_bytes_is_read(files, zipped, put, messages):
    upload = zipped(files)
    upload.write_bytes(b"#!/bin/sh\nexit\n" + upload.read_bytes())
    assert messages(put(upload)) == {}


def test_a_list_of_files_as_long_as_the_zip_is_refused(put, tmp_path):
    """91,000 entries and more: ZipFile would make an object of each before anybody could count them."""
    upload = tmp_path / "upload.zip"
    record = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    records = record * 100_000
    upload.write_bytes(records + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFE, 0xFFFE, len(records), 0, 0))
    with pytest.raises(UploadError, match="its list of files is too long"):
        put(upload)


CHILD = """
import resource, sys
from pathlib import Path
from harness.manifest import load
from harness.intake.staging import UploadError, stage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    stage(Path(sys.argv[1]), Path(sys.argv[2]), load().deliverables)
except UploadError as problem:
    print(problem, file=sys.stderr)
assert not {"torch", "numpy"} & set(sys.modules)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def kilobytes_to_stage(upload: Path, into: Path) -> int:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, upload, into], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in Linux's units")
def test_a_full_size_upload_takes_no_memory_to_speak_of(files, zipped, tmp_path):
    noise = os.urandom(14 << 20)
    params = {name: noise for name in files if name.endswith(".params")}
    assert kilobytes_to_stage(zipped(files | params), tmp_path / "tree") < 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in Linux's units")
def test_no_zip_takes_memory_for_what_it_claims(files, zipped, tmp_path, pack):
    bombs = {name: b"\0" * (60 << 20) for name in files if name.endswith(".params")}
    assert kilobytes_to_stage(zipped(files | bombs), tmp_path / "bombs") < 20_000
    names = {"/".join(f"{number:05}{letter}" for letter in "abcdefgh"): b"" for number in range(19_000)}
    assert kilobytes_to_stage(zipped(names), tmp_path / "names") < 150_000


def test_two_zips_and_no_deliverable_are_explained(zipped, pack, files, put):
    submission = put(zipped({"a.zip": pack(files), "b.zip": pack(files)}))
    assert submission.present == {}
    assert "not opened: 'a.zip'; upload one zip, or the files themselves" in submission.notes


def test_other_archives_are_named(put, tmp_path):
    upload = tmp_path / "work.tar.gz"
    upload.write_bytes(zlib.compress(b"x" * 1000))
    with pytest.raises(UploadError, match=r"^work\.tar\.gz: is not a zip that can be read"):
        put(upload)
