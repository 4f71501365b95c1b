"""Whatever an upload is, staging ends with a submission or one sentence, and stages nothing but regular files."""

from __future__ import annotations

import io
import os
import random
import stat
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.intake.layout import choose
from harness.intake.staging import Caps, Submission, UploadError, discard, stage
from harness.intake.standin import OWN
from harness.intake.upload import Entry
from harness.manifest import load

if TYPE_CHECKING:
    from collections.abc import Callable

DELIVERABLES = load().deliverables
NAMES = [wanted.name for wanted in DELIVERABLES]
CODE = {wanted.name for wanted in DELIVERABLES if wanted.kind == "code"}
CAPS = Caps(code=2000, predictions=2000, params=4000, total=20_000, entries=60, depth=5, extra_files=3)

component = st.one_of(
    st.sampled_from([*NAMES, "submission", "src", "old", "mingpt-demo", "..", ".", "", "x.zip", "own.py"]),
    st.text(max_size=8),
)
path = st.lists(component, min_size=1, max_size=6).map("/".join)
data = st.one_of(st.binary(max_size=200), st.integers(0, 5000).map(bytes))


def attempt(upload: Path, into: Path) -> Submission | str:
    """The staged submission, or the sentence that says why there is none."""
    try:
        return stage(upload, into, DELIVERABLES, CAPS, demos=load().demos)
    except UploadError as problem:
        return str(problem)


def check(upload: Path) -> None:
    """Stage `upload` and check everything that is promised."""
    with tempfile.TemporaryDirectory() as own:
        into = Path(own) / "tree"
        outcome = attempt(upload, into)
        if isinstance(outcome, str):
            assert outcome.isprintable()
            assert len(outcome) < 400
            assert list(into.iterdir()) == []
        else:
            check_staged(outcome, into)
            discard(into)


def check_staged(submission: Submission, into: Path) -> None:
    assert set(submission.present) | set(submission.missing) == set(NAMES)
    assert [problem.file for problem in submission.complaints] == list(submission.missing)
    assert all(problem.message.isprintable() and len(problem.message) < 400 for problem in submission.complaints)
    assert all(note.isprintable() and len(note) < 800 for note in (*submission.notes, submission.ignored))
    staged = list((into / "submission").iterdir())
    made = {f"{OWN}.py", "__init__.py"} - {*submission.present, *submission.extras}
    assert {path.name for path in staged} - made == {*submission.present, *submission.extras}
    assert bool(CODE & {path.name for path in staged}) == ("__init__.py" in {path.name for path in staged})
    assert all(stat.S_ISREG(path.lstat().st_mode) for path in staged)
    assert sum(path.stat().st_size for path in staged if path.name not in made) <= CAPS.total
    assert [path.name for path in into.iterdir()] == ["submission"]


def zip_of(entries: list[tuple[str, bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name.replace("\0", "") or "x")
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def staged_from(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".zip") as upload:
        upload.write(content)
        upload.flush()
        check(Path(upload.name))


modes = st.sampled_from([0, 0, 0, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFDIR])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(path, data, modes), max_size=30))
def test_any_zip(entries):
    staged_from(zip_of(entries))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 1 << 32), st.integers(1, 12))
def test_any_damage_to_a_zip(seed, flips):
    whole = zip_of([(f"submission/{name}", name.encode() * 20, 0) for name in NAMES] + [("x.zip", zip_of([]), 0)])
    chance = random.Random(seed)
    damaged = bytearray(whole)
    directory = whole.rindex(b"PK\x01\x02") - 1500 if chance.random() < 0.7 else 0
    for _ in range(flips):
        damaged[chance.randrange(directory, len(damaged))] = chance.choice([0, 1, 8, 255, chance.randrange(256)])
    if chance.random() < 0.2:
        del damaged[chance.randrange(len(damaged)) :]
    staged_from(bytes(damaged))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_for_a_zip(content):
    staged_from(content)
    staged_from(b"PK\x03\x04" + content + b"PK\x05\x06" + bytes(18))


on_disk = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=8)
folder_path = st.lists(st.one_of(st.sampled_from([*NAMES, "submission", "old"]), on_disk), min_size=1, max_size=6)
makers: dict[str, Callable[[Path, bytes], object]] = {
    "file": Path.write_bytes,
    "link": lambda path, _: path.symlink_to("nowhere"),
    "upwards": lambda path, _: path.symlink_to(".."),
    "pipe": lambda path, _: os.mkfifo(path),
}


def make(root: Path, parts: list[str], content: bytes, kind: str) -> None:
    """Make one drawn path, unless something is there already or a link made before leads elsewhere."""
    place = root
    for part in parts[:-1]:
        place /= part
        if not place.is_dir() or place.is_symlink():
            if os.path.lexists(place):
                return
            place.mkdir()
    if not os.path.lexists(place / parts[-1]):
        makers[kind](place / parts[-1], content)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(folder_path, data, st.sampled_from(["file", "file", "file", *makers])), max_size=30))
def test_any_folder(entries):
    with tempfile.TemporaryDirectory() as own:
        root = Path(own) / "one" / "upload"
        root.mkdir(parents=True)
        for parts, content, kind in entries:
            if not {".", ".."} & set(parts):
                make(root, parts, content, kind)
        check(root)
        assert [path.name for path in Path(own).iterdir()] == ["one"]
        assert [path.name for path in (Path(own) / "one").iterdir()] == ["upload"]


entry = st.builds(
    Entry,
    path.map(lambda text: tuple(part for part in text.split("/") if part) or ("x",)),
    st.sampled_from(["file", "file", "folder", "link", "special"]),
)


@settings(deadline=None)
@given(st.lists(entry, max_size=40))
def test_any_listing_gives_each_deliverable_a_file_or_a_sentence(entries):
    plan = choose(entries, DELIVERABLES, CAPS, load().demos)
    assert set(plan.chosen) | set(plan.refusals) == set(NAMES)
    assert not set(plan.chosen) & set(plan.refusals)
    for name, found in plan.chosen.items():
        assert (found.name, found.kind) == (name, "file")
    assert plan == choose(entries, DELIVERABLES, CAPS, load().demos)
