"""What tests of several rooms need: a dataset, and an upload with right code and honest-looking files."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.manifest import PROFILE_VARIABLE, load

#: Tests grade by assignment.toml as it stands, whichever profile the release in dist/ was made with.
os.environ[PROFILE_VARIABLE] = ""

REFERENCE_CODE = ROOT / "reference_solution" / "src" / "submission"
TEMPLATE_CODE = ROOT / "student_template" / "src" / "submission"


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, for many tests wait for a clock; at most four, for each takes memory."""
    return min(4, 1 + (os.cpu_count() or 1))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo dataset's five files."""
    from harness.release.keys import DEMO_KEY
    from harness.release.termdata import generate, write

    out = tmp_path_factory.mktemp("dataset") / "data"
    write(generate(load(), "laptop", DEMO_KEY), out)
    return out


@pytest.fixture(scope="session")
def honest_upload(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 18 deliverables: the reference's code, five small trained models, and the answers that they give."""
    from tests import trained

    folder = tmp_path_factory.mktemp("upload") / "submission"
    folder.mkdir()
    with reference_package() as submission:
        made = trained.trained(submission, data)
    for path in (
        *(REFERENCE_CODE / each.name for each in load().deliverables if each.kind == "code"),
        *trained.files(made),
    ):
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.fixture(scope="session")
def translation_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo dataset's six files of problem 4."""
    from harness.release.keys import DEMO_KEY
    from harness.release.termdata import generate, write
    from tests.assignments import with_only

    out = tmp_path_factory.mktemp("translation") / "data"
    write(generate(with_only("translation"), "laptop", DEMO_KEY), out)
    return out


@pytest.fixture(scope="session")
def translated_upload(translation_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All deliverables of problem 4: the reference's code, four small trained models, and what they write."""
    from tests.translation import trained

    folder = tmp_path_factory.mktemp("translated") / "submission"
    shutil.copytree(trained.trained(translation_data), folder)
    shutil.copyfile(REFERENCE_CODE / "translation.py", folder / "translation.py")
    return folder


def write_predictions(path: Path, data: Path, right: float) -> None:
    """Answers for the split in the file's name, of which the first `right` (a fraction) are right."""
    split = path.name.split(".")[-2]
    gold = [line.split("\t")[1] for line in (data / f"birth_{split}.tsv").read_text(encoding="utf-8").splitlines()]
    answers = [place if i < right * len(gold) else "Nowhere" for i, place in enumerate(gold)]
    path.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")


class reference_package:  # noqa: N801 - reads like a function
    """The reference's package `submission`, importable inside the block and gone after it."""

    def __enter__(self):
        sys.path.insert(0, str(REFERENCE_CODE.parent))
        return importlib.import_module("submission")

    def __exit__(self, *problem: object) -> None:
        sys.path.remove(str(REFERENCE_CODE.parent))
        for name in [name for name in sys.modules if name.split(".")[0] == "submission"]:
            del sys.modules[name]


@pytest.fixture
def upload(honest_upload: Path, tmp_path: Path) -> Path:
    """A copy of the honest upload to break."""
    copy = tmp_path / "submission"
    shutil.copytree(honest_upload, copy)
    return copy
