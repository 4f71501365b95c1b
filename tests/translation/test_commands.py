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


@pytest.mark.parametrize("kind", ["word2vec.txt", "glove.txt", "word2vec.bin", "gensim.bin"])
def test_vectors_are_read_in_each_format(translate: ModuleType, tmp_path: Path, kind: str) -> None:
    vectors = {"l'": [1.5, -2.0, 0.25], "été": [0.0, 1.0, 2.0], "12": [3.0, 4.0, 5.0], "\x85": [0.5, 0.5, 0.5]}
    path = tmp_path / kind
    if kind.endswith(".bin"):
        end = b"\n" if kind.startswith("word2vec") else b""  # gensim writes none
        rows = (word.encode() + b" " + struct.pack("<3f", *numbers) + end for word, numbers in vectors.items())
        path.write_bytes(b"4 3\n" + b"".join(rows))
    else:
        head = ["4 3"] if kind.startswith("word2vec") else []
        rows_of_text = [f"{word} {' '.join(map(str, numbers))}" for word, numbers in vectors.items()]
        path.write_text("\n".join([*head, *rows_of_text, ""]), encoding="utf-8")
    assert translate.translation.read_vectors(path) == vectors


PACKED = struct.pack("<3f", 1, 2, 3)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"", "a.txt: holds no vectors"),
        ("a.txt", b"2 3\nle 1 2 3\n", "a.txt: has 1 vectors, but its first line says 2"),
        ("a.txt", b"2 3\nle 1 2 3\nla 1 2\n", "a.txt, line 3: a word and 3 numbers are expected, not 2"),
        ("a.txt", b"le 1 2 3\nla 1 2 3 4\n", "a.txt, line 2: a word and 3 numbers are expected, not 4"),
        ("a.txt", b"le 1 2 3\nla 1 x 3\n", "a.txt, line 2: could not convert string to float: 'x'; a word and 3"),
        ("a.txt", b"le deux\n", "a.txt, line 1: how many words, and how many numbers for each, are expected"),
        ("a.txt", b"1 3\nle " + struct.pack("<3f", -1, -1, -1), "a.txt: is not UTF-8 text; the name of a binary file"),
        ("a.bin", b"2 3\nle " + PACKED, "a.bin: ends within vector 2, but its first line says 2 of 3 numbers"),
        ("a.bin", b"1 3\nle " + PACKED[:-1], "a.bin: ends within vector 1"),
        ("a.bin", b"le 1 2 3\n", "a.bin, line 1: how many words, and how many numbers for each, are expected"),
        ("a.bin", b"1 3\n\xff " + PACKED, "a.bin: word 1 is not UTF-8 text"),
    ],
)
def test_a_broken_file_of_vectors_is_told_in_a_sentence(
    translate: ModuleType, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(translate.translation.VectorsError) as problem:
        translate.translation.read_vectors(tmp_path / name)
    assert str(problem.value).startswith(f"{tmp_path}{os.sep}{said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("le 1 2 3\n", "its vectors have 3 numbers, but the encoder's width is 32"),
        ("le 1 2 3\nla 1\n", "line 2: a word and 3 numbers are expected, not 1"),
        (None, "No such file"),
    ],
)
def test_the_encoder_is_not_trained_with_vectors_that_do_not_fit(work: Path, text: str | None, said: str) -> None:
    path = work / "own.txt"
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "translate.py", "encoder", "--out", "own.params", "--vectors", path.name]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (work / "own.params").exists()


def test_a_line_that_is_no_pair_is_told_with_its_number(translate: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("je dors .\ti sleep .\na\tb\tc\n", encoding="utf-8")
    with pytest.raises(translate.DataError, match=r"line 2: French, one tab and English"):
        translate.read_pairs(path)
