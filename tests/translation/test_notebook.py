"""The students' notebook runs from top to bottom on a small dataset, in each course that translates.

The reference stands in the students' place, without what the course does not ask for.
"""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

from harness.assignment import ROOT, Assignment
from harness.manifest import load
from harness.problems.translation.problem import PROBLEM
from harness.release import lists
from harness.release.strip import strip
from harness.release.strip.blocks import STYLES
from harness.release.strip.parts import switched_off
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


def course(profile: str) -> Assignment:
    """A profile's, or one with all of problem 4."""
    return load(ROOT / "assignment.toml", ROOT / "profiles" / f"{profile}.toml") if profile else ASSIGNMENT


def solved(assignment: Assignment) -> str:
    """A student's translation.py: the template's, with the reference's blocks where the course has any."""
    text, parts = (SOURCE / "submission" / "translation.py").read_text(encoding="utf-8"), lists.load(assignment).parts
    made = strip("translation.py", text.encode(), parts=parts)
    lines, comment = text.split("\n"), STYLES[".py"].comment
    asked = [each for each in made.blocks if switched_off(lines, each, comment, parts) is None]
    pieces = re.split(r"(?m)(?<=### START_CODE_HERE ###\n)[^#]*?(?=^ *### END_CODE_HERE ###)", made.data.decode())
    assert len(pieces) == len(asked) + 1
    return pieces[0] + "".join("\n".join([*block.body, piece]) for block, piece in zip(asked, pieces[1:], strict=True))


#: By profile, all of problem 4 first: how often each of these stands in what the cells print.
SHOWN = {
    "": {r"perplexity on dev +[\d.]+": 2, r"perplexity +[\d.]+ +BLEU": 2, r"\[1, 0, 0, 0\]": 1},
    "winter": {r"perplexity on dev": 0, r"perplexity +[\d.]+ +BLEU": 2, r"\[1, 0, 0, 0\]": 1},
    "encoder": {r"perplexity on dev +[\d.]+": 2, r"BLEU": 0, r"\[1, 0, 0, 0\]": 0},
}


@pytest.mark.filterwarnings("ignore")  # Jupyter's own
@pytest.mark.parametrize("profile", [pytest.param(each, marks=pytest.mark.slow if each else ()) for each in SHOWN])
def test_the_notebook_runs_and_shows_what_it_promises(
    work: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assignment = course(profile)
    (work / "submission" / "translation.py").write_text(solved(assignment), encoding="utf-8")
    data, parts = (SOURCE / "translation.ipynb").read_bytes(), lists.load(assignment).parts
    source = strip("translation.ipynb", data, parts=parts)
    assert not source.findings
    notebook = nbformat.reads(source.data.decode(), as_version=4)
    nbformat.validate(notebook)
    client.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}}).execute()
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert {shown: len(re.findall(shown, said)) for shown in SHOWN[profile]} == SHOWN[profile]
    assert not [part for part in ("4a", "4b", "4c") if part in source.data.decode() and not parts[part]]


def test_the_notebook_comes_without_what_a_run_leaves() -> None:
    notebook = nbformat.read(SOURCE / "translation.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
