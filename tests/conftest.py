"""What tests of several rooms need: a dataset, and an upload with right code and honest-looking files."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

from harness.assignment import ROOT, load

REFERENCE_CODE = ROOT / "reference_solution" / "src" / "submission"
TEMPLATE_CODE = ROOT / "student_template" / "src" / "submission"


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
    """All 18 deliverables: the reference's code, small untrained params, predictions of which a third are right."""
    folder = tmp_path_factory.mktemp("upload") / "submission"
    folder.mkdir()
    for deliverable in load().deliverables:
        if deliverable.kind == "code":
            shutil.copyfile(REFERENCE_CODE / deliverable.name, folder / deliverable.name)
        elif deliverable.kind == "predictions":
            write_predictions(folder / deliverable.name, data, right=1 / 3)
    write_params(folder)
    return folder


def write_predictions(path: Path, data: Path, right: float) -> None:
    """Answers for the split in the file's name, of which the first `right` (a fraction) are right."""
    split = path.name.split(".")[-2]
    gold = [line.split("\t")[1] for line in (data / f"birth_{split}.tsv").read_text(encoding="utf-8").splitlines()]
    answers = [place if i < right * len(gold) else "Nowhere" for i, place in enumerate(gold)]
    path.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")


def write_params(folder: Path) -> None:
    """State dicts of five small untrained models, under the deliverables' names."""
    import torch

    with reference_package() as submission:
        for deliverable in load().deliverables:
            if deliverable.kind == "params":
                config = submission.GPTConfig(60, 32, n_layer=3, n_head=2, n_embd=16)
                if deliverable.name.startswith("perceiver"):
                    config.perceiver, config.bottleneck_dim = True, 8
                torch.save(submission.GPT(config).state_dict(), folder / deliverable.name)


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
