"""The students' notebook runs from top to bottom on a small dataset, with the reference in the students' place."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.problems.translation.problem import PROBLEM
from tests.translation.support import ASSIGNMENT

nbformat = importlib.import_module("nbformat")  # by name: neither has types
client = importlib.import_module("nbclient")

SOURCE = ROOT / "reference_solution" / "src"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of src/ with little data."""
    folder = tmp_path_factory.mktemp("notebook") / "src"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert PROBLEM.generate is not None
    numbers = {
        **ASSIGNMENT.problem("translation").presets["laptop"],
        "train": 700,
        "monolingual": 2100,
        "dev": 40,
        "test": 40,
    }
    for name, content in PROBLEM.generate(numbers, bytes(32)).items():
        (folder / "data" / name).write_bytes(content)
    return folder


@pytest.mark.filterwarnings("ignore")  # Jupyter's own
def test_the_notebook_runs_and_shows_what_it_promises(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(work / "translation.ipynb", as_version=4)
    client.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}}).execute()
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert len(re.findall(r"perplexity on dev +[\d.]+", said)) == 2
    assert len(re.findall(r"perplexity +[\d.]+ +BLEU", said)) == 2
    assert "[1, 0, 0, 0]" in said


def test_the_notebook_comes_without_what_a_run_leaves() -> None:
    notebook = nbformat.read(SOURCE / "translation.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
