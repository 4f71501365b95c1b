"""The written half: asks what the sheet says it asks, strips like code, and typesets where there is a LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.assignment import ROOT
from harness.manifest import load

WRITTEN = ROOT / "reference_solution" / "written"
TEMPLATE = ROOT / "student_template" / "written"


def test_every_question_has_a_place_for_its_answer():
    text = (TEMPLATE / "submission.tex").read_text(encoding="utf-8")
    asked = re.findall(r"(?m)^\\question\{([^}]+)\}", text)
    assert asked == re.findall(r"\\begin\{answer\}\{([^}]+)\}", text)
    assert text.count("START_CODE_HERE") == text.count("\\answerspace{") == len(asked) == 9
    wanted = {part.id for part in load().parts if part.extra_credit}
    assert {label.split()[0] for label in asked} == wanted


def test_the_template_has_no_answers():
    solved, blank = (folder / "submission.tex" for folder in (WRITTEN, TEMPLATE))
    assert "canary" not in blank.read_text(encoding="utf-8")
    assert len(blank.read_text(encoding="utf-8")) < len(solved.read_text(encoding="utf-8")) - 3000


@pytest.mark.parametrize("folder", [WRITTEN, TEMPLATE], ids=["solved", "template"])
def test_it_can_be_previewed_without_latex(folder: Path, tmp_path: Path):
    import pypandoc

    options = next(
        line
        for line in (folder / "Makefile").read_text(encoding="utf-8").splitlines()
        if "pandoc" in line and "\t" in line
    )
    assert all(option in options for option in ("--from=latex", "--mathml", "--sandbox"))
    command = [
        pypandoc.get_pandoc_path(),
        "--from=latex",
        "--mathml",
        "--sandbox",
        "--standalone",
        "--fail-if-warnings",
    ]
    done = subprocess.run(
        [*command, "--metadata", "title=x", "submission.tex"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<math") > 50
    assert "Two heads, a stretched key" in " ".join(done.stdout.split())


@pytest.mark.skipif(
    shutil.which("latexmk") is None, reason="needs LaTeX: apt install latexmk texlive-latex-recommended"
)
@pytest.mark.parametrize("folder", [WRITTEN, TEMPLATE], ids=["solved", "template"])
def test_make_typesets_it(folder: Path, tmp_path: Path):
    for name in ("Makefile", "submission.tex"):
        shutil.copyfile(folder / name, tmp_path / name)
    done = subprocess.run(["make"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "submission.pdf").read_bytes().startswith(b"%PDF-")
