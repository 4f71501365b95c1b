"""Uploads, right and wrong, and their staging."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from harness.assignment import Deliverable
from harness.intake.staging import Caps, Submission, discard, stage
from harness.intake.standin import OWN
from harness.manifest import load

Stage = Callable[..., Submission]
MakeZip = Callable[..., Path]

DEMOS = load().demos


@pytest.fixture(scope="session")
def deliverables() -> tuple[Deliverable, ...]:
    return load().deliverables


@pytest.fixture(scope="session")
def files(deliverables: tuple[Deliverable, ...]) -> dict[str, bytes]:
    """All deliverables with small contents, each its own."""
    return {wanted.name: f"# {wanted.name}\n".encode() for wanted in deliverables}


@pytest.fixture
def put(tmp_path: Path, deliverables: tuple[Deliverable, ...]) -> Iterator[Stage]:
    """Stage an upload into a folder that is removed afterwards."""
    trees: list[Path] = []

    def put(upload: Path, caps: Caps | None = None) -> Submission:
        trees.append(tmp_path / f"staged-{len(trees)}")
        return stage(upload, trees[-1], deliverables, caps or Caps(), demos=DEMOS)

    yield put
    for tree in trees:
        if tree.exists():
            discard(tree)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Path]:
    """A folder that holds the given paths."""

    def make(contents: Mapping[str, bytes]) -> Path:
        root = tmp_path / "upload"
        root.mkdir(exist_ok=True)
        for path, data in contents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        return root

    return make


@pytest.fixture
def zipped(tmp_path: Path) -> MakeZip:
    """A zip that holds the given paths; entries may be given as ZipInfo."""

    def make(contents: Mapping[str, bytes], *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
        path = tmp_path / "upload.zip"
        path.write_bytes(zip_bytes(contents, *more))
        return path

    return make


def zip_bytes(contents: Mapping[str, bytes], *more: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
        for info, data in more:
            archive.writestr(info, data)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def pack() -> Callable[..., bytes]:
    """Bytes of a zip that holds the given paths."""
    return zip_bytes


def complaints(submission: Submission) -> dict[str, str]:
    return {problem.file: problem.message for problem in submission.complaints}


@pytest.fixture(scope="session")
def messages() -> Callable[[Submission], dict[str, str]]:
    """Deliverable -> sentence; checks on the way what holds for every staged submission."""

    def of(submission: Submission) -> dict[str, str]:
        found = complaints(submission)
        assert set(found) == set(submission.missing)
        assert len(found) == len(submission.complaints)
        assert not set(found) & set(submission.present)
        staged = {path.name for path in (submission.tree / "submission").iterdir()}
        if any(name.endswith(".py") for name in submission.missing):  # a stand-in puts the package together
            staged -= {f"{OWN}.py", *({"__init__.py"} & set(submission.missing))}
        assert staged == {*submission.present, *submission.extras}
        for name, message in found.items():
            assert message.startswith(f"{name}: ")
            assert "\n" not in message
        return found

    return of
