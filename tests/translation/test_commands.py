"""The students' commands: what translate.sh lists is what assignment.toml asks for, and works on a small dataset."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.assignment import ROOT
from harness.problems.translation.problem import PROBLEM
from harness.release import training
from tests.translation.support import ASSIGNMENT

SOURCE = ROOT / "reference_solution" / "src"
FILES = {each.command: each.name for each in ASSIGNMENT.deliverables if each.command}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="translate.sh needs bash")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of src/ with little data."""
    folder = tmp_path_factory.mktemp("commands") / "src"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert PROBLEM.generate is not None
    numbers = {
        **ASSIGNMENT.problem("translation").presets["laptop"],
        "train": 200,
        "monolingual": 400,
        "dev": 20,
        "test": 20,
    }
    for name, content in PROBLEM.generate(numbers, bytes(32)).items():
        (folder / "data" / name).write_bytes(content)
    return folder


def run(folder: Path, *command: str, python: str = sys.executable) -> str:
    done = subprocess.run(
        ["bash", "translate.sh", *command],
        cwd=folder,
        env={**os.environ, "PYTHON": python, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def translate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """translate.py as a module, with translation.py beside it."""
    monkeypatch.syspath_prepend(str(SOURCE))
    monkeypatch.syspath_prepend(str(SOURCE / "submission"))
    specification = importlib.util.spec_from_file_location("translate_for_tests", SOURCE / "translate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "translate_for_tests", module)
    specification.loader.exec_module(module)
    return module


def test_the_script_lists_the_command_of_every_deliverable(work: Path) -> None:
    listed = dict(re.findall(r"(?m)^  (\w+) .* -> (\S+)$", run(work)))
    assert listed == FILES
    assert {each.script for each in ASSIGNMENT.deliverables} == {"translate.sh"}


def test_the_page_has_what_the_script_does(work: Path) -> None:
    page = (ROOT / "reference_solution" / "translation.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"(?m)^    \./translate\.sh (\w+) +(\S+)$", page)) == FILES
    written = {frozenset(line.split()[1:]) for line in re.findall(r"(?m)^    (python translate\.py .*)$", page)}
    meant = {frozenset(run(work, each, python="echo").replace("=", " ").split()) for each in FILES}
    assert written == meant


def test_every_command_makes_its_file_and_dev_is_scored(work: Path) -> None:
    said = {}
    for chain in ASSIGNMENT.chains:
        for made in chain:
            said[made.command] = run(work, made.command, *(["--epochs", "1"] if made.kind == "params" else []))
            assert (work / "submission" / made.name).is_file(), made.name
    assert "Perplexity on dev" in said["translation_encoder"]
    assert re.search(r"BLEU: [\d.]+", said["translation_eval_dev_finetune"])
    assert "BLEU" not in said["translation_eval_test_finetune"]
    lines = (work / "submission" / "translation.scratch.test.predictions").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 20


def test_what_is_missing_is_told_in_a_sentence(work: Path) -> None:
    command = [sys.executable, "translate.py", "evaluate", "--out", "x", "--start", "nothing.params", "--corpus", "x"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("translate.py: nothing.params does not exist: run the command that trains it first")


def test_scripts_of_the_commands_decide_what_is_trained_anew() -> None:
    told = {path.name for path in training.scripts_of(ASSIGNMENT)}
    assert told == {"translate.sh", "translate.py"}


@pytest.mark.parametrize("kind", ["word2vec.txt", "glove.txt", "word2vec.bin"])
def test_vectors_are_read_in_each_format(translate: ModuleType, tmp_path: Path, kind: str) -> None:
    vectors = {"l'": [1.5, -2.0, 0.25], "été": [0.0, 1.0, 2.0], "12": [3.0, 4.0, 5.0]}
    path = tmp_path / kind
    if kind.endswith(".bin"):
        rows = (word.encode() + b" " + struct.pack("<3f", *numbers) + b"\n" for word, numbers in vectors.items())
        path.write_bytes(b"3 3\n" + b"".join(rows))
    else:
        head = ["3 3"] if kind.startswith("word2vec") else []
        rows_of_text = [f"{word} {' '.join(map(str, numbers))}" for word, numbers in vectors.items()]
        path.write_text("\n".join([*head, *rows_of_text, ""]), encoding="utf-8")
    assert translate.translation.read_vectors(path) == vectors


def test_a_line_that_is_no_pair_is_told_with_its_number(translate: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("je dors .\ti sleep .\na\tb\tc\n", encoding="utf-8")
    with pytest.raises(translate.DataError, match=r"line 2: French, one tab and English"):
        translate.read_pairs(path)
